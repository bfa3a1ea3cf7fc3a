"""A trace as a sampler sees it: what has arrived of it, as OTLP bytes, decoded as far as a decision asks."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property

from collector.data import Batch, Signal
from collector.data.messages import ProtoMessage, Span
from collector.data.shell import RequestShell, ResourceShell, ScopeShell
from collector.processing.probability import randomness_of
from collector.processing.span_state import AFTER_ID, TRACE_ID_HEAD
from collector.processing.tracestate import OtelTraceState, TraceState
from collector.sampling.columns import columns_of
from collector.sampling.digest import SpanDigest, digests_of
from collector.sampling.origin import Origin, Origins

_UNSET, _OK, _ERROR = range(3)  # the status codes of OTLP
_EMPTY = OtelTraceState()


class Trace:
    """The spans of one trace id that have arrived.

    `raws` are the serialized spans in the order of their arrival, `origins` their resources and scopes, one for each
    span. Everything else is derived when it is asked for, once. Traces that are decided about together are each
    other's `mates`: what is read of one is read of all, in one go.
    """

    def __init__(
        self, trace_id: bytes, raws: list[bytes], origins: Iterable[Origin], mates: "list[Trace] | None" = None
    ) -> None:
        self.trace_id = trace_id
        self.raws = raws
        self._origins = origins
        self._mates = mates

    def __len__(self) -> int:
        return len(self.raws)

    @cached_property
    def origins(self) -> list[Origin]:
        """The resource and scope of each span."""
        return list(self._origins)

    @cached_property
    def size(self) -> int:
        """The bytes of the spans."""
        return sum(map(len, self.raws))

    @cached_property
    def digests(self) -> list[ProtoMessage]:
        """The `SpanDigest` of each span: ids, name, kind, times, status code and flags; cheaper than `spans`."""
        return digests_of(self.raws)

    @cached_property
    def spans(self) -> list[ProtoMessage]:
        """Every span decoded in full, to read."""
        return list(map(Span.FromString, self.raws))

    @cached_property
    def distinct_origins(self) -> list[Origin]:
        """The resources and scopes without repetition, in the order of their arrival."""
        return list(dict.fromkeys(self.origins))

    def may_mention(self, text: bytes) -> bool:
        """Return whether some bytes occur in any span; where they do not, no key, name or text has them."""
        return any(text in raw for raw in self.raws)

    @cached_property
    def start_ns(self) -> int:
        """The earliest start of a span, in nanoseconds since the Unix epoch."""
        self._read()
        return self.start_ns

    @cached_property
    def end_ns(self) -> int:
        """The latest end of a span, in nanoseconds since the Unix epoch."""
        self._read()
        return self.end_ns

    @property
    def duration_ns(self) -> int:
        """From the earliest start to the latest end; negative where clocks disagree so far."""
        return self.end_ns - self.start_ns

    @property
    def has_error(self) -> bool:
        """Whether the status of a span is an error; cheaper than `status_codes`."""
        # The codes may be of a status that a later one in the same span replaces: they only rule an error out.
        return _ERROR in self.codes_seen and _ERROR in self.status_codes

    @cached_property
    def status_codes(self) -> frozenset[int]:
        """The status codes of the spans, as OTLP numbers them."""
        if not self.codes_seen:
            return frozenset((_UNSET,))
        return frozenset([digest.status.code for digest in self.digests])

    @cached_property
    def root(self) -> int | None:
        """The index of the first span without a parent, None where it has not arrived."""
        return next((index for index, digest in enumerate(self.digests) if not digest.parent_span_id), None)

    @property
    def has_trace_state(self) -> bool:
        """Whether a span may have a `trace_state`: where this is false, none has."""
        return bool(self.trace_states_seen)

    @cached_property
    def ot(self) -> OtelTraceState:
        """OpenTelemetry's part of the first `trace_state` with randomness, else of the first with a threshold, to read.

        An empty one where no span has either.
        """
        found = _EMPTY
        if any(b"ot=" in trace_state for trace_state in self.trace_states_seen):
            for digest in self.digests:
                try:
                    state = TraceState.parse(digest.trace_state).ot
                except ValueError:
                    continue
                if state.randomness is not None:
                    return state
                if found.threshold is None:
                    found = state
        return found

    @property
    def randomness(self) -> int:
        """The 56 bits by which every sampler decides alike: `rv` where the trace brings it, else of the trace id."""
        if not self.trace_states_seen or self.ot.randomness is None:
            return randomness_of(self.trace_id)
        return self.ot.randomness

    @cached_property
    def codes_seen(self) -> list[int]:
        """The status codes that occur in the spans; where a span repeats its status, also those that do not count."""
        self._read()
        return self.codes_seen

    @cached_property
    def trace_states_seen(self) -> list[bytes]:
        """The texts of `trace_state` that occur in the spans, also those that do not count where a span repeats it."""
        self._read()
        return self.trace_states_seen

    def _read(self) -> None:
        """Set the attributes that are read in columns: of all mates at once, or of this one where that fails."""
        traces = self._mates or [self]
        columns = columns_of([trace.raws for trace in traces])
        if columns is None and self._mates:
            for trace in traces:  # one of them is unusual, so each is read by itself
                trace._mates = None  # noqa: SLF001 - of its own class
            self._read()
            return
        if columns is None:
            self._read_digests()
            return
        for trace, start, end, codes, trace_states in zip(traces, *columns, strict=True):
            trace.start_ns, trace.end_ns, trace.codes_seen, trace.trace_states_seen = start, end, codes, trace_states

    def _read_digests(self) -> None:
        digests = self.digests
        self.start_ns = min(digest.start_time_unix_nano for digest in digests)
        self.end_ns = max(digest.end_time_unix_nano for digest in digests)
        self.codes_seen = [digest.status.code for digest in digests]
        self.trace_states_seen = [digest.trace_state.encode() for digest in digests if digest.trace_state]


def scopes_of(batch: Batch, origins: Origins) -> Iterator[tuple[Origin, list[bytes]]]:
    """Yield the serialized spans of each scope of a batch, with where they come from."""
    for resource in RequestShell.FromString(batch.payload).resources:
        scopes = list(resource.scopes)
        resource.ClearField("scopes")
        resource_head = resource.SerializeToString()
        for scope in scopes:
            raws = list(scope.items)
            scope.ClearField("items")
            yield origins.of(resource_head, scope.SerializeToString()), raws


def trace_id_of(raw: bytes) -> bytes:
    """Return the trace id of a serialized span."""
    if raw.startswith(TRACE_ID_HEAD):
        return raw[len(TRACE_ID_HEAD) : AFTER_ID]
    trace_id: bytes = SpanDigest.FromString(raw).trace_id
    return trace_id


def traces_of(batch: Batch, origins: Origins, mates: list[Trace] | None = None) -> dict[bytes, Trace]:
    """Return the traces of a batch by trace id, in the order of their first spans.

    Spans whose trace id is not 16 bytes are under the id that they have, which may be empty. `mates` is an empty list
    that becomes that of the traces; whoever gives it clears it when they are done.
    """
    traces: dict[bytes, Trace] = {}
    for origin, raws in scopes_of(batch, origins):
        for trace_id, members in _by_trace_id(raws):
            trace = traces.get(trace_id)
            if trace is None:
                traces[trace_id] = Trace(trace_id, members, [origin] * len(members), mates)
            else:
                trace.raws += members
                trace.origins += [origin] * len(members)
    if mates is not None:
        mates.extend(traces.values())
    return traces


def _by_trace_id(raws: list[bytes]) -> Iterator[tuple[bytes, list[bytes]]]:
    """Yield serialized spans by trace id; an id may come more than once."""
    by_front: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for raw in raws:
        by_front[raw[:AFTER_ID]].append(raw)
    for front, members in by_front.items():
        if front.startswith(TRACE_ID_HEAD):
            yield front[2:], members
        else:
            for raw in members:
                yield trace_id_of(raw), [raw]


def batch_of(spans: dict[Origin, list[bytes]]) -> Batch:
    """Return a batch of serialized spans by origin; origins of the same resource share its `ResourceSpans`."""
    resources: dict[bytes, ProtoMessage] = {}
    for origin, raws in spans.items():
        resource = resources.get(origin.resource_head)
        if resource is None:
            resource = resources[origin.resource_head] = ResourceShell.FromString(origin.resource_head)
        scope = ScopeShell.FromString(origin.scope_head)
        scope.items.extend(raws)
        resource.scopes.append(scope)
    request = RequestShell()
    request.resources.extend(resources.values())
    return Batch(Signal.TRACES, request.SerializeToString(), count=sum(map(len, spans.values())))
