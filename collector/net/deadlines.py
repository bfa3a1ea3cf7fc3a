"""Ends connections that keep a server waiting."""

import asyncio
from collections.abc import Callable

from collector.api import Clock

_PERIOD = 1.0


class Deadlines:
    """A deadline for each of many connections, watched by one task, to the second.

    A timer for each would cost more than the requests that they watch.
    """

    def __init__(self, clock: Clock, expired: Callable[[], None]) -> None:
        self._clock = clock
        self._expired = expired
        self._deadlines: dict[asyncio.Transport, float] = {}
        self._some = asyncio.Event()

    def set(self, transport: asyncio.Transport, seconds: float) -> None:
        """Abort a connection after this time, in place of what was set for it before; never where it is 0."""
        if seconds <= 0:
            self.clear(transport)
            return
        self._deadlines[transport] = self._clock.monotonic() + seconds
        self._some.set()

    def clear(self, transport: asyncio.Transport) -> None:
        """Let a connection live."""
        self._deadlines.pop(transport, None)

    async def watch(self) -> None:
        """Abort what is late, for ever."""
        while True:
            if not self._deadlines:
                self._some.clear()
                await self._some.wait()
            await self._clock.sleep(_PERIOD)
            now = self._clock.monotonic()
            for transport in [transport for transport, deadline in self._deadlines.items() if deadline <= now]:
                del self._deadlines[transport]
                self._expired()
                transport.abort()
