"""The queue in memory, and what it holds.

A queue on disk (`sending_queue.storage`) would be a class beside `MemoryQueue` with the same methods.
"""

import asyncio
from collections import deque
from dataclasses import dataclass

from collector.api import ConsumeError, PermanentError, RetryableError
from collector.data import Batch


@dataclass(slots=True, eq=False)
class Entry:
    """A batch as it was put into the queue.

    `parts` counts the batches not settled yet that it went into. `outcome`, where somebody waits for the result, gets
    the first error of them, or None.
    """

    batch: Batch
    size: int
    outcome: asyncio.Future[None] | None = None
    parts: int = 1
    error: ConsumeError | None = None

    def settle(self, error: ConsumeError | None) -> bool:
        """Note the end of one part; return whether it was the last."""
        self.parts -= 1
        self.error = self.error or error
        if self.parts:
            return False
        if self.outcome is not None and not self.outcome.done():
            if self.error is None:
                self.outcome.set_result(None)
            else:
                self.outcome.set_exception(self.error)
        return True


class MemoryQueue:
    """First in, first out. An entry takes its room until it is released, that is until it was delivered or dropped.

    Any number of tasks may put; one at a time may wait for news.
    """

    def __init__(self, capacity: int, unit: str, *, block: bool) -> None:
        self.capacity = capacity
        self.size = 0
        self.closed = False
        self._unit = unit
        self._block = block
        self._entries: deque[Entry] = deque()
        self._news = asyncio.Event()
        # Those who wait for room stand in line at the door, so that small entries do not overtake a large one for ever.
        self._door = asyncio.Lock()
        self._room = asyncio.Event()

    async def put(self, entry: Entry) -> None:
        """Take an entry.

        Raises:
            PermanentError: it is larger than the whole queue.
            RetryableError: the queue is full and does not block, or was closed.

        """
        if entry.size > self.capacity:
            raise PermanentError(
                f"a batch of {entry.size} {self._unit} does not fit into a sending_queue of {self.capacity}: "
                "raise queue_size, or send smaller batches",
                reason="too_large",
            )
        if self._door.locked() or not self._fits(entry):
            await self._wait_for_room(entry)
        if self.closed:
            raise RetryableError("the collector is shutting down", reason="shutdown")
        self.size += entry.size
        self._entries.append(entry)
        self._news.set()

    def take(self) -> Entry | None:
        """Return the oldest entry, or None where there is none now."""
        return self._entries.popleft() if self._entries else None

    async def news(self) -> None:
        """Return when something was put since the last call, the queue was closed, or `wake` was called."""
        await self._news.wait()
        self._news.clear()

    def wake(self) -> None:
        """Let whoever waits for news look again."""
        self._news.set()

    def release(self, entry: Entry) -> None:
        """Give the room of an entry back."""
        self.size -= entry.size
        self._room.set()

    def close(self) -> None:
        """Take no more entries; those that are in it stay."""
        self.closed = True
        self._room.set()
        self._news.set()

    def _fits(self, entry: Entry) -> bool:
        return self.closed or self.size + entry.size <= self.capacity

    async def _wait_for_room(self, entry: Entry) -> None:
        if not self._block:
            raise RetryableError(
                f"the sending_queue is full ({self.size} of {self.capacity} {self._unit}): the backend is slow or down",
                reason="queue_full",
            )
        async with self._door:
            while not self._fits(entry):
                self._room.clear()
                await self._room.wait()

    def __repr__(self) -> str:
        state = "closed" if self.closed else "open"
        return f"MemoryQueue({self.size} of {self.capacity} {self._unit}, {len(self._entries)} waiting, {state})"
