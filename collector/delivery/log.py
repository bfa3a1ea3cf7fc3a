"""A logger that does not repeat itself while the same thing goes on going wrong."""

from collections import Counter
from typing import Any, TypeAlias

import structlog

from collector.api import Clock

INTERVAL = 30.0

_Key: TypeAlias = tuple[str, str]


class QuietLog:
    """Logs an event with a reason at most once in `INTERVAL` seconds, then with how often it was left out."""

    def __init__(self, logger: structlog.typing.FilteringBoundLogger, clock: Clock) -> None:
        self._logger = logger
        self._clock = clock
        self._quiet_until: dict[_Key, float] = {}
        self._left_out: Counter[_Key] = Counter()

    def warning(self, event: str, *, reason: str, **details: Any) -> None:
        """Log a warning, where it is time."""
        if (left_out := self._due((event, reason))) is not None:
            self._logger.warning(event, reason=reason, **details, **left_out)

    def error(self, event: str, *, reason: str, **details: Any) -> None:
        """Log an error, where it is time."""
        if (left_out := self._due((event, reason))) is not None:
            self._logger.error(event, reason=reason, **details, **left_out)

    def _due(self, key: _Key) -> dict[str, int] | None:
        now = self._clock.monotonic()
        if now < self._quiet_until.get(key, now):
            self._left_out[key] += 1
            return None
        self._quiet_until[key] = now + INTERVAL
        left_out = self._left_out.pop(key, 0)
        return {"left_out": left_out} if left_out else {}
