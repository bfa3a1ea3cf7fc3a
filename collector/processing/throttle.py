"""Log lines that come seldom, however often their cause does."""

from collector.api import Clock


class Throttle:
    """Says when a line may be written: the first time at once, then once an interval (in seconds)."""

    def __init__(self, clock: Clock, interval: float = 60.0) -> None:
        self._clock = clock
        self._interval = interval
        self._next = clock.monotonic()
        self._passed_over = 0

    def permit(self) -> bool:
        """Return whether to write now; counts what is passed over."""
        now = self._clock.monotonic()
        if now < self._next:
            self._passed_over += 1
            return False
        self._next = now + self._interval
        return True

    def passed_over(self) -> int:
        """Return how many lines were not written since the one before this."""
        count, self._passed_over = self._passed_over, 0
        return count
