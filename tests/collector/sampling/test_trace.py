"""A trace as a sampler sees it."""

import pytest
from hypothesis import given

from collector.data import Batch
from collector.data.messages import REQUESTS, Span
from collector.data.signal import Signal
from collector.processing.probability import randomness_of
from collector.sampling.origin import Origins
from collector.sampling.trace import Trace, batch_of, traces_of
from collector.testing import make_batch
from collector.testing.strategies import requests
from collector.testing.traces import make_span, numbers_of

ID = (7).to_bytes(16, "big")


def trace(*spans: Span) -> Trace:
    return Trace(ID, [span.SerializeToString() for span in spans], [])


def test_times_are_of_the_whole_trace():
    found = trace(
        make_span(7, 1, start_time_unix_nano=500, end_time_unix_nano=900),
        make_span(7, 2, start_time_unix_nano=300, end_time_unix_nano=700),
    )
    assert (300, 900, 600) == (found.start_ns, found.end_ns, found.duration_ns)


def test_a_span_without_times_has_times_of_zero():
    found = trace(make_span(7, 1), make_span(7, 2, start_time_unix_nano=0, end_time_unix_nano=0))
    assert 0 == found.start_ns
    assert 1_750_000_000_000_001_000 == found.end_ns


def test_the_root_is_the_first_span_without_a_parent():
    assert 1 == trace(make_span(7, 1), make_span(7, 2, parent_span_id=b"")).root
    assert trace(make_span(7, 1)).root is None


@pytest.mark.parametrize(
    ("trace_states", "threshold", "randomness"),
    [
        (["", "a=b"], None, None),
        (["a=b", "ot=th:8"], 1 << 55, None),
        (["ot=th:8", "ot=th:c;rv:00000000000005"], 3 << 54, 5),
        (["ot=th:x", "ot=th:8"], 1 << 55, None),
        (["bot=x"], None, None),
    ],
)
def test_the_trace_state_of_some_span_tells(trace_states, threshold, randomness):
    found = trace(*(make_span(7, number, trace_state=text) for number, text in enumerate(trace_states, 1)))
    assert threshold == found.ot.threshold
    assert randomness == found.ot.randomness
    assert (randomness_of(ID) if randomness is None else randomness) == found.randomness


def test_mates_are_read_together_and_each_has_its_own():
    mates: list[Trace] = []
    mates += [
        Trace(ID, [make_span(7, 1, end_time_unix_nano=end).SerializeToString() for end in ends], [], mates)
        for ends in ((900, 800), (5000,), (0, 300))
    ]
    first, second, third = mates
    assert [900, 5000, 300] == [first.end_ns, second.end_ns, third.end_ns]


@given(requests(Signal.TRACES))
def test_a_batch_taken_apart_and_joined_has_the_same_spans_of_the_same_origins(payload):
    batch, origins = Batch(Signal.TRACES, payload), Origins()
    traces = traces_of(batch, origins)
    spans = {}
    for found in traces.values():
        for raw, origin in zip(found.raws, found.origins, strict=True):
            spans.setdefault(origin, []).append(raw)
    joined = batch_of(spans)
    assert batch.count == joined.count
    assert _described(batch) == _described(joined)


def _described(batch: Batch) -> list[tuple[bytes, ...]]:
    request = REQUESTS[Signal.TRACES].FromString(batch.payload)
    return sorted(
        (
            resource.resource.SerializeToString(deterministic=True),
            resource.schema_url.encode(),
            scope.scope.SerializeToString(deterministic=True),
            scope.schema_url.encode(),
            span.SerializeToString(deterministic=True),
        )
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    )


def test_traces_of_a_batch():
    spans = [make_span(1, 1), make_span(2, 1), make_span(1, 2)]
    traces = traces_of(make_batch(Signal.TRACES, spans), Origins())
    assert [2, 1] == [len(found) for found in traces.values()]
    assert 1 == len({origin for found in traces.values() for origin in found.distinct_origins})
    joined = batch_of({found.origins[0]: found.raws for found in traces.values()})
    assert numbers_of([joined]) == [(2, 1)]
