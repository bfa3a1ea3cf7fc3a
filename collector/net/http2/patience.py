"""A bound on frames that cost a server work and bring it nothing."""

from collections.abc import Callable

from collector.net.http2.frames import ConnectionFailure, ErrorCode

# What a connection may spend at once, and how much of it comes back in a second.
_FULL = 1000.0
_REGAINED = 33.0
# What a complete request brings: senders that work may ping and update as libraries do.
_EARNED = 10.0


class Patience:
    """Lets each useless frame pass until there are too many of them.

    Resets, pings, settings, empty frames, priorities and what belongs to no stream are all legal, and each is the
    matter of a known attack when it comes in thousands. One measure holds for them together.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self._left = _FULL
        self._at = now()

    def spend(self) -> None:
        """Bear one more.

        Raises:
            ConnectionFailure: there were too many.

        """
        now = self.now()
        self._left = min(_FULL, self._left + (now - self._at) * _REGAINED) - 1
        self._at = now
        if self._left < 0:
            raise ConnectionFailure(ErrorCode.ENHANCE_YOUR_CALM, "too many frames that bring nothing")

    def earn(self) -> None:
        """Take in a complete request."""
        self._left += _EARNED
