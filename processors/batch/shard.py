"""One stream of batches: what is gathered, what is sent, and what happens when it cannot be."""

import asyncio
from collections import deque

from collector.api import ConsumeError, Consumer, PartialError, QuietLog, RetryableError, Settings, TaskOwner
from collector.data import Batch, merge
from collector.data.split import split
from processors.batch.config import Config

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
# How long a batch is offered once the collector stops. While nobody takes it, what comes after cannot drain.
_LAST_CALL = 5.0

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
        self._log = QuietLog(settings.logger, settings.clock)
        self._instruments = instruments
        self._tasks = tasks
        self._next = next_consumer
        self._gathered: list[Batch] = []
        self._count = 0
        # What was taken from the gathered and is not handed on yet.
        self._due: deque[Batch] = deque()
        self._expired = False
        self._closing = False
        self._last_call = 0.0
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._timer: asyncio.Task[None] | None = None
        self._pause: asyncio.Task[None] | None = None
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
        if not self._closing:
            self._closing, self._last_call = True, self._clock.monotonic() + _LAST_CALL
        self._stop_timer()
        if self._pause is not None:
            self._pause.cancel()
        self._wake.set()
        self._room.set()

    def abandon(self) -> None:
        """Count what is left when the collector cannot wait any longer."""
        left = self._count + sum(batch.count for batch in self._due)
        if left:
            self._drop(left, "shutdown", "the collector stopped before it could be sent")
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
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._next.consume(batch)
            except RetryableError as error:
                if self._closing and self._clock.monotonic() >= self._last_call:
                    self._drop(batch.count, "shutdown", str(error))
                    return
                self._instruments.retries.add(1, reason=error.reason)
                await self._wait(_FIRST_PAUSE if self._closing else max(pause, error.retry_after or 0))
                pause = min(2 * pause, _LONGEST_PAUSE)
            except ConsumeError as error:
                self._drop(lost_of(batch, error), error.reason, str(error))
                return
            except Exception as error:  # noqa: BLE001 - a fault of another component must not end the sending
                self._drop(batch.count, "internal", repr(error))
                return
            else:
                self._instruments.sent(batch)
                return

    async def _wait(self, seconds: float) -> None:
        """Wait before the next try; stopping ends it early."""
        self._pause = self._tasks.start("pause", self._clock.sleep(seconds))
        await asyncio.wait((self._pause,))
        self._pause = None

    def _drop(self, count: int, reason: str, message: str) -> None:
        self._instruments.dropped.add(count, reason=reason)
        self._log.error("items were dropped", reason=reason, count=count, error=message)


def lost_of(batch: Batch, error: ConsumeError) -> int:
    """Return how many items of a batch are lost by an error after which it is not sent again."""
    return min(error.rejected, batch.count) if isinstance(error, PartialError) else batch.count
