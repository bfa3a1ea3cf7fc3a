"""One stream of batches: what is gathered, what is sent, and what happens when it cannot be."""

import asyncio
from collections import deque

from collector.api import Consumer, RetryableError, Settings, TaskOwner
from collector.data import Batch, merge
from collector.data.split import split
from collector.processing.handing_on import Loss, PatientSender
from processors.batch.config import Config

_COUNTS = (10, 25, 50, 75, 100, 250, 500, 750, *range(1_000, 10_000, 1_000), 10_000, 20_000, 30_000, 50_000, 100_000)
_BYTES = (*_COUNTS, *range(200_000, 1_000_000, 100_000), *range(1_000_000, 10_000_000, 1_000_000))


class Instruments:
    """What the processor counts."""

    def __init__(self, settings: Settings) -> None:
        telemetry = settings.telemetry
        self.size = telemetry.histogram(
            "otelcol_processor_batch_batch_send_size", "Number of units in the batch", _COUNTS
        )
        self.bytes = telemetry.histogram(
            "otelcol_processor_batch_batch_send_size_bytes", "Number of bytes in the batch that was sent", _BYTES
        )
        self.by_size = telemetry.counter(
            "otelcol_processor_batch_batch_size_trigger_send", "Number of times the batch was sent due to its size"
        )
        self.by_timeout = telemetry.counter(
            "otelcol_processor_batch_timeout_trigger_send", "Number of times the batch was sent due to its age"
        )
        self.cardinality = telemetry.gauge(
            "otelcol_processor_batch_metadata_cardinality", "Number of distinct metadata value combinations"
        )
        self.retries = telemetry.counter(
            "otelcol_processor_batch_send_retries", "Number of times a batch was offered again", ("reason",)
        )
        self.refused = telemetry.counter(
            "otelcol_processor_batch_refused_items", "Items that were not taken in", ("reason",)
        )
        self.dropped = telemetry.counter(
            "otelcol_processor_batch_dropped_items", "Items that could not be handed on", ("reason",)
        )

    def sent(self, batch: Batch) -> None:
        """Count a batch that was taken."""
        self.size.record(batch.count)
        self.bytes.record(len(batch.payload))


class Shard:
    """Gathers the batches of one combination of metadata values, and sends them one after the other.

    Its task waits for `_wake`, which says that enough has come, that time is up or that the collector stops.
    """

    def __init__(
        self, config: Config, settings: Settings, instruments: Instruments, tasks: TaskOwner, next_consumer: Consumer
    ) -> None:
        self._size = config.send_batch_size
        self._max_size = config.send_batch_max_size
        self._bound = 2 * max(self._size, self._max_size)
        self._timeout = config.timeout
        self._clock = settings.clock
        self._instruments = instruments
        self._tasks = tasks
        self._sender = PatientSender(settings, tasks, next_consumer, instruments.retries)
        self._gathered: list[Batch] = []
        self._count = 0
        # What was taken from the gathered and is not handed on yet.
        self._due: deque[Batch] = deque()
        self._expired = False
        self._closing = False
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._timer: asyncio.Task[None] | None = None
        tasks.start("send", self._send())

    async def add(self, batch: Batch) -> None:
        """Gather a batch; waits while too much is gathered already."""
        while self._count >= self._bound and not self._closing:
            self._room.clear()
            await self._room.wait()
        if self._closing:
            raise RetryableError("the collector is stopping: send this again", reason="shutdown")
        self._put(batch)

    def close(self) -> None:
        """Send what there is, then end."""
        self._closing = True
        self._stop_timer()
        self._sender.close()
        self._wake.set()
        self._room.set()

    def abandon(self) -> None:
        """Count what is left when the collector cannot wait any longer."""
        left = self._count + sum(batch.count for batch in self._due)
        if left:
            self._count_loss(self._sender.lose(left, "shutdown", "the collector stopped before it could be sent"))
        self._gathered, self._count = [], 0
        self._due.clear()

    def _put(self, batch: Batch) -> None:
        self._gathered.append(batch)
        self._count += batch.count
        if self._count >= self._size:
            self._wake.set()
        elif self._timer is None:
            self._timer = self._tasks.start("timeout", self._expire())

    async def _expire(self) -> None:
        await self._clock.sleep(self._timeout)
        self._expired = True
        self._wake.set()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._expired = False

    async def _send(self) -> None:
        while not (self._closing and not self._gathered):
            await self._wake.wait()
            self._wake.clear()
            while self._gathered and (self._count >= self._size or self._expired or self._closing):
                self._take()
                while self._due:
                    await self._deliver(self._due[0])
                    self._due.popleft()

    def _take(self) -> None:
        """Make one batch of the gathered; if it is cut, the rest waits for company unless its time is up too."""
        by_size = self._count >= self._size
        everything = self._expired or self._closing
        self._stop_timer()
        gathered, self._gathered, self._count = self._gathered, [], 0
        batch = merge(gathered, gathered[0].client) if len(gathered) > 1 else gathered[0]
        batches = split(batch, self._max_size) if self._max_size else [batch]
        if not everything and batches[-1].count < self._size:
            self._put(batches.pop())
        self._room.set()
        self._due.extend(batches)
        (self._instruments.by_size if by_size else self._instruments.by_timeout).add(len(batches))

    async def _deliver(self, batch: Batch) -> None:
        """Hand a batch on; on return it was taken, or counted as dropped."""
        loss = await self._sender.send(batch)
        if loss is None:
            self._instruments.sent(batch)
        else:
            self._count_loss(loss)

    def _count_loss(self, loss: Loss) -> None:
        self._instruments.dropped.add(loss.count, reason=loss.reason)
