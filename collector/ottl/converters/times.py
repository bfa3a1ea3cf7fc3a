"""Converters of times and durations."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated

from collector.ottl.arithmetic import wrapped
from collector.ottl.converters.declaration import Impure
from collector.ottl.converters.parameters import Integer, Moment, Period, Text
from collector.ottl.errors import EvaluationError
from collector.ottl.values import Duration, Time

_UNITS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,
    "μs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
_PART = re.compile(r"(?=\.?[0-9])([0-9]*)\.?([0-9]*)(ns|us|µs|μs|ms|s|m|h)")
_LONGEST_TEXT = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_duration(duration: Text) -> Duration:
    """Return the duration that a text spells as Go writes durations: `1h30m`, `250ms`."""
    unsigned = duration[1:] if duration[:1] in ("+", "-") else duration
    total = position = 0
    while match := _PART.match(unsigned[:_LONGEST_TEXT], position):
        whole, fraction, unit = match.groups()
        total += int(whole or 0) * _UNITS[unit] + _part_of(_UNITS[unit], fraction[:18])
        position = match.end()
    if unsigned != "0" and (not position or position < len(unsigned)):
        raise EvaluationError(f'"{duration[:_LONGEST_TEXT]}" is no duration: write it like 1h30m or 250ms')
    if total >= 2**63:
        raise EvaluationError(f'the duration "{duration}" does not fit into 64 bits of nanoseconds')
    return Duration(-total if duration.startswith("-") else total)


def _part_of(unit: int, fraction: str) -> int:
    """Return the nanoseconds of a decimal fraction of a unit, rounded as Go rounds."""
    return int(int(fraction) * (unit / 10 ** len(fraction))) if fraction else 0


def hours(duration: Period) -> float:
    """Return the hours of a duration, fractions included."""
    return duration.ns / _UNITS["h"]


def minutes(duration: Period) -> float:
    """Return the minutes of a duration, fractions included."""
    return duration.ns / _UNITS["m"]


def seconds(duration: Period) -> float:
    """Return the seconds of a duration, fractions included."""
    return duration.ns / _UNITS["s"]


def _whole(unit: int) -> Callable[[Period], int]:
    def units(duration: Period) -> int:
        """Return how many whole units a duration has."""
        return duration.ns // unit if duration.ns >= 0 else -(-duration.ns // unit)

    return units


def now() -> Annotated[Time, Impure]:
    """Return the present."""
    return Time(time.time_ns())


def unix(seconds: Integer, nanoseconds: Integer = 0) -> Time:
    """Return the time so many seconds and nanoseconds after the Unix epoch."""
    return Time(wrapped(seconds * 10**9 + nanoseconds))


def _since_epoch(unit: int) -> Callable[[Moment], int]:
    def units(time: Moment) -> int:
        """Return the whole units since the Unix epoch."""
        return time.ns // unit

    return units


def _component(read: Callable[[datetime], int]) -> Callable[[Moment], int]:
    def component(time: Moment) -> int:
        """Return a component of a time, in UTC."""
        return read(_EPOCH + timedelta(seconds=time.ns // 10**9))

    return component


def nanosecond(time: Moment) -> int:
    """Return the nanoseconds within the second."""
    return time.ns % 10**9


CONVERTERS = {
    "Day": _component(lambda moment: moment.day),
    "Duration": parse_duration,
    "Hour": _component(lambda moment: moment.hour),
    "Hours": hours,
    "Microseconds": _whole(_UNITS["us"]),
    "Milliseconds": _whole(_UNITS["ms"]),
    "Minute": _component(lambda moment: moment.minute),
    "Minutes": minutes,
    "Month": _component(lambda moment: moment.month),
    "Nanosecond": nanosecond,
    "Nanoseconds": _whole(1),
    "Now": now,
    "Second": _component(lambda moment: moment.second),
    "Seconds": seconds,
    "Unix": unix,
    "UnixMicro": _since_epoch(_UNITS["us"]),
    "UnixMilli": _since_epoch(_UNITS["ms"]),
    "UnixNano": _since_epoch(1),
    "UnixSeconds": _since_epoch(_UNITS["s"]),
    "Weekday": _component(lambda moment: moment.isoweekday() % 7),
    "Year": _component(lambda moment: moment.year),
}
