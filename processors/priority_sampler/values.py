"""Tests of single values: what a condition wants, as a function.

Types are forgiving where senders differ: a number equals a text that spells it, whichever side has the text, and so do
`true` and `false`. A list in an attribute is what one of its members is.
"""

import operator
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeAlias

from collector.data import AttributeValue
from collector.processing.patterns import Pattern
from collector.processing.values import as_double, as_integer, as_text
from processors.priority_sampler.conditions import (
    Attribute,
    CountTest,
    DurationTest,
    Text,
    TextTest,
    Value,
    ValueTest,
)

TextPredicate: TypeAlias = Callable[[str], bool]
NumberPredicate: TypeAlias = Callable[[float], bool]
ValuePredicate: TypeAlias = Callable[[AttributeValue], bool]

# What a bound is to the numbers that it lets pass.
_OPERATORS = {"above": operator.lt, "at_least": operator.le, "below": operator.gt, "at_most": operator.ge}
_NANOSECONDS = 10**9


def text_test(wanted: Text) -> TextPredicate:
    """Return the test of a text."""
    if not isinstance(wanted, TextTest):
        return frozenset(_listed(wanted)).__contains__
    refused = frozenset(_listed(wanted.is_not))
    patterns = _patterns(wanted)
    return lambda text: text not in refused and all(pattern.matches(text) is hit for pattern, hit in patterns)


def duration_test(wanted: DurationTest) -> NumberPredicate:
    """Return the test of a duration in nanoseconds."""
    return _within({name: round(seconds * _NANOSECONDS) for name, seconds in _bounds(wanted).items()})


def count_test(wanted: CountTest) -> NumberPredicate:
    """Return the test of a number of spans."""
    return _within(_bounds(wanted))


def value_test(wanted: Attribute) -> ValuePredicate:
    """Return the test of the value of an attribute that is there."""
    if not isinstance(wanted, ValueTest):
        return _one_member(_equal_to(_listed(wanted)))
    if wanted.exists is False:
        return lambda value: False  # noqa: ARG005 - whatever it is
    tests: list[tuple[ValuePredicate, bool]] = []
    if wanted.is_not is not None:
        tests.append((_one_member(_equal_to(_listed(wanted.is_not))), False))
    if bounds := _bounds(wanted):
        tests.append((_one_member(_number_within(bounds)), True))
    tests += [(_one_member(_matched_by(pattern)), hit) for pattern, hit in _patterns(wanted)]
    return lambda value: all(test(value) is hit for test, hit in tests)


def _one_member(test: ValuePredicate) -> ValuePredicate:
    """Return a test that a list passes where one of its members does."""
    return lambda value: any(map(test, value)) if isinstance(value, list) else test(value)


def _equal_to(wanted: Iterable[Value]) -> ValuePredicate:
    # Booleans are compared by their text: in Python, `true` is the number 1.
    texts = frozenset(map(as_text, wanted))
    numbers = frozenset(
        number for value in wanted if not isinstance(value, str) if (number := _number(value)) is not None
    )
    return lambda value: as_text(value) in texts or (bool(numbers) and _number(value) in numbers)


def _number_within(bounds: Mapping[str, float]) -> ValuePredicate:
    within = _within(bounds)
    return lambda value: (number := _number(value)) is not None and within(number)


def _matched_by(pattern: Pattern) -> ValuePredicate:
    return lambda value: pattern.matches(as_text(value))


def _within(bounds: Mapping[str, float]) -> NumberPredicate:
    first, *more = [partial(_OPERATORS[name], bound) for name, bound in bounds.items()]
    return (lambda number: first(number) and all(test(number) for test in more)) if more else first


def _bounds(wanted: DurationTest | CountTest | ValueTest) -> dict[str, float]:
    return {name: bound for name in _OPERATORS if (bound := getattr(wanted, name)) is not None}


def _patterns(wanted: TextTest | ValueTest) -> list[tuple[Pattern, bool]]:
    """Return the patterns of a block of tests, each with whether it is to match."""
    given = ((wanted.matches, True), (wanted.not_matches, False))
    return [(Pattern(text), hit) for text, hit in given if text is not None]


def _number(value: AttributeValue) -> float | None:
    """Return the number that a value is or spells; a whole one exactly."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and (whole := as_integer(value)) is not None:
        return whole
    return value if isinstance(value, int) else as_double(value)


def _listed(wanted: "Value | list[Value] | list[str] | None") -> "Iterable[Value]":
    if wanted is None:
        return ()
    return wanted if isinstance(wanted, list) else (wanted,)
