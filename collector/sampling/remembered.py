"""Decisions that are remembered, so that spans which come later follow them."""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

from collector.sampling.decision import Decision

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

_GENERATIONS = 8


@dataclass(frozen=True, slots=True)
class Remembered:
    """What became of a trace: its decision, None where it was dropped, and when, in seconds of the clock."""

    decision: Decision | None
    at: float


class DecisionCache:
    """The decisions about the latest traces, by trace id.

    Of a trace that was kept, all of the decision is remembered; of one that was dropped a number of 64 bits that is
    its own but for one chance in a million millions, and when.
    """

    def __init__(self, kept: int, dropped: int) -> None:
        self._kept: _Latest[bytes, Remembered] = _Latest(kept)
        self._dropped: _Latest[int, float] = _Latest(dropped)

    def keep(self, trace_ids: list[bytes], decision: Decision, at: float) -> None:
        """Remember traces that were kept."""
        self._kept.put(dict.fromkeys(trace_ids, Remembered(decision, at)))

    def drop(self, trace_ids: list[bytes], at: float) -> None:
        """Remember traces that were dropped."""
        self._dropped.put(dict.fromkeys(map(hash, trace_ids), at))

    def find(self, trace_ids: list[bytes]) -> dict[bytes, Remembered]:
        """Return what is remembered of some traces."""
        found = self._kept.find(trace_ids)
        by_hash = dict(zip(map(hash, trace_ids), trace_ids, strict=True))
        for number, at in self._dropped.find(by_hash).items():
            found.setdefault(by_hash[number], Remembered(None, at))
        return found

    @property
    def forgotten(self) -> int:
        """How many traces were forgotten for want of room."""
        return self._kept.forgotten + self._dropped.forgotten


class _Latest(Generic[_Key, _Value]):
    """The latest entries, at most `size` and hardly ever less than seven eighths of that.

    They are in generations, of which the oldest goes at once, which is quick as it is small. What is found in one that
    is not the youngest moves there. An entry takes a third of what it does in an ordered dictionary.
    """

    def __init__(self, size: int) -> None:
        self._most = -(-size // _GENERATIONS)
        # The youngest first.
        self._generations: deque[dict[_Key, _Value]] = deque([{}], maxlen=min(size, _GENERATIONS))
        self.forgotten = 0

    def put(self, entries: dict[_Key, _Value]) -> None:
        generations = self._generations
        if not generations:
            return
        if len(generations[0]) >= self._most:
            if len(generations) == generations.maxlen:
                self.forgotten += len(generations[-1])
            generations.appendleft({})
        generations[0].update(entries)

    def find(self, keys: Collection[_Key]) -> dict[_Key, _Value]:
        found: dict[_Key, _Value] = {}
        for generation in self._generations:
            if not generation.keys().isdisjoint(keys):
                found |= {key: generation.pop(key) for key in set(keys) & generation.keys()}
        if found:
            self.put(found)
        return found
