"""A batch that is sent as several requests: all of them, and what their ends mean for the batch."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from collector.api import ConsumeError, PartialError, RetryableError, TaskOwner
from collector.data import Batch

# How many parts of one batch are being delivered at the same time.
_AT_ONCE = 10


async def send_parts(
    parts: Sequence[Batch],
    send: Callable[[Batch], Awaitable[None]],
    lose: Callable[[Batch], None],
    tasks: TaskOwner,
) -> None:
    """Send every part, whatever becomes of the others; `lose` is told of those that a cancellation left unsent.

    Raises:
        ConsumeError: not all were taken, as `outcome_of` says.

    """
    waiting = deque(enumerate(parts))
    errors: list[ConsumeError | None] = [None] * len(parts)

    async def work() -> None:
        while waiting:
            number, part = waiting.popleft()
            try:
                await send(part)
            except ConsumeError as error:
                errors[number] = error

    workers = [tasks.start(f"parts {number}", work()) for number in range(min(_AT_ONCE, len(parts)))]
    try:
        await asyncio.gather(*workers)
    finally:
        while waiting:
            lose(waiting.popleft()[1])
    error = outcome_of(parts, errors)
    if error is not None:
        raise error


def outcome_of(parts: Sequence[Batch], errors: Sequence[ConsumeError | None]) -> ConsumeError | None:
    """Return what the ends of the parts mean for the batch, or None where all were taken.

    Where nothing was taken, the batch may be sent again if any part of it may. Where anything was, a second time would
    repeat it: the rest is refused for good.
    """
    failures = [error for error in errors if error is not None]
    if not failures:
        return None
    if len(failures) == len(parts) and not any(isinstance(error, PartialError) for error in failures):
        return next((error for error in failures if isinstance(error, RetryableError)), failures[0])
    first = failures[0]
    return PartialError(
        f"{len(failures)} of {len(parts)} parts were not taken in full; the first: {first}",
        rejected=sum(_rejected(part, error) for part, error in zip(parts, errors, strict=True)),
        reason=first.reason,
    )


def _rejected(part: Batch, error: ConsumeError | None) -> int:
    if error is None:
        return 0
    return min(error.rejected, part.count) if isinstance(error, PartialError) else part.count
