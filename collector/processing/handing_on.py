"""Handing batches on to a consumer that may say "not now", for processors that answer their senders before."""

import asyncio
from dataclasses import dataclass

from collector.api import (
    ConsumeError,
    Consumer,
    Counter,
    PartialError,
    QuietLog,
    RetryableError,
    Settings,
    TaskOwner,
)
from collector.data import Batch

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
# How long a batch is offered once the collector stops. While nobody takes it, what comes after cannot drain.
_LAST_CALL = 5.0


@dataclass(frozen=True, slots=True)
class Loss:
    """So many items of a batch were not taken and never will be."""

    count: int
    reason: str


class PatientSender:
    """Offers each batch until it is taken or refused for good, with growing pauses or those that the consumer asks for.

    Once closed it offers for some seconds more, as a queue that is full may be emptying; then what is left is lost.
    Losses are logged here and left to the caller to count; `retries` counts the offers that are made again.
    """

    def __init__(self, settings: Settings, tasks: TaskOwner, next_consumer: Consumer, retries: Counter) -> None:
        self._clock = settings.clock
        self._log = QuietLog(settings.logger, settings.clock)
        self._tasks = tasks
        self._next = next_consumer
        self._retries = retries
        self._closing = False
        self._last_call = 0.0
        self._pause: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Begin the last call; a pause ends early."""
        if not self._closing:
            self._closing, self._last_call = True, self._clock.monotonic() + _LAST_CALL
        if self._pause is not None:
            self._pause.cancel()

    async def send(self, batch: Batch) -> Loss | None:
        """Hand a batch on; return what is lost of it. Raises no error of the consumer's."""
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._next.consume(batch)
            except RetryableError as error:
                if self._closing and self._clock.monotonic() >= self._last_call:
                    return self.lose(batch.count, "shutdown", str(error))
                self._retries.add(1, reason=error.reason)
                await self._wait(_FIRST_PAUSE if self._closing else max(pause, error.retry_after or 0))
                pause = min(2 * pause, _LONGEST_PAUSE)
            except ConsumeError as error:
                return self.lose(lost_of(batch, error), error.reason, str(error))
            except Exception as error:  # noqa: BLE001 - a fault of another component must not end the sending
                return self.lose(batch.count, "internal", repr(error))
            else:
                return None

    def lose(self, count: int, reason: str, message: str) -> Loss:
        """Log and return a loss."""
        self._log.error("items were dropped", reason=reason, count=count, error=message)
        return Loss(count, reason)

    async def _wait(self, seconds: float) -> None:
        """Wait before the next offer; closing ends it early."""
        self._pause = self._tasks.start("pause", self._clock.sleep(seconds))
        await asyncio.wait((self._pause,))
        self._pause = None


def lost_of(batch: Batch, error: ConsumeError) -> int:
    """Return how many items of a batch are lost by an error after which it is not sent again."""
    return min(error.rejected, batch.count) if isinstance(error, PartialError) else batch.count
