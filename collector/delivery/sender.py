"""One batch delivered, each of its parts by itself: attempts within the timeout, with pauses between them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from collector.api import (
    ConsumeError,
    Exporter,
    PartialError,
    PermanentError,
    QuietLog,
    RetryableError,
    Settings,
    StatusCode,
    TaskOwner,
    format_duration,
)
from collector.data import Batch
from collector.delivery.backoff import intervals
from collector.delivery.config import DeliveryConfig
from collector.delivery.meter import Meter
from collector.delivery.parts import send_parts
from collector.delivery.timing import TimeLimit

_Divide: TypeAlias = Callable[[Batch], Awaitable[list[Batch]]]

_ADVICE = {
    "retries_exhausted": "bring the backend back, or raise retry_on_failure.max_elapsed_time (0 tries for ever)",
    "shutdown": "the collector ended before the backend took it; senders that were answered will not send it again",
    "exporter_error": "this is a fault of the exporter: report it with the traceback",
}


class Sender:
    """Delivers one batch at a time for each caller, counts how it ended and tells the operator what went wrong."""

    def __init__(
        self, exporter: Exporter, config: DeliveryConfig, settings: Settings, tasks: TaskOwner, meter: Meter
    ) -> None:
        self._exporter = exporter
        self._divide: _Divide | None = getattr(exporter, "divide", None)
        self._timeout = config.timeout
        self._retry = config.retry_on_failure
        self._fate = "returned to the sender" if config.sending_queue is None else "dropped"
        self._clock = settings.clock
        self._tasks = tasks
        self._limit = TimeLimit(config.timeout, settings.clock, tasks)
        self._log = QuietLog(settings.logger, settings.clock)
        self._meter = meter
        self._pauses: set[asyncio.Task[None]] = set()
        self._stopping = False

    def stop(self) -> None:
        """End all pauses; from now on an attempt that fails is the last one."""
        self._stopping = True
        for pause in self._pauses:
            pause.cancel()

    async def send(self, batch: Batch) -> None:
        """Deliver a batch.

        Raises:
            PermanentError: the backend will never take it.
            RetryableError: it did not take it in the time there was.
            PartialError: it refused a part.

        """
        parts = [batch] if self._divide is None else await self._parts(batch, self._divide)
        if len(parts) == 1:
            await self._send(parts[0])
        else:
            await send_parts(parts, self._send, self._cut_off, self._tasks)

    async def _parts(self, batch: Batch, divide: _Divide) -> list[Batch]:
        try:
            return await divide(batch)
        except asyncio.CancelledError:
            self._cut_off(batch)
            raise
        except Exception as failure:
            error = _defect(failure)
            self.lose(batch, error)
            raise error from failure

    async def _send(self, batch: Batch) -> None:
        self._meter.sending(1)
        try:
            await self._attempts(batch)
        except PartialError as error:
            rejected = min(error.rejected, batch.count)
            self._meter.sent(batch.signal, batch.count - rejected)
            self._meter.failed(batch.signal, rejected, error.reason)
            self._log.warning("the backend refused a part", **self._about(error), items=rejected)
            raise
        except ConsumeError as error:
            self.lose(batch, error)
            raise
        except asyncio.CancelledError:
            self._cut_off(batch)
            raise
        else:
            self._meter.sent(batch.signal, batch.count)
        finally:
            self._meter.sending(-1)

    def lose(self, batch: Batch, error: ConsumeError) -> None:
        """Count a batch as not delivered, and say so."""
        self._meter.failed(batch.signal, batch.count, error.reason)
        advice = {"advice": _ADVICE[error.reason]} if error.reason in _ADVICE else {}
        self._log.error(
            f"data could not be delivered and was {self._fate}", **self._about(error), items=batch.count, **advice
        )

    def _cut_off(self, batch: Batch) -> None:
        reason = "shutdown" if self._stopping else "cancelled"
        self.lose(batch, RetryableError("the delivery was cut off", reason=reason))

    async def _attempts(self, batch: Batch) -> None:
        pauses = intervals(self._retry) if self._retry is not None else None
        started = self._clock.monotonic()
        while True:
            last = self._stopping
            try:
                await self._attempt(batch)
            except RetryableError as error:
                if pauses is None:
                    raise
                if last:
                    raise _ended(error, "shutdown") from error
                pause = max(next(pauses), error.retry_after or 0.0)
                if self._gives_up(self._clock.monotonic() + pause - started):
                    raise _ended(error, "retries_exhausted") from error
                self._meter.retried(error.reason)
                self._log.warning("cannot deliver, will try again", **self._about(error), again_in=f"{pause:.1f}s")
                await self._pause(pause)
            else:
                return

    def _gives_up(self, elapsed: float) -> bool:
        return self._retry is not None and 0 < self._retry.max_elapsed_time < elapsed

    async def _attempt(self, batch: Batch) -> None:
        if not self._timeout:
            await self._push(batch)
            return
        try:
            await self._limit.run(self._push(batch))
        except TimeoutError as error:
            raise RetryableError(
                f"no answer within {format_duration(self._timeout)}: the backend is slow, or `timeout` too short",
                reason="timeout",
                code=StatusCode.DEADLINE_EXCEEDED,
            ) from error

    async def _push(self, batch: Batch) -> None:
        try:
            await self._exporter.push(batch)
        except ConsumeError:
            raise
        except OSError as error:
            raise RetryableError(str(error), reason="connection") from error
        except Exception as error:
            raise _defect(error) from error

    async def _pause(self, seconds: float) -> None:
        """Wait, unless it is time to stop."""
        if self._stopping:
            return
        pause = self._tasks.start("pause", self._clock.sleep(seconds))
        self._pauses.add(pause)
        try:
            await asyncio.wait((pause,))
        finally:
            self._pauses.discard(pause)
            pause.cancel()

    def _about(self, error: ConsumeError) -> dict[str, Any]:
        details = {"reason": error.reason, "exporter": repr(self._exporter), "error": str(error)}
        return details if error.reason != "exporter_error" else {**details, "exc_info": error}


def _defect(error: Exception) -> PermanentError:
    return PermanentError(f"the exporter failed: {error!r}", reason="exporter_error")


def _ended(error: RetryableError, reason: str) -> RetryableError:
    """Return the error of the last attempt under the reason why there is no other."""
    return RetryableError(str(error), reason=reason, code=error.code, retry_after=error.retry_after)
