"""What stands between components: one consumer for several, and one for each signal."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeAlias

from collector.api import ConsumeError, Consumer, PartialError, PermanentError, RetryableError, StatusCode
from collector.data import Batch, Signal

# Asks whether a batch of a signal would be let in; see `collector.api.Admitting`.
Admission: TypeAlias = Callable[[Signal], None]


def admission(consumer: Consumer) -> Admission | None:
    """Return what asks a consumer, None where it takes all.

    Whatever stands in front of a consumer has `admit` only where that has it: most pipelines never say no, and then
    nobody asks, request by request.
    """
    ask: Admission | None = getattr(consumer, "admit", None)
    return ask


class FanOut:
    """Gives each batch to several consumers at once, so that a slow one does not hold up another.

    Returns when all have answered. Where one of them can take the batch later, the sender is told to send it again;
    the others then see it twice.
    """

    admit: Admission

    def __init__(self, consumers: Sequence[Consumer]) -> None:
        self._consumers = consumers
        self._admissions = [ask for consumer in consumers if (ask := admission(consumer)) is not None]
        if self._admissions:
            self.admit = self._ask_all

    async def consume(self, batch: Batch) -> None:
        """Hand the batch to every consumer and combine their errors into one."""
        # A batch that is still open could be taken by one consumer only; as bytes it can be shared.
        _ = batch.payload
        # The children never outlive this call: it awaits them all, also when it is cancelled.
        outcomes = await asyncio.gather(
            *(consumer.consume(batch) for consumer in self._consumers), return_exceptions=True
        )
        errors = [outcome for outcome in outcomes if outcome is not None]
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise combine(errors) from BaseExceptionGroup("all that failed", errors)

    def _ask_all(self, signal: Signal) -> None:
        for ask in self._admissions:
            ask(signal)


def fan_out(consumers: Sequence[Consumer]) -> Consumer:
    """Return one consumer for all; for a single one itself."""
    return consumers[0] if len(consumers) == 1 else FanOut(consumers)


class SignalRouter:
    """Gives each batch to the pipelines of its signal."""

    admit: Admission

    def __init__(self, routes: Mapping[Signal, Consumer]) -> None:
        self._routes = routes
        self._admissions = {signal: ask for signal, route in routes.items() if (ask := admission(route)) is not None}
        if self._admissions:
            self.admit = self._ask

    def consume(self, batch: Batch) -> Coroutine[Any, Any, None]:
        """Hand the batch on; refuse it for good where no pipeline takes its signal."""
        route = self._routes.get(batch.signal)
        return self._refuse(batch) if route is None else route.consume(batch)

    async def _refuse(self, batch: Batch) -> None:
        raise PermanentError(
            f"no pipeline takes {batch.signal.value} from here", reason="no_pipeline", code=StatusCode.UNIMPLEMENTED
        )

    def _ask(self, signal: Signal) -> None:
        if (ask := self._admissions.get(signal)) is not None:
            ask(signal)


def combine(errors: Sequence[BaseException]) -> ConsumeError:
    """Return the one error for a batch that several consumers refused: what the sender can still do decides.

    Any that may pass later makes the whole retryable, with the longest delay; else any permanent one decides; partial
    ones count the most that any rejected. What is no `ConsumeError` is a defect and counts as permanent.
    """
    message = "; ".join(dict.fromkeys(str(error) or repr(error) for error in errors))
    retryable = [error for error in errors if isinstance(error, RetryableError)]
    if retryable:
        delays = [error.retry_after for error in retryable if error.retry_after is not None]
        first = retryable[0]
        return RetryableError(message, reason=first.reason, code=first.code, retry_after=max(delays, default=None))
    partial = [error for error in errors if isinstance(error, PartialError)]
    if len(partial) == len(errors):
        return PartialError(message, rejected=max(error.rejected for error in partial), reason=partial[0].reason)
    decisive = next(error for error in errors if not isinstance(error, PartialError))
    if isinstance(decisive, ConsumeError):
        return PermanentError(message, reason=decisive.reason, code=decisive.code)
    return PermanentError(message)
