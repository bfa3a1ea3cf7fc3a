"""Consumers for tests: one that keeps what it gets, one that fails."""

import asyncio
from collections.abc import Callable

from collector.api import Consumer
from collector.data import Batch


class Sink:
    """Keeps every batch. `error`, where set, is raised for each batch instead."""

    def __init__(self, error: Exception | None = None) -> None:
        self.batches: list[Batch] = []
        self.error = error
        self._arrived = asyncio.Event()

    async def consume(self, batch: Batch) -> None:
        """Keep a batch."""
        if self.error is not None:
            raise self.error
        self.batches.append(batch)
        self._arrived.set()

    # An exporter is a sink whose verb is push.
    push = consume

    @property
    def count(self) -> int:
        """How many spans, log records or data points have come."""
        return sum(batch.count for batch in self.batches)

    async def wait_until(self, condition: Callable[["Sink"], bool], seconds: float = 10.0) -> None:
        """Return once the condition holds; raise `TimeoutError` where it does not in time."""
        async with asyncio.timeout(seconds):
            while not condition(self):
                self._arrived.clear()
                await self._arrived.wait()

    async def wait_for(self, count: int, seconds: float = 10.0) -> None:
        """Return once so many spans, log records or data points have come."""
        await self.wait_until(lambda sink: sink.count >= count, seconds)


class Blocking:
    """A consumer that waits for `release` before it hands on."""

    def __init__(self, next_consumer: Consumer) -> None:
        self._next = next_consumer
        self.released = asyncio.Event()
        self.entered = asyncio.Event()

    async def consume(self, batch: Batch) -> None:
        """Wait, then hand on."""
        self.entered.set()
        await self.released.wait()
        await self._next.consume(batch)

    push = consume
