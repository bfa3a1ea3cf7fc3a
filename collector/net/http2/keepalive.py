"""When a connection has lived long enough, whether the other side still lives, and how often a client may ask that.

The rules and the numbers are those of https://github.com/grpc/proposal/blob/master/A8-client-side-keepalive.md and A9.
"""

import enum
import random
from collections.abc import Callable

from collector.net.server_config import (
    KeepaliveEnforcementPolicy,
    KeepaliveServerConfig,
    KeepaliveServerParameters,
)

# Pings too early that are forgiven.
_MAX_STRIKES = 2
# Seconds between pings of a client that has no calls and may not ping without.
_REST = 7200.0
# By how much ages differ, so that clients do not all come back at once.
_JITTER = 0.1
_DEFAULTS = KeepaliveServerParameters()


class Due(enum.Enum):
    """What is to be done with a connection; the values are what clients are told."""

    NOTHING = ""
    PING = "ping"
    IDLE = "max_idle"
    OLD = "max_age"
    TOO_OLD = "max_age_grace"
    DEAD = "keepalive_timeout"


class Keepalive:
    """Watches a client's connection. It is told what happens without the time, which `due` brings along."""

    def __init__(self, config: KeepaliveServerConfig | None, now: Callable[[], float]) -> None:
        config = config or KeepaliveServerConfig()
        self._parameters = parameters = config.server_parameters or _DEFAULTS
        self._policy = config.enforcement_policy or KeepaliveEnforcementPolicy()
        self._now = now
        self._idle_since = self._heard_at = started = now()
        self._heard = self._answered = False
        self._pinged_at: float | None = None
        self._ages_at = started + _jittered(parameters.max_connection_age) if parameters.max_connection_age else None
        self._client_pinged_at: float | None = None
        self._strikes = 0
        self._may_ping = False

    def heard(self) -> None:
        """Note that something has come."""
        self._heard = True

    def answered(self) -> None:
        """Note an answer: the client works, and its next ping is forgiven."""
        self._answered = self._may_ping = True

    def tolerates_ping(self, calls: int) -> bool:
        """Note a ping of the client, which has so many calls; return whether it may ping as it does."""
        now, before = self._now(), self._client_pinged_at
        self._client_pinged_at = now
        if self._may_ping:
            self._may_ping, self._strikes = False, 0
            return True
        pause = self._policy.min_time if calls or self._policy.permit_without_stream else _REST
        if before is not None and now < before + pause:
            self._strikes += 1
        return self._strikes <= _MAX_STRIKES

    def due(self, calls: int) -> Due:
        """Return what is to be done now, with so many calls under way."""
        now, parameters = self._now(), self._parameters
        if self._heard:
            self._heard, self._heard_at, self._pinged_at = False, now, None
        if calls or self._answered:
            self._answered, self._idle_since = False, now
        if self._ages_at is not None and now >= self._ages_at:
            grace = parameters.max_connection_age_grace
            return Due.TOO_OLD if grace and now >= self._ages_at + grace else Due.OLD
        if parameters.max_connection_idle and now >= self._idle_since + parameters.max_connection_idle:
            return Due.IDLE
        if self._pinged_at is not None:
            return Due.DEAD if now >= self._pinged_at + (parameters.timeout or _DEFAULTS.timeout) else Due.NOTHING
        if now >= self._heard_at + (parameters.time or _DEFAULTS.time):
            self._pinged_at = now
            return Due.PING
        return Due.NOTHING


class ClientKeepalive:
    """Watches a server's connection: pings after `time` seconds of silence, gives up `timeout` seconds after that.

    It pings while there are calls, or `always`.
    """

    def __init__(self, time: float, timeout: float, now: Callable[[], float], *, always: bool = False) -> None:
        self._time = time
        self._timeout = timeout
        self._always = always
        self._now = now
        self._heard_at = now()
        self._heard = False
        self._pinged_at: float | None = None

    def heard(self) -> None:
        """Note that something has come."""
        self._heard = True

    def due(self, calls: int) -> Due:
        """Return what is to be done now, with so many calls under way."""
        now = self._now()
        if self._heard:
            self._heard, self._heard_at, self._pinged_at = False, now, None
        if self._pinged_at is not None:
            return Due.DEAD if now >= self._pinged_at + self._timeout else Due.NOTHING
        if (calls or self._always) and now >= self._heard_at + self._time:
            self._pinged_at = now
            return Due.PING
        return Due.NOTHING


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311 - no secret
