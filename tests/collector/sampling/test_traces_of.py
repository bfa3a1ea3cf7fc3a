"""The traces of a batch: which spans are together, and what they read of each other."""

import pytest

from collector.data import Batch, Signal, merge
from collector.data.messages import Span
from collector.sampling.digest import SpanDigest, digests_of
from collector.sampling.origin import Origins
from collector.sampling.trace import Trace, traces_of
from collector.testing import make_batch

ONE, TWO = b"1" * 16, b"2" * 16


def make_span(trace_id, name="", start=1, end=5, **fields):
    return Span(trace_id=trace_id, name=name, start_time_unix_nano=start, end_time_unix_nano=end, **fields)


def batch_of(*spans, service="shop"):
    return make_batch(Signal.TRACES, spans, {"service.name": service})


def names(trace):
    return [span.name for span in trace.spans]


def test_spans_of_a_trace_are_together_with_where_each_is_from():
    parts = [
        batch_of(make_span(ONE, "a"), make_span(TWO, "b"), make_span(ONE, "c"), service="shop"),
        batch_of(make_span(TWO, "d"), make_span(ONE, "e"), service="cart"),
    ]
    traces = traces_of(merge(parts), Origins())
    assert {ONE: ["a", "c", "e"], TWO: ["b", "d"]} == {trace_id: names(trace) for trace_id, trace in traces.items()}
    assert [["shop", "shop", "cart"], ["shop", "cart"]] == [
        [origin.resource.attributes[0].value.string_value for origin in trace.origins] for trace in traces.values()
    ]


@pytest.mark.parametrize("trace_id", [b"", b"short", b"x" * 20])
def test_ids_that_are_not_16_bytes_are_as_they_are(trace_id):
    traces = traces_of(batch_of(make_span(trace_id, "a"), make_span(ONE, "b"), make_span(trace_id, "c")), Origins())
    assert {trace_id: ["a", "c"], ONE: ["b"]} == {found: names(trace) for found, trace in traces.items()}


def test_an_id_behind_other_fields_is_found():
    opened = batch_of(make_span(ONE, "a"), make_span(ONE, "b")).open()
    ((_, scope),) = opened.scopes()
    scope.replace(1, Span(name="b").SerializeToString() + Span(trace_id=ONE).SerializeToString())
    (trace,) = traces_of(Batch.of_opened(opened), Origins()).values()
    assert (ONE, ["a", "b"]) == (trace.trace_id, names(trace))


def test_mates_read_together_what_each_would_read_alone():
    spans = [make_span(bytes([number]) * 16, start=number, end=3 * number) for number in range(1, 6)]
    spans[2].status.code = 2
    spans[3].trace_state = "ot=th:8"
    mates: list[Trace] = []
    traces = traces_of(batch_of(*spans), Origins(), mates)
    alone = traces_of(batch_of(*spans), Origins())
    assert mates == list(traces.values())
    for together, single in zip(mates, alone.values(), strict=True):
        assert single.duration_ns == together.duration_ns
        assert single.has_error is together.has_error
        assert single.ot.threshold == together.ot.threshold


def test_an_unusual_span_among_mates_takes_nothing_from_the_others():
    """A span without an end cannot be read in columns: each trace is read by itself, and all of them stay."""
    spans = [make_span(bytes([number]) * 16, end=0 if number == 2 else 7) for number in range(4)]
    mates: list[Trace] = []
    traces_of(batch_of(*spans), Origins(), mates)
    assert [6, 6, -1, 6] == [trace.duration_ns for trace in mates]
    assert 4 == len(mates)


def test_digests_of_many_are_those_of_each():
    spans = [make_span(ONE, "a" * size, parent_span_id=b"12345678") for size in (0, 1, 100, 20_000)]
    raws = [span.SerializeToString() for span in spans]
    assert [SpanDigest.FromString(raw) for raw in raws] == digests_of(raws)
    assert [] == digests_of([])
