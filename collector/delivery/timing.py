"""A time limit on the injected clock."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from collector.api import Clock, TaskOwner

T = TypeVar("T")


class TimeLimit:
    """Gives everything that runs under it the same time: `asyncio.timeout`, run out by a `Clock`.

    As all have the same time, they run out in the order in which they began, and one task can watch over them; a
    task for each would cost more than all else that stands around an exporter.
    """

    def __init__(self, seconds: float, clock: Clock, tasks: TaskOwner) -> None:
        self._seconds = seconds
        self._clock = clock
        self._tasks = tasks
        self._deadlines: dict[asyncio.Timeout, float] = {}
        self._watch: asyncio.Task[None] | None = None

    async def run(self, work: Awaitable[T]) -> T:
        """Await some work for at most the limit.

        Raises:
            TimeoutError: the time was up; the work was cancelled.

        """
        async with asyncio.timeout(None) as scope:
            self._deadlines[scope] = self._clock.monotonic() + self._seconds
            if self._watch is None or self._watch.done():
                self._watch = self._tasks.start("time limit", self._watch_over())
            try:
                return await work
            finally:
                self._deadlines.pop(scope, None)

    async def _watch_over(self) -> None:
        """Cut off what is due, until nothing runs any more."""
        while self._deadlines:
            scope, deadline = next(iter(self._deadlines.items()))
            remaining = deadline - self._clock.monotonic()
            if remaining > 0:
                await self._clock.sleep(remaining)
            else:
                del self._deadlines[scope]
                scope.reschedule(asyncio.get_running_loop().time())
