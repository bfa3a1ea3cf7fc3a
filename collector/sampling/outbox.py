"""Spans that were kept, on their way to the next component."""

import asyncio
from collections import Counter, deque

from collector.api import Consumer, Settings, TaskOwner
from collector.processing.handing_on import PatientSender
from collector.sampling.origin import Origin
from collector.sampling.tally import Tally
from collector.sampling.trace import batch_of

# What makes a batch leave before it is asked for. Most servers of OTLP take 4 MiB at once.
_BATCH_SPANS = 2048
_BATCH_BYTES = 1 << 20
# Batches that may wait, the one that is offered included.
_MOST_BATCHES = 4


class _Parcel:
    """Spans that leave together, by where they are from, and how many there are by the reason why they were kept."""

    __slots__ = ("reasons", "size", "spans")

    def __init__(self) -> None:
        self.spans: dict[Origin, list[bytes]] = {}
        self.reasons: Counter[str] = Counter()
        self.size = 0

    def add(self, reason: str, raws: list[bytes], origins: list[Origin]) -> None:
        spans = self.spans
        for raw, origin in zip(raws, origins, strict=True):
            if origin in spans:
                spans[origin].append(raw)
            else:
                spans[origin] = [raw]
        self.reasons[reason] += len(raws)
        self.size += sum(map(len, raws))

    @property
    def is_large_enough(self) -> bool:
        return self.size >= _BATCH_BYTES or self.reasons.total() >= _BATCH_SPANS


class Outbox:
    """Joins kept spans into batches and hands them on, one after the other, until each is taken.

    `room` is set whenever there may be room again.
    """

    def __init__(
        self, settings: Settings, tasks: TaskOwner, next_consumer: Consumer, tally: Tally, room: asyncio.Event
    ) -> None:
        self._tasks = tasks
        self._tally = tally
        self._room = room
        self._sender = PatientSender(settings, tasks, next_consumer, tally.retries)
        self._open = _Parcel()
        self._due: deque[_Parcel] = deque()
        self._sending: asyncio.Task[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether nothing more should be put, for now."""
        return len(self._due) >= _MOST_BATCHES

    @property
    def spans(self) -> int:
        """How many spans wait here or are being offered."""
        return sum(parcel.reasons.total() for parcel in (*self._due, self._open))

    @property
    def size(self) -> int:
        """The bytes of these spans."""
        return sum(parcel.size for parcel in (*self._due, self._open))

    def put(self, reason: str, raws: list[bytes], origins: list[Origin]) -> None:
        """Add spans that were kept, with where each is from."""
        self._open.add(reason, raws, origins)
        if self._open.is_large_enough:
            self.flush()

    def flush(self) -> None:
        """Let everything go that is here."""
        if self._open.spans:
            self._due.append(self._open)
            self._open = _Parcel()
            if self._sending is None:
                self._sending = self._tasks.start("send", self._send())

    async def close(self) -> None:
        """Send what there is; on return it was taken or counted as dropped."""
        self._sender.close()
        try:
            self.flush()
            await self._tasks.join()
        finally:
            await self._tasks.cancel()
            self._abandon()

    async def _send(self) -> None:
        while self._due:
            parcel = self._due[0]
            loss = await self._sender.send(batch_of(parcel.spans))
            self._due.popleft()
            self._tally.handed_on(parcel.reasons, loss)
            self._room.set()
        self._sending = None

    def _abandon(self) -> None:
        """Count what is left when the collector cannot wait any longer."""
        for parcel in self._due:
            lost = self._sender.lose(
                parcel.reasons.total(), "shutdown", "the collector stopped before it could be sent"
            )
            self._tally.handed_on(parcel.reasons, lost)
        self._due.clear()
