"""A clock that tests move by hand."""

import asyncio
import heapq
import itertools


class ManualClock:
    """Time stands still until `advance`; whoever sleeps wakes when its time has come."""

    def __init__(self, start: float = 1_000.0) -> None:
        self._now = start
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def monotonic(self) -> float:
        """Return the seconds that were set."""
        return self._now

    def time_ns(self) -> int:
        """Return the same as nanoseconds."""
        return round(self._now * 1e9)

    async def sleep(self, seconds: float) -> None:
        """Return once the clock was advanced by that much."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._order), future))
        await future

    @property
    def sleeping(self) -> int:
        """How many sleepers wait."""
        return sum(not future.done() for _, _, future in self._sleepers)

    async def wait_for_sleepers(self, count: int = 1) -> None:
        """Return once at least so many tasks sleep."""
        while self.sleeping < count:  # noqa: ASYNC110 - nothing signals that a task fell asleep
            await asyncio.sleep(0)

    async def advance(self, seconds: float) -> None:
        """Move time, waking sleepers one by one in the order of their times."""
        end = self._now + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            wake_at, _, future = heapq.heappop(self._sleepers)
            self._now = max(self._now, wake_at)
            if not future.done():
                future.set_result(None)
            await settle()
        self._now = end
        await settle()


async def settle(rounds: int = 10) -> None:
    """Let every task that is ready run until it waits again."""
    for _ in range(rounds):
        await asyncio.sleep(0)
