"""Arithmetic by OTTL's rules, which are Go's: 64-bit integers wrap around and their division drops the fraction."""

import operator
from collections.abc import Callable
from typing import TypeAlias

from collector.ottl.comparison import NUMBERS
from collector.ottl.errors import EvaluationError
from collector.ottl.values import Duration, OttlValue, Time, kind_of

Operation: TypeAlias = Callable[[OttlValue, OttlValue], OttlValue]

_LOWEST, _HIGHEST = -(2**63), 2**63 - 1
_DOING = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}

# What times and durations give; everything else of them is an error.
_TEMPORAL: dict[str, dict[tuple[type, type], Callable[[int], OttlValue]]] = {
    "+": {(Time, Duration): Time, (Duration, Time): Time, (Duration, Duration): Duration},
    "-": {(Time, Time): Duration, (Time, Duration): Time, (Duration, Duration): Duration},
}


def wrapped(number: int) -> int:
    """Return an integer as 64 bits hold it."""
    return number if _LOWEST <= number <= _HIGHEST else (number - _LOWEST) % 2**64 + _LOWEST


def negate(value: OttlValue) -> OttlValue:
    """Return a number with the other sign; raises EvaluationError for other values."""
    if type(value) is int:
        return wrapped(-value)
    if type(value) is float:
        return -value
    raise EvaluationError(f"{kind_of(value)} cannot be negated, only a number")


def _operation(
    sign: str, on_integers: Callable[[int, int], int], on_floats: Callable[[float, float], float]
) -> Operation:
    temporal = _TEMPORAL.get(sign, {})

    def calculate(left: OttlValue, right: OttlValue) -> OttlValue:
        kind, other = type(left), type(right)
        if kind is int and other is int:
            return wrapped(on_integers(left, right))
        if kind in NUMBERS and other in NUMBERS:
            return on_floats(float(left), float(right))
        if make := temporal.get((kind, other)):
            return make(wrapped(on_integers(left.ns, right.ns)))
        raise EvaluationError(f"cannot {_DOING[sign]} {kind_of(left)} and {kind_of(right)}")

    return calculate


def _divide_integers(left: int, right: int) -> int:
    if right == 0:
        raise EvaluationError("division by zero")
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _divide_floats(left: float, right: float) -> float:
    if right == 0:
        raise EvaluationError("division by zero")
    return left / right


OPERATIONS: dict[str, Operation] = {
    "+": _operation("+", operator.add, operator.add),
    "-": _operation("-", operator.sub, operator.sub),
    "*": _operation("*", operator.mul, operator.mul),
    "/": _operation("/", _divide_integers, _divide_floats),
}
