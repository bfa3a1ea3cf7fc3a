"""Traces to decide about, and a decider of some policies."""

import pytest

from collector.data import Batch, Signal, set_attribute
from collector.data.messages import REQUESTS, Span
from collector.sampling.origin import Origins
from collector.sampling.trace import Trace, traces_of
from collector.testing import ManualClock, RecordingTelemetry, make_settings
from processors.tail_sampling import Config, decider_of

NOON = 1_750_000_000_000_000_000
TRACE_ID = bytes(range(16))


class Decider:
    """What a configuration's policies say; `telemetry` and `clock` are those that they have."""

    def __init__(self, policies, name="tail_sampling", **options):
        self.clock = ManualClock()
        self.telemetry = RecordingTelemetry()
        named = [{"name": f"p{number}", **policy} for number, policy in enumerate(policies)]
        self._decider = decider_of(
            Config.model_validate({"policies": named, **options}),
            make_settings(name, clock=self.clock, telemetry=self.telemetry),
        )

    def __call__(self, trace):
        """Return the decision about a trace."""
        return self._decider.decide(trace)

    def arrived(self, trace, spans):
        """Return the decision about spans that have just come, of so many."""
        return self._decider.decide_arrived(trace, spans)

    def all(self, traces):
        """Return the decisions about several traces."""
        return self._decider.decide_all(traces)

    def counted(self, name):
        """Return what an instrument has counted, by labels."""
        self._decider.flush()
        return dict(self.telemetry[f"otelcol_processor_tail_sampling_{name}"].values)


@pytest.fixture
def decider():
    """Return a decider of policies, given as in a configuration; they are called p0, p1 and so on."""
    return Decider


@pytest.fixture
def make_span():
    """Return a span with some attributes and fields, 10 ms long."""

    def make(attributes=None, *, code=0, **fields):
        fields = {"start_time_unix_nano": NOON, "end_time_unix_nano": NOON + 10_000_000, **fields}
        span = Span(trace_id=TRACE_ID, span_id=b"12345678", **fields)
        span.status.code = code
        for key, value in (attributes or {}).items():
            set_attribute(span.attributes, key, value)
        return span

    return make


@pytest.fixture
def make_trace(make_span):
    """Return a trace of spans, in one resource each where several resources are given."""

    def make(*spans, resource=None, resources=None, trace_id=TRACE_ID) -> Trace:
        request = REQUESTS[Signal.TRACES]()
        members = list(spans) or [make_span()]
        groups = (
            list(zip(resources, members, strict=True)) if resources else [(resource or {}, span) for span in members]
        )
        for index, (attributes, span) in enumerate(groups):
            if not index or resources:
                group = request.resource_spans.add()
                for key, value in attributes.items():
                    set_attribute(group.resource.attributes, key, value)
                scope = group.scope_spans.add()
            span.trace_id = trace_id
            scope.spans.append(span)
        (trace,) = traces_of(Batch(Signal.TRACES, request.SerializeToString()), Origins()).values()
        return trace

    return make


@pytest.fixture
def keeps(make_trace, make_span):
    """Return whether a policy keeps the trace of some spans, given as the arguments of `make_span`."""

    def ask(policy, spans=({},), **fields):
        return Decider([policy])(make_trace(*[make_span(**span) for span in spans], **fields)).sampled

    return ask
