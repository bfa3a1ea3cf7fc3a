"""Ways to the addresses of a target: connections, and when to try again where there is none."""

import asyncio
import random
from collections.abc import Callable

from collector.api import StatusCode
from collector.net.http2.client_session import ClientSession
from collector.net.http2.dialing import Address
from collector.net.unary import CallFailure

# Seconds between two attempts to connect, and how they grow.
_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 5.0
_GROWTH = 1.6
_JITTER = 0.2


class Pause:
    """When to try again what has failed, and why it has."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._seconds = _FIRST_PAUSE
        self.until = 0.0
        self.failure: CallFailure | None = None

    @property
    def is_over(self) -> bool:
        """Whether it may be tried."""
        return self._now() >= self.until

    def failed(self, why: str) -> None:
        """Wait longer than the last time."""
        self.until = self._now() + self._seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret
        self._seconds = min(_LONGEST_PAUSE, self._seconds * _GROWTH)
        self.failure = CallFailure(StatusCode.UNAVAILABLE, why)

    def succeeded(self) -> None:
        """Begin anew."""
        self._seconds, self.until, self.failure = _FIRST_PAUSE, 0.0, None


class Line:
    """The way to one address, or to the first of several that answers: a connection, or one that is being opened."""

    def __init__(self, addresses: tuple[Address, ...], now: Callable[[], float]) -> None:
        self.addresses = addresses
        self.session: ClientSession | None = None
        self.opening: asyncio.Task[None] | None = None
        self.pause = Pause(now)
        # Connections in a row that have ended without an answer.
        self._fruitless = 0

    @property
    def usable(self) -> ClientSession | None:
        """The connection, where new calls may go by it."""
        return self.session if self.session is not None and self.session.usable else None

    def give_up(self, session: ClientSession) -> None:
        """Let the connection go; after two that were good for nothing, wait before there is another."""
        self.session = None
        self._fruitless = 0 if session.answers else self._fruitless + 1
        if self._fruitless > 1:
            self.pause.failed(session.why)
