"""How values look in the text of the `debug` exporter."""

import base64
import json
import math
import re
from datetime import UTC, datetime
from typing import Any

from collector.data import value_of
from collector.data.messages import ProtoMessage

# What could move a terminal's cursor, colour it, break a line in two or turn the order of its characters around.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_VALUE_KINDS = {
    None: "Empty",
    "string_value": "Str",
    "bool_value": "Bool",
    "int_value": "Int",
    "double_value": "Double",
    "array_value": "Slice",
    "kvlist_value": "Map",
    "bytes_value": "Bytes",
}
_SEVERITIES = ("Trace", "Debug", "Info", "Warn", "Error", "Fatal")


class Lines:
    """Text made line by line; what came from outside cannot break a line or steer a terminal."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, line: str) -> None:
        """Add a line, with control characters written as escapes."""
        self._lines.append(_UNSAFE.sub(_escape, line))

    def text(self) -> str:
        """Return the lines, each with its end."""
        return "".join([f"{line}\n" for line in self._lines])


def _escape(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape").decode()


def name_of(names: tuple[str, ...], number: int) -> str:
    """Return the name of an enum value, or its number where it has none."""
    return names[number] if 0 <= number < len(names) else str(number)


def severity(number: int) -> str:
    """Return the name of a log record's severity: `Info`, `Info2`."""
    if not 1 <= number <= 24:
        return "Unspecified" if number == 0 else str(number)
    family, step = divmod(number - 1, 4)
    return f"{_SEVERITIES[family]}{step + 1 if step else ''}"


def timestamp(nanoseconds: int) -> str:
    """Return a time as Go prints it, in UTC."""
    seconds, rest = divmod(nanoseconds, 10**9)
    fraction = f".{rest:09}".rstrip("0") if rest else ""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"


def number(value: float) -> str:
    """Return the shortest text of a number, without `.0`."""
    return repr(value).removesuffix(".0")


def exponential_bound(scale: int, index: int) -> float:
    """Return the lower bound of a bucket of an exponential histogram: 2 ** (index / 2 ** scale)."""
    try:
        return math.pow(2.0, math.ldexp(index, -scale))
    except OverflowError:
        return math.inf if index > 0 else 0.0


def typed(value: ProtoMessage) -> str:
    """Return an `AnyValue` with its type: `Str(checkout)`."""
    return f"{_VALUE_KINDS.get(value.WhichOneof('value'), 'Unknown')}({plain(value)})"


def plain(value: ProtoMessage) -> str:
    """Return an `AnyValue` as text: maps and lists as JSON, bytes as base64."""
    content = value_of(value)
    if isinstance(content, dict | list):
        return json.dumps(_jsonable(content), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    if isinstance(content, float):
        return number(content)
    scalar = _jsonable(content)
    return "" if scalar is None else scalar if isinstance(scalar, str) else json.dumps(scalar)


def _jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _jsonable(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_jsonable(member) for member in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
