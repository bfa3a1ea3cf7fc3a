from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

from collector.data import Batch, Signal
from collector.data.messages import REQUESTS, Span
from collector.ottl import Record, conditions
from collector.sampling.origin import Origins
from collector.sampling.trace import traces_of


def test_origin_is_a_source():
    """A sampler's origin of spans gives a condition all that it may ask for."""
    resource = ResourceSpans(schema_url="https://resource")
    resource.resource.dropped_attributes_count = 4
    scope = ScopeSpans(scope={"name": "library"}, schema_url="https://scope", spans=[Span(trace_id=bytes(16))])
    resource.scope_spans.append(scope)
    request = REQUESTS[Signal.TRACES](resource_spans=[resource])
    [trace] = traces_of(Batch(Signal.TRACES, request.SerializeToString()), Origins()).values()
    condition = (
        'resource.schema_url == "https://resource" and scope.schema_url == "https://scope"'
        ' and scope.name == "library" and resource.dropped_attributes_count == 4'
    )
    assert conditions("span", [condition]).hold(Record(trace.origins[0], trace.spans[0]))


def test_nothing_is_decoded_in_vain():
    """A condition on a span alone leaves its source alone."""
    assert conditions("span", ['name == "a"']).hold(Record(None, Span(name="a")))
