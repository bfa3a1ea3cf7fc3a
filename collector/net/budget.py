"""A bound on the bytes of requests that are held at one time."""

from types import TracebackType
from typing import Self

from collector.api import RetryableError


class Budget:
    """Counts what requests hold in memory, over all connections of a server."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.used = 0

    def reserve(self) -> "Reservation":
        """Return an empty reservation, to be used as a context manager."""
        return Reservation(self)

    def has_room(self, size: int, held: int) -> bool:
        """Return whether so much more fits for somebody who holds some already; who is alone always fits."""
        return self.used + size <= self._limit or self.used == held


class Reservation:
    """What one request holds; given back at the end of the block."""

    __slots__ = ("_budget", "_size")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._size = 0

    def grow(self, size: int) -> None:
        """Hold so many bytes more.

        Raises:
            RetryableError: other requests hold too much.

        """
        if not self._budget.has_room(size, self._size):
            raise RetryableError(
                "too many requests are being taken in at once, try again", reason="overloaded", retry_after=1.0
            )
        self._budget.used += size
        self._size += size

    def release(self) -> None:
        """Give back all that is held."""
        self._budget.used -= self._size
        self._size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()
