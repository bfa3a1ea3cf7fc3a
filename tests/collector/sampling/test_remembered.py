"""Decisions that later spans follow."""

from collector.sampling.decision import Decision
from collector.sampling.remembered import DecisionCache, Remembered

KEEP = Decision(True, "wanted")


def ids(*numbers: int) -> list[bytes]:
    return [number.to_bytes(16, "big") for number in numbers]


def test_decisions_are_found_with_their_time():
    cache = DecisionCache(100, 100)
    cache.keep(ids(1, 2), KEEP, 5.0)
    cache.drop(ids(3), 6.0)
    found = cache.find(ids(1, 3, 4))
    assert dict(zip(ids(1, 3), [Remembered(KEEP, 5.0), Remembered(None, 6.0)], strict=True)) == found


def test_the_oldest_are_forgotten_and_counted():
    cache = DecisionCache(16, 16)
    for number in range(100):
        cache.keep(ids(number), KEEP, 0.0)
        cache.drop(ids(1000 + number), 0.0)
    kept = cache.find(ids(*range(100)))
    dropped = cache.find(ids(*range(1000, 1100)))
    for found in (kept, dropped):
        assert 14 <= len(found) <= 16
    assert ids(99)[0] in kept
    assert ids(1099)[0] in dropped
    assert 200 == cache.forgotten + len(kept) + len(dropped)


def test_what_is_found_is_remembered_longer():
    cache = DecisionCache(16, 0)
    cache.keep(ids(7), KEEP, 0.0)
    for number in range(100, 200):
        cache.keep(ids(number), KEEP, 0.0)
        assert cache.find(ids(7))


def test_without_room_nothing_is_remembered():
    cache = DecisionCache(0, 0)
    cache.keep(ids(1), KEEP, 0.0)
    cache.drop(ids(2), 0.0)
    assert {} == cache.find(ids(1, 2))
    assert 0 == cache.forgotten
