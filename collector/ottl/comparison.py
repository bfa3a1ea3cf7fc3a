"""Comparisons by OTTL's rules.

Values of different types are never equal and in no order, except for integers and floats, which are compared as floats.
Nil equals nil. Lists and maps are equal where their members are, type by type; like ids they are in no order. False is
less than true; texts and bytes are ordered byte by byte.
"""

import operator
from collections.abc import Callable
from typing import TypeAlias

from collector.ottl.values import Duration, OttlValue, Time

Comparator: TypeAlias = Callable[[OttlValue, OttlValue], bool]

NUMBERS = frozenset({int, float})
_ORDERED = frozenset({bool, int, float, str, bytes, Time, Duration})


def equal(left: OttlValue, right: OttlValue) -> bool:
    """Return whether two values are equal."""
    if type(left) is not type(right) and type(left) in NUMBERS and type(right) in NUMBERS:
        return float(left) == float(right)
    return _same(left, right)


def _same(left: OttlValue, right: OttlValue) -> bool:
    """Return whether two values have the same type and are equal, with all that is in them."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(_same, left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(_same(value, right[key]) for key, value in left.items())
    return bool(left == right)


def _not_equal(left: OttlValue, right: OttlValue) -> bool:
    return not equal(left, right)


def _ordering(holds: Comparator) -> Comparator:
    """Return the comparison of any two values by an operator for values that are in order."""
    nil = holds(0, 0)

    def compare(left: OttlValue, right: OttlValue) -> bool:
        kind = type(left)
        if kind is type(right):
            return holds(left, right) if kind in _ORDERED else nil and left is None
        return kind in NUMBERS and type(right) in NUMBERS and holds(float(left), float(right))

    return compare


ORDERINGS: dict[str, Comparator] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
COMPARISONS: dict[str, Comparator] = {
    "==": equal,
    "!=": _not_equal,
    **{sign: _ordering(holds) for sign, holds in ORDERINGS.items()},
}
