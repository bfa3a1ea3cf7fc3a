"""What is held until it is decided about, and what it takes."""

import gc

from collector.sampling.buffer import Buffer, key_of
from collector.sampling.origin import Origin
from collector.testing.traces import make_span

ORIGIN = Origin(b"", b"")


def raw(trace: int, number: int = 1, **fields) -> bytes:
    return make_span(trace, number, **fields).SerializeToString()


def key(trace: int) -> bytes:
    return key_of(trace.to_bytes(16, "big"))


def test_spans_come_out_by_trace_in_the_order_of_their_arrival_with_their_origins():
    buffer, other = Buffer(), Origin(b"", b"other")
    assert ([key(1), key(2)], set()) == buffer.add([raw(1, 1), raw(2, 1), raw(1, 2)], ORIGIN)
    assert ([key(3)], set()) == buffer.add([raw(1, 3), raw(3, 1)], other)
    assert 3 == len(buffer)
    first, second = buffer.take([key(1), key(9), key(2)])
    assert [raw(1, 1), raw(1, 2), raw(1, 3)] == first.raws
    assert [ORIGIN, ORIGIN, other] == first.origins
    assert (1).to_bytes(16, "big") == first.trace_id
    assert [raw(2, 1)] == second.raws
    assert 1 == len(buffer) == buffer.spans


def test_traces_with_many_spans_are_told():
    buffer = Buffer(max_spans=2)
    assert set() == buffer.add([raw(1, 1), raw(2, 1), raw(1, 2)], ORIGIN)[1]
    assert {key(1)} == buffer.add([raw(1, 3), raw(2, 2)], ORIGIN)[1]
    assert (3, len(raw(1, 1)) * 3) == buffer.measure(key(1))
    assert (0, 0) == buffer.measure(key(9))
    assert ["max_trace_spans", "", ""] == [buffer.limit_passed(key(trace)) for trace in (1, 2, 9)]


def test_traces_with_many_bytes_are_told_also_where_the_large_spans_came_before():
    buffer = Buffer(max_bytes=10_000)
    assert set() == buffer.add([raw(1, name="x" * 9500), raw(2)], ORIGIN)[1]
    for now in range(10):
        buffer.pass_time(float(now))
    large = set().union(*(buffer.add([raw(1), raw(2)], ORIGIN)[1] for _ in range(8)))
    assert ["max_trace_mib"] == [cause for found in large if (cause := buffer.limit_passed(found))]
    buffer.take([key(1)])
    buffer.take([key(2)])
    buffer.pass_time(10.0)
    buffer.pass_time(11.0)
    assert set() == buffer.add([raw(3), raw(3)], ORIGIN)[1]


def test_what_is_taken_out_takes_no_memory():
    buffer = Buffer()
    buffer.add([raw(1)], ORIGIN)
    buffer.take([key(1)])
    empty = buffer.size
    buffer.add([raw(2), raw(2), raw(3)], ORIGIN)
    assert (False, False) == buffer.put(key(3), raw(3, 2), ORIGIN)
    assert buffer.size > empty + 4 * len(raw(2))
    buffer.take([key(2), key(3)])
    assert empty == buffer.size


def test_origins_are_forgotten_once_no_span_has_them():
    buffer = Buffer()
    for trace in range(2000):
        buffer.add([raw(trace)], Origin(b"", b"x" * 100))
        if trace >= 10:
            (taken,) = buffer.take([key(trace - 10)])
            assert 1 == len(taken.origins)
    assert len(buffer._origins) < 600
    assert buffer.size < 10 * 2000 + 600 * 1000


def test_an_origin_in_use_is_not_forgotten():
    buffer = Buffer()
    buffer.add([raw(1)], ORIGIN)
    for trace in range(2, 2000):
        buffer.add([raw(trace)], Origin(b"", b""))
        buffer.take([key(trace)])
    (held,) = buffer.take([key(1)])
    assert [ORIGIN] == held.origins


def test_how_long_a_trace_is_held():
    buffer = Buffer()
    buffer.pass_time(100.0)
    buffer.add([raw(1)], ORIGIN)
    buffer.pass_time(101.0)
    buffer.add([raw(1), raw(2)], ORIGIN)
    buffer.pass_time(102.0)
    assert 10.0 == buffer.age(key(1), 110.0)
    assert 9.0 == buffer.age(key(2), 110.0)
    buffer.take([key(1)])
    buffer.pass_time(103.0)
    assert 9.0 == buffer.age(key(2), 110.0)
    assert 0.0 == buffer.age(key(1), 110.0)


def test_the_garbage_collector_has_nothing_to_do_with_what_is_held():
    """Its pauses would grow with the number of traces."""
    buffer = Buffer()
    gc.collect()
    before = len(gc.get_objects())
    for trace in range(5000):
        buffer.add([raw(trace, 1), raw(trace, 2)], ORIGIN)
    gc.collect()
    assert len(gc.get_objects()) - before < 100
