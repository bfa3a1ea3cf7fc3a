"""A trace as a sampler sees it: what has arrived of it, as OTLP bytes, decoded as far as a decision asks."""

from functools import cached_property

from collector.data import Batch, Signal
from collector.data.messages import ProtoMessage, Span
from collector.data.shell import RequestShell, ResourceShell, ScopeShell
from collector.processing.probability import randomness_of
from collector.processing.tracestate import OtelTraceState, TraceState
from collector.sampling.digest import SpanDigest
from collector.sampling.origin import Origin, Origins

_HEAD = b"\n\x10"  # field 1, trace_id, of 16 bytes


class Trace:
    """The spans of one trace id that have arrived.

    `raws` are the serialized spans in the order of their arrival, `origins` their resources and scopes, one for each
    span. Everything else is derived when it is asked for, once.
    """

    def __init__(self, trace_id: bytes, raws: list[bytes], origins: list[Origin]) -> None:
        self.trace_id = trace_id
        self.raws = raws
        self.origins = origins

    def __len__(self) -> int:
        return len(self.raws)

    @cached_property
    def size(self) -> int:
        """The bytes of the spans."""
        return sum(map(len, self.raws))

    @cached_property
    def digests(self) -> list[ProtoMessage]:
        """The `SpanDigest` of each span: ids, name, kind, times, status code and flags; cheaper than `spans`."""
        return list(map(SpanDigest.FromString, self.raws))

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
        start: int = min(digest.start_time_unix_nano for digest in self.digests)
        return start

    @cached_property
    def end_ns(self) -> int:
        """The latest end of a span, in nanoseconds since the Unix epoch."""
        end: int = max(digest.end_time_unix_nano for digest in self.digests)
        return end

    @property
    def duration_ns(self) -> int:
        """From the earliest start to the latest end; negative where clocks disagree so far."""
        return self.end_ns - self.start_ns

    @cached_property
    def root(self) -> int | None:
        """The index of the first span without a parent, None where it has not arrived."""
        return next((index for index, digest in enumerate(self.digests) if not digest.parent_span_id), None)

    @cached_property
    def ot(self) -> OtelTraceState:
        """OpenTelemetry's part of the first `trace_state` that has one and can be read; an empty one otherwise."""
        if self.may_mention(b"ot="):
            for digest in self.digests:
                try:
                    state = TraceState.parse(digest.trace_state).ot
                except ValueError:
                    continue
                if state.randomness is not None or state.threshold is not None:
                    return state
        return OtelTraceState()

    @property
    def randomness(self) -> int:
        """The 56 bits by which every sampler decides alike: `rv` where the trace brings it, else of the trace id."""
        return randomness_of(self.trace_id) if self.ot.randomness is None else self.ot.randomness


def traces_of(batch: Batch, origins: Origins) -> dict[bytes, Trace]:
    """Return the traces of a batch by trace id, in the order of their first spans.

    Spans whose trace id is not 16 bytes are under the id that they have, which may be empty.
    """
    traces: dict[bytes, Trace] = {}
    for resource in RequestShell.FromString(batch.payload).resources:
        scopes = list(resource.scopes)
        resource.ClearField("scopes")
        resource_head = resource.SerializeToString()
        for scope in scopes:
            raws = list(scope.items)
            scope.ClearField("items")
            origin = origins.of(resource_head, scope.SerializeToString())
            for raw in raws:
                trace_id = raw[2:18] if raw[:2] == _HEAD else SpanDigest.FromString(raw).trace_id
                trace = traces.get(trace_id)
                if trace is None:
                    traces[trace_id] = Trace(trace_id, [raw], [origin])
                else:
                    trace.raws.append(raw)
                    trace.origins.append(origin)
    return traces


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
