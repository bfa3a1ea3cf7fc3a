"""When traces are due: one list for each tick of a coarse clock, instead of a timer for each trace."""

import math
from itertools import islice

# Ticks that are told apart though the floating point numbers of a clock are not.
_TOLERANCE = 1e-6


class Wheel:
    """The keys of traces by the tick at which they are due, `wait` seconds after they came and at most a tick later.

    Keys are put in the order of time. Every key that is taken or removed is gone from here.
    """

    def __init__(self, now: float, wait: float, tick: float) -> None:
        self._start = now
        self._wait = wait
        self.tick = tick
        # Dictionaries, for they are ordered sets that the garbage collector does not look into.
        self._buckets: dict[int, dict[bytes, None]] = {}
        # Those of the earliest bucket, last first, as long as they are taken from.
        self._ripe: list[bytes] = []
        self._ripe_since = 0

    def put(self, keys: list[bytes], now: float) -> None:
        """Add traces whose first spans came now."""
        bucket = self._buckets.setdefault(self._tick_after(now + self._wait), {})
        bucket.update(dict.fromkeys(keys))

    def hasten(self, key: bytes, at: float) -> None:
        """Make a trace due at a time, unless it is sooner."""
        target = self._tick_after(at)
        for index, bucket in self._buckets.items():
            if index > target and key in bucket:
                del bucket[key]
                self._buckets.setdefault(target, {})[key] = None
                return

    def remove(self, key: bytes) -> None:
        """Take a trace out wherever it is; one whose turn has come already is left to come."""
        for bucket in self._buckets.values():
            if key in bucket:
                del bucket[key]
                return

    def take_due(self, now: float, most: int) -> list[bytes]:
        """Take traces that are due, the oldest first; none where none is."""
        return self._take(math.floor((now - self._start) / self.tick + _TOLERANCE), most)

    def take_oldest(self, most: int) -> list[bytes]:
        """Take the traces that are due first, though it is too early."""
        return self._take(math.inf, most)

    def _tick_after(self, at: float) -> int:
        return math.ceil((at - self._start) / self.tick - _TOLERANCE)

    def _take(self, until: float, most: int) -> list[bytes]:
        taken: list[bytes] = []
        while not taken and (earliest := self._earliest()) <= until and earliest < math.inf:
            if not self._ripe or earliest < self._ripe_since:
                self._ripen(int(earliest))
            taken = list(islice(reversed(self._ripe), most))
            del self._ripe[len(self._ripe) - len(taken) :]
        return taken

    def _earliest(self) -> float:
        return min(min(self._buckets, default=math.inf), self._ripe_since if self._ripe else math.inf)

    def _ripen(self, tick: int) -> None:
        """Let a bucket be the one that is taken from."""
        if self._ripe:  # of a later tick: it was begun for want of room
            begun = dict.fromkeys(reversed(self._ripe))
            self._buckets[self._ripe_since] = begun | self._buckets.get(self._ripe_since, {})
        self._ripe_since, self._ripe = tick, list(reversed(self._buckets.pop(tick)))
