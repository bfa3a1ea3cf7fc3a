"""Converters that give numbers, booleans and ids."""

import re

from collector.ottl.converters.parameters import (
    BooleanLike,
    DoubleLike,
    Integer,
    IntegerLike,
    SpanIdentifier,
    Text,
    TraceIdentifier,
)
from collector.ottl.errors import EvaluationError
from collector.ottl.values import Id

# What Go's `ParseInt` reads in base 0: the prefix tells the base.
_PREFIXED = re.compile(r"[+-]?(0[bB]_?|0[oO]?_?|0[xX]_?)?[0-9a-fA-F]+(_[0-9a-fA-F]+)*")
_PLAIN = re.compile(r"[+-]?[0-9a-zA-Z]+")
_LONGEST = 70  # a sign, a prefix and 64 binary digits


def integer(target: IntegerLike) -> int | None:
    """Return the integer of a number, boolean or text, nil for nil; floats lose their fraction."""
    return target


def double(target: DoubleLike) -> float | None:
    """Return the float of a number, boolean or text, nil for nil."""
    return target


def boolean(target: BooleanLike) -> bool | None:
    """Return whether a number is not zero or a text says true; nil for nil."""
    return target


def parse_int(target: Text, base: Integer) -> int:
    """Return the integer that a text spells in a base, or in the one that its prefix tells where the base is 0."""
    number = None
    if len(target) <= _LONGEST and (_PLAIN if base else _PREFIXED).fullmatch(target):
        number = _parsed(target, base)
    if number is None or not -(2**63) <= number < 2**63:
        raise EvaluationError(f"the text is no 64-bit integer in base {base}")
    return number


def _parsed(text: str, base: int) -> int | None:
    digits = text.lstrip("+-").lower()
    if base and digits[:2] in ("0b", "0o", "0x"):
        return None  # a prefix that only Python reads here
    if not base and digits[0] == "0" and digits[1:2].isdecimal():
        base = 8
    try:
        return int(text, base)
    except ValueError:
        return None


def trace_id(target: TraceIdentifier) -> Id:
    """Return the trace id of 16 bytes or 32 hexadecimal digits."""
    return target


def span_id(target: SpanIdentifier) -> Id:
    """Return the span id of 8 bytes or 16 hexadecimal digits."""
    return target


CONVERTERS = {
    "Bool": boolean,
    "Double": double,
    "Int": integer,
    "ParseInt": parse_int,
    "SpanID": span_id,
    "TraceID": trace_id,
}
