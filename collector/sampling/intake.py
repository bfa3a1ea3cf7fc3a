"""From the spans of a batch to the traces that they belong to."""

from dataclasses import dataclass, field

from collector.data import Batch
from collector.processing.span_state import TRACE_ID_HEAD
from collector.sampling.buffer import Buffer, key_of
from collector.sampling.config import TailConfig
from collector.sampling.digest import has_parent
from collector.sampling.origin import Origins
from collector.sampling.trace import Trace, scopes_of, trace_id_of

_NO_ID = key_of(bytes(16))


@dataclass(slots=True)
class Arrivals:
    """What a batch brought: keys of traces that are new, that may be too large now, and whose root came.

    `lonely` are spans without a valid trace id, each as a trace of its own; they are not in the buffer.
    """

    new: list[bytes] = field(default_factory=list)
    large: set[bytes] = field(default_factory=set)
    roots: list[bytes] = field(default_factory=list)
    lonely: list[Trace] = field(default_factory=list)


class Intake:
    """Puts the spans of batches into a buffer.

    Each goes first to the trace of the key that it begins with. That is right for all spans whose encoder writes the
    trace id first, as OTLP's do; only of traces that are new it is checked.
    """

    def __init__(self, config: TailConfig, buffer: Buffer) -> None:
        self._wants_roots = config.decision_wait_after_root_received > 0
        self._buffer = buffer
        self._origins = Origins()

    def put(self, batch: Batch) -> Arrivals:
        """Put the spans of a batch to their traces."""
        arrivals = Arrivals()
        for origin, raws in scopes_of(batch, self._origins):
            if raws:
                new, large = self._buffer.add(raws, origin)
                arrivals.new += new
                arrivals.large |= large
                if self._wants_roots:
                    arrivals.roots += [key_of(trace_id_of(raw)) for raw in raws if not has_parent(raw)]
        odd = {key for key in arrivals.new if not key.startswith(TRACE_ID_HEAD) or key == _NO_ID}
        if odd:
            arrivals.new = [key for key in arrivals.new if key not in odd]
            self._put_right(odd, arrivals)
        return arrivals

    def _put_right(self, odd: set[bytes], arrivals: Arrivals) -> None:
        """Put spans that do not begin with their trace id to their traces."""
        traces = self._buffer.take(odd)
        for found in traces:
            for raw, origin in zip(found.raws, found.origins, strict=True):
                trace_id = trace_id_of(raw)
                if len(trace_id) != 16 or not any(trace_id):
                    arrivals.lonely.append(Trace(trace_id, [raw], [origin]))
                    continue
                key = key_of(trace_id)
                is_new, may_be_large = self._buffer.put(key, raw, origin)
                if is_new:
                    arrivals.new.append(key)
                if may_be_large:
                    arrivals.large.add(key)
        traces.clear()
