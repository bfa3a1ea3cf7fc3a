"""Attribute values turned into other types, by the rules of the OpenTelemetry Collector (Go's `strconv`)."""

import base64
import json
import math
import re
from decimal import Decimal

from collector.data import AttributeValue

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+(?:_[0-9]+)*\.?(?:[0-9]+(?:_[0-9]+)*)?|\.[0-9]+(?:_[0-9]+)*)(?:[eE][+-]?[0-9]+)?")
_HEXADECIMAL = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+")
_SPECIAL = re.compile(r"nan|[+-]?inf(?:inity)?", re.IGNORECASE)
# Go's JSON encoder escapes these, so that JSON may stand inside HTML and JavaScript.
_JSON_ESCAPES = str.maketrans(
    {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
)


def as_text(value: AttributeValue) -> str:
    """Return the text of a value: lists and maps as JSON with sorted keys, bytes as base64, None as the empty text."""
    match value:
        case None:
            return ""
        case str():
            return value
        case list() | dict():
            return _as_json(value)
        case _:
            return _scalar_text(value)


def as_integer(value: AttributeValue) -> int | None:
    """Return the integer of a bool, number or decimal text, or None where it has none.

    Doubles lose their fraction; those outside of 64 bits become the smallest integer, as on the Go collector's most
    common processors.
    """
    match value:
        case bool() | int():
            return int(value)
        case float():
            inside = math.isfinite(value) and _INT64_MIN <= value < 2**63
            return int(value) if inside else _INT64_MIN
        case str() if _INTEGER.fullmatch(value) and len(value) <= 64:
            number = int(value)
            return number if _INT64_MIN <= number <= _INT64_MAX else None
    return None


def as_double(value: AttributeValue) -> float | None:
    """Return the double of a bool, number or text as Go's `ParseFloat` reads it, or None where it has none."""
    match value:
        case bool() | int() | float():
            return float(value)
        case str():
            return _parse_double(value)
    return None


def format_double(value: float, *, positional: bool = False) -> str:
    """Return the shortest text of a double; very large and small ones in scientific notation unless `positional`."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{'+' if value > 0 else '-'}Inf"
    if not positional and value and not 1e-6 <= abs(value) < 1e21:
        mantissa, _, exponent = f"{Decimal(repr(value)):e}".partition("e")
        return f"{mantissa}e{exponent}" if "." not in mantissa else f"{mantissa.rstrip('0').rstrip('.')}e{exponent}"
    text = f"{Decimal(repr(value)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _parse_double(text: str) -> float | None:
    if _DECIMAL.fullmatch(text):
        number = float(text)
    elif _HEXADECIMAL.fullmatch(text):
        try:
            number = float.fromhex(text)
        except OverflowError:
            return None
    else:
        return float(text) if _SPECIAL.fullmatch(text) else None
    return number if math.isfinite(number) else None


def _scalar_text(value: bool | float | bytes) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format_double(value)
    return base64.b64encode(value).decode() if isinstance(value, bytes) else str(value)


def _as_json(value: AttributeValue) -> str:
    match value:
        case None:
            return "null"
        case list():
            return f"[{','.join(_as_json(member) for member in value)}]"
        case dict():
            return f"{{{','.join(f'{_quoted(key)}:{_as_json(value[key])}' for key in sorted(value))}}}"
        case str():
            return _quoted(value)
        case bytes():
            return _quoted(_scalar_text(value))
    return _scalar_text(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).translate(_JSON_ESCAPES)
