"""Receiver `heartbeat`: a log record every so often."""

from collector.api import (
    ComponentConfig,
    ConsumeError,
    Consumer,
    Duration,
    Host,
    ReceiverFactory,
    Settings,
    TaskOwner,
    option,
)
from collector.data import Batch, Signal
from collector.data.messages import REQUESTS


class Config(ComponentConfig):
    """Says that the collector is alive."""

    interval: Duration = option(10.0, "the time between two log records", gt=0)


class Heartbeat:
    """Makes the log records."""

    def __init__(self, config: Config, settings: Settings, next_consumer: Consumer) -> None:
        self._interval = config.interval
        self._settings = settings
        self._next = next_consumer
        self._tasks = TaskOwner("heartbeat", settings.logger)

    async def start(self, host: Host) -> None:
        """Begin to beat."""
        self._tasks.start("beat", self._beat())

    async def shutdown(self) -> None:
        """Stop."""
        await self._tasks.cancel()

    async def _beat(self) -> None:
        while True:
            request = REQUESTS[Signal.LOGS]()
            record = request.resource_logs.add().scope_logs.add().log_records.add()
            record.time_unix_nano = self._settings.clock.time_ns()
            record.body.string_value = "alive"
            try:
                await self._next.consume(Batch(Signal.LOGS, request.SerializeToString()))
            except ConsumeError as error:
                self._settings.logger.warning("a heartbeat was refused", error=str(error))
            await self._settings.clock.sleep(self._interval)


FACTORY = ReceiverFactory(type="heartbeat", config=Config, create=Heartbeat, signals=frozenset({Signal.LOGS}))
