"""What a sampler writes into the spans that it keeps: `ot=th` and `rv` in `tracestate`, and why they were kept.

Most spans have neither a `trace_state` nor attributes of these names. Both are then given to the serialized span by
appending their fields, which protobuf reads as if they stood in their places.
"""

import re
from functools import lru_cache

from collector.data.attributes import delete_attribute
from collector.data.messages import Span
from collector.data.wire import WireKey, field_tag, text_value
from collector.processing.span_state import trace_state_field, trace_state_of, with_trace_state
from collector.processing.tracestate import OtelTraceState, TraceState
from collector.sampling.decision import Decision
from collector.sampling.trace import Trace

POLICY = "sampling.policy"
RULE = "sampling.rule"
DRY_RUN = "sampling.dry_run"

# One search for all of them; what it finds need not be keys.
_mentions_keys = re.compile(rb"sampling\.(?:policy|rule|dry_run)").search
_TAG = field_tag(Span, "attributes")


class Stamp:
    """Writes one decision into serialized spans.

    `explain` adds the attributes `sampling.policy` and `sampling.rule`. `dry_run` adds `sampling.dry_run`, `keep` or
    `drop`, and leaves `tracestate` alone: where nothing is dropped, no probability changes.
    """

    def __init__(self, decision: Decision, *, explain: bool = True, dry_run: bool = False) -> None:
        self._decision = decision
        self._writes_state = not dry_run
        self._attributes: dict[str, str] = {}
        if explain:
            self._attributes[POLICY] = decision.policy
            if decision.rule:
                self._attributes[RULE] = decision.rule
        if dry_run:
            self._attributes[DRY_RUN] = "keep" if decision.sampled else "drop"
        self._appended = b"".join(
            WireKey(key, _TAG).record(text_value(value.encode())) for key, value in self._attributes.items()
        )
        self._state = trace_state_field(str(self._edited(TraceState()))) if self._writes_state else b""

    def __call__(self, raw: bytes) -> bytes:
        """Return a serialized span with what is to be written in it."""
        if self._attributes and _mentions_keys(raw):
            raw = _without_attributes(raw)
        if self._writes_state and (text := trace_state_of(raw)):
            return self._with_state(raw, text) + self._appended
        return raw + self._state + self._appended

    def spans(self, trace: Trace) -> list[bytes]:
        """Return the spans of a trace with what is to be written in them."""
        if trace.has_trace_state or any(map(_mentions_keys, trace.raws)):
            return list(map(self, trace.raws))
        appended = self._state + self._appended
        return [raw + appended for raw in trace.raws]

    def _with_state(self, raw: bytes, text: str) -> bytes:
        try:
            edited = str(self._edited(TraceState.parse(text)))
        except ValueError:
            return raw  # what cannot be read is passed on
        return raw if edited == text else with_trace_state(raw, edited)

    def _edited(self, state: TraceState) -> TraceState:
        ot: OtelTraceState = state.ot
        if self._decision.randomness is not None:
            ot.set_randomness(self._decision.randomness)
        if self._decision.threshold is None:
            ot.set_threshold(None)
        else:
            ot.raise_threshold(self._decision.threshold)
        return state


@lru_cache(maxsize=4096)
def stamp_of(decision: Decision, explain: bool, dry_run: bool) -> Stamp:
    """Return the stamp of a decision; decisions repeat."""
    return Stamp(decision, explain=explain, dry_run=dry_run)


def _without_attributes(raw: bytes) -> bytes:
    """Return a span without what another sampler wrote, which would stand twice."""
    span = Span.FromString(raw)
    found = [delete_attribute(span.attributes, key) for key in (POLICY, RULE, DRY_RUN)]
    cleaned: bytes = span.SerializeToString() if any(found) else raw
    return cleaned
