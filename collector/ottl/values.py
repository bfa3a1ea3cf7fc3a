"""The values of OTTL: those of attributes, and times, durations and ids."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from collector.data import AttributeValue
from collector.ottl.errors import EvaluationError
from collector.processing.values import as_text

# Not frozen, as the values of OTTL are that nobody changes: that would make each of them cost three times as much.


@dataclass(slots=True, order=True)
class Time:
    """A point in time, in nanoseconds since the Unix epoch."""

    ns: int


@dataclass(slots=True, order=True)
class Duration:
    """A duration in nanoseconds."""

    ns: int


@dataclass(slots=True)
class Id:
    """A trace or span id; not comparable with plain bytes, as on the Go collector."""

    raw: bytes


# None, bool, int, float, str, bytes, Time, Duration, Id, and lists and maps of those.
OttlValue: TypeAlias = Any

_NAMES = {
    type(None): "nil",
    bool: "a boolean",
    int: "an integer",
    float: "a float",
    str: "a text",
    bytes: "bytes",
    list: "a list",
    dict: "a map",
    Time: "a time",
    Duration: "a duration",
    Id: "an id",
}


def name_of(kind: type) -> str:
    """Return the name of a type, as error messages have it; they never show a value, which may be nobody's business."""
    return _NAMES.get(kind, kind.__name__)


def kind_of(value: OttlValue) -> str:
    """Return the name of a value's type."""
    return name_of(type(value))


def text_of(value: OttlValue) -> str | None:
    """Return the text of a value, None for nil: bytes in hexadecimal digits, everything else as JSON shows it.

    Raises:
        EvaluationError: the value has no text.

    """
    match value:
        case None | str():
            return value
        case bytes():
            return value.hex()
        case Time():
            return f'"{_rfc3339(value)}"'
    return as_text(_plain(value))


def _plain(value: OttlValue) -> AttributeValue:
    """Return a value as JSON holds it."""
    match value:
        case None | bool() | int() | float() | str() | bytes():
            return value
        case list():
            return [_plain(member) for member in value]
        case dict():
            return {key: _plain(member) for key, member in value.items()}
        case Time():
            return _rfc3339(value)
        case Duration():
            return value.ns
        case Id():
            return list(value.raw)
    raise EvaluationError(f"{kind_of(value)} has no text")


def _rfc3339(time: Time) -> str:
    seconds, ns = divmod(time.ns, 10**9)
    fraction = f".{ns:09}".rstrip("0").rstrip(".")
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}{fraction}Z"
