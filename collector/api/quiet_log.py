"""A log that does not repeat itself while the same thing goes on going wrong."""

from collections import Counter
from typing import Any, TypeAlias

import structlog

from collector.api.clock import Clock

INTERVAL = 60.0

# Events and reasons are words of the code, so there are few; the bound is for one that came with the data.
_MOST_KEYS = 1000

_Key: TypeAlias = tuple[str, str]


class QuietLog:
    """Logs an event with a reason at most once in `INTERVAL` seconds, then with how often it was left out (`left_out`).

    A detail that takes time to find out may be a function without arguments: it is called only where the line is
    written.
    """

    def __init__(self, logger: structlog.typing.FilteringBoundLogger, clock: Clock) -> None:
        self._logger = logger
        self._clock = clock
        self._quiet_until: dict[_Key, float] = {}
        self._left_out: Counter[_Key] = Counter()

    def warning(self, event: str, *, reason: str, **details: Any) -> None:
        """Log a warning, where it is time."""
        if (left_out := self._due((event, reason))) is not None:
            self._logger.warning(event, reason=reason, **_found_out(details), **left_out)

    def error(self, event: str, *, reason: str, **details: Any) -> None:
        """Log an error, where it is time."""
        if (left_out := self._due((event, reason))) is not None:
            self._logger.error(event, reason=reason, **_found_out(details), **left_out)

    def _due(self, key: _Key) -> dict[str, int] | None:
        now = self._clock.monotonic()
        if now < self._quiet_until.get(key, now):
            self._left_out[key] += 1
            return None
        if len(self._quiet_until) >= _MOST_KEYS:
            self._quiet_until.clear()
            self._left_out.clear()
        self._quiet_until[key] = now + INTERVAL
        left_out = self._left_out.pop(key, 0)
        return {"left_out": left_out} if left_out else {}


def _found_out(details: dict[str, Any]) -> dict[str, Any]:
    return {name: detail() if callable(detail) else detail for name, detail in details.items()}
