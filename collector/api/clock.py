"""Time as a dependency, so that tests move it by hand."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """What a component with a timer takes instead of `time` and `asyncio.sleep`."""

    def monotonic(self) -> float:
        """Return seconds that never go back, from an unspecified start."""

    def time_ns(self) -> int:
        """Return nanoseconds since the Unix epoch."""

    async def sleep(self, seconds: float) -> None:
        """Return after the given time."""


class SystemClock:
    """The clock of the machine."""

    monotonic = staticmethod(time.monotonic)
    time_ns = staticmethod(time.time_ns)
    sleep = staticmethod(asyncio.sleep)
