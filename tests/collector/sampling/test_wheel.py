"""When traces are due."""

from collector.sampling.wheel import Wheel


def wheel() -> Wheel:
    return Wheel(now=100.0, wait=10.0, tick=1.0)


def test_traces_are_due_after_the_wait_and_at_most_a_tick_later():
    times = wheel()
    times.put([b"a"], 100.0)
    times.put([b"b"], 100.3)
    assert [] == times.take_due(109.9, 9)
    assert [b"a"] == times.take_due(110.0, 9)
    assert [] == times.take_due(110.3, 9)
    assert [b"b"] == times.take_due(111.0, 9)


def test_the_oldest_are_taken_first_and_no_more_than_asked_for():
    times = wheel()
    times.put([b"a", b"b", b"c"], 100.0)
    times.put([b"d"], 105.0)
    assert [[b"a", b"b"], [b"c"], [b"d"], []] == [times.take_due(200.0, 2) for _ in range(4)]


def test_the_oldest_can_be_taken_before_they_are_due():
    times = wheel()
    times.put([], 100.0)
    times.put([b"a", b"b"], 101.0)
    times.put([b"c"], 104.0)
    assert [b"a"] == times.take_oldest(1)
    assert [[b"b"], [b"c"], []] == [times.take_oldest(5) for _ in range(3)]


def test_a_trace_that_is_hastened_overtakes_those_whose_turn_was_begun():
    times = wheel()
    times.put([b"a", b"b", b"c"], 100.0)
    times.put([b"d", b"e"], 105.0)
    assert [b"a"] == times.take_oldest(1)
    times.hasten(b"e", 107.0)
    times.hasten(b"d", 300.0)
    assert [b"e"] == times.take_due(107.0, 9)
    assert [] == times.take_due(109.0, 9)
    assert [b"b", b"c"] == times.take_due(110.0, 9)
    assert [b"d"] == times.take_due(115.0, 9)


def test_a_trace_that_is_removed_is_never_due():
    times = wheel()
    times.put([b"a", b"b"], 100.0)
    times.remove(b"a")
    times.remove(b"unknown")
    assert [b"b"] == times.take_due(110.0, 9)
