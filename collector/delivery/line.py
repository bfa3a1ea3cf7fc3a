"""The queue of a delivery and the workers that empty it."""

import asyncio

from collector.api import ConsumeError, QuietLog, RetryableError, Settings, StartError, TaskOwner
from collector.data import Batch
from collector.delivery.batcher import Batcher, Packer, Shipment, Singly
from collector.delivery.config import QueueConfig, measure
from collector.delivery.meter import Meter
from collector.delivery.queue import Entry, MemoryQueue
from collector.delivery.sender import Sender


class Line:
    """Where batches stand in line until a worker sends them.

    One worker at a time packs: it takes entries until a shipment is ready. Then it sends, and the next one packs.
    """

    def __init__(self, config: QueueConfig, settings: Settings, tasks: TaskOwner, meter: Meter, sender: Sender) -> None:
        self._config = config
        self._clock = settings.clock
        self._log = QuietLog(settings.logger, settings.clock)
        self._tasks = tasks
        self._meter = meter
        self._sender = sender
        self._queue = MemoryQueue(config.queue_size, config.sizer, block=config.block_on_overflow)
        self._packer: Packer = Singly() if config.batch is None else Batcher(config.batch, config.batch_sizer)
        self._turn = asyncio.Lock()
        self._alarm_set = False
        self._workers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the workers.

        Raises:
            StartError: the configuration asks for a queue on disk.

        """
        if self._config.storage is not None:
            raise StartError(
                f'sending_queue.storage: "{self._config.storage}" needs a storage extension, which is not there yet: '
                "remove the key, and the queue is kept in memory"
            )
        self._show()
        self._workers = [
            self._tasks.start(f"worker {number}", self._work()) for number in range(self._config.num_consumers)
        ]

    async def put(self, batch: Batch) -> None:
        """Stand a batch in line; with `wait_for_result` return, or raise, when it was sent.

        Raises:
            PermanentError: it is larger than the queue.
            RetryableError: the queue is full or closed.

        """
        outcome = asyncio.get_running_loop().create_future() if self._config.wait_for_result else None
        try:
            await self._queue.put(Entry(batch, measure(batch, self._config.sizer), outcome))
        except ConsumeError as error:
            self._meter.refused(batch, error.reason)
            self._log.warning("data was refused", error=str(error), reason=error.reason, items=batch.count)
            raise
        self._show()
        if outcome is not None:
            await outcome

    async def drain(self) -> None:
        """Close the queue and return when the workers have sent or lost all that it held."""
        self._queue.close()
        await asyncio.gather(*self._workers, return_exceptions=True)

    def abandon(self) -> None:
        """Lose what no worker is left to send."""
        now = self._clock.monotonic()
        while (entry := self._queue.take()) is not None:
            self._packer.add(entry, now)
        while (shipment := self._packer.pop(now, everything=True)) is not None:
            error = RetryableError("the collector ended before this was sent", reason="shutdown")
            self._sender.lose(shipment.batch, error)
            self._settle(shipment, error)

    async def _work(self) -> None:
        while (shipment := await self._next()) is not None:
            self._meter.shipped(shipment.batch)
            error: ConsumeError | None = RetryableError("the delivery was cut off", reason="shutdown")
            try:
                await self._sender.send(shipment.batch)
            except ConsumeError as failure:
                error = failure
            else:
                error = None
            finally:
                self._settle(shipment, error)

    async def _next(self) -> Shipment | None:
        """Return what to send next, or None where nothing is left and nothing will come."""
        async with self._turn:
            while True:
                now = self._clock.monotonic()
                while (shipment := self._packer.pop(now)) is None and (entry := self._queue.take()) is not None:
                    self._packer.add(entry, now)
                if shipment is None and self._queue.closed:
                    return self._packer.pop(now, everything=True)
                if shipment is not None:
                    return shipment
                self._set_alarm(now)
                await self._queue.news()

    def _set_alarm(self, now: float) -> None:
        """Have the worker that packs woken when a shipment becomes due by time."""
        due = self._packer.due()
        if due is not None and not self._alarm_set:
            self._alarm_set = True
            self._tasks.start("alarm", self._ring_after(due - now))

    async def _ring_after(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._alarm_set = False
        self._queue.wake()

    def _settle(self, shipment: Shipment, error: ConsumeError | None) -> None:
        for entry in shipment.entries:
            if entry.settle(error):
                self._queue.release(entry)
        self._show()

    def _show(self) -> None:
        self._meter.queue(self._queue.size, self._queue.capacity)

    def __repr__(self) -> str:
        return f"Line({self._queue!r}, {len(self._workers)} workers)"
