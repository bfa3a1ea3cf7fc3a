"""The closures that conditions are compiled into: functions of a `Record`, with everything constant computed once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TypeAlias, cast

from collector.ottl.arithmetic import OPERATIONS
from collector.ottl.comparison import COMPARISONS, NUMBERS, ORDERINGS, Comparator
from collector.ottl.context import Getter
from collector.ottl.errors import EvaluationError
from collector.ottl.record import Record
from collector.ottl.values import Duration, Id, OttlValue, Time, kind_of

Test: TypeAlias = Callable[[Record], bool]

_NO_RECORD = cast(Record, None)  # constants read nothing of it
# The types that Python's == compares as OTTL does, whatever stands on the other side.
_PLAIN = frozenset({str, bytes, Time, Duration, Id})
_TEMPORAL = frozenset({Time, Duration})
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that no record changes."""

    value: OttlValue

    def __call__(self, _: Record) -> OttlValue:
        """Return the value."""
        return self.value


def folded(getter: Getter, parts: Sequence[Getter]) -> Getter:
    """Return the constant that a getter with constant parts gives. Where it fails, it fails with each record."""
    if all(isinstance(part, Constant) for part in parts):
        try:
            return Constant(getter(_NO_RECORD))
        except EvaluationError:
            pass
    return getter


def list_of(members: Sequence[Getter]) -> Getter:
    """Return the getter of a list."""
    return folded(lambda record: [read(record) for read in members], members)


def map_of(members: Sequence[tuple[str, Getter]]) -> Getter:
    """Return the getter of a map."""
    return folded(lambda record: {key: read(record) for key, read in members}, [read for _, read in members])


def member_of(getter: Getter, keys: Sequence[Getter], *, strict: bool) -> Getter:
    """Return the getter of a member of a value.

    What a map does not have is nil, with all below it, or an error where the lookup is `strict`.
    """

    def read(record: Record) -> OttlValue:
        value = getter(record)
        for key in keys:
            if value is None and not strict:
                return None
            value = _at(value, key(record), strict=strict)
        return value

    return read


def _at(value: OttlValue, key: OttlValue, *, strict: bool) -> OttlValue:
    if isinstance(value, dict) and isinstance(key, str):
        if strict and key not in value:
            raise EvaluationError(f'there is no "{key}" in the map')
        return value.get(key)
    if isinstance(value, list) and type(key) is int:
        if not 0 <= key < len(value):
            raise EvaluationError(f"there is no member {key} in a list of {len(value)}")
        return value[key]
    raise EvaluationError(f"{kind_of(value)} has no members under {kind_of(key)}")


def result_of(function: Callable[..., OttlValue], arguments: Sequence[Getter]) -> Getter:
    """Return the getter of what a function returns."""
    match arguments:
        case [one]:
            return lambda record: function(one(record))
        case [one, Constant(value=second)]:
            return lambda record: function(one(record), second)
    return lambda record: function(*[argument(record) for argument in arguments])


def calculation(first: Getter, rest: Sequence[tuple[str, Getter]]) -> Getter:
    """Return the getter of what operators of one precedence give, from left to right."""
    parts = [first, *(read for _, read in rest)]
    steps = [(OPERATIONS[sign], read) for sign, read in rest]
    if len(steps) == 1:
        [(operation, second)] = steps
        return folded(lambda record: operation(first(record), second(record)), parts)
    return folded(
        lambda record: reduce(lambda value, step: step[0](value, step[1](record)), steps, first(record)), parts
    )


def truth_of(getter: Getter, text: str) -> Test:
    """Return the test whether a value is true; `text` is what it is in the condition."""
    if isinstance(getter, Constant) and isinstance(getter.value, bool):
        return getter

    def test(record: Record) -> bool:
        value = getter(record)
        if not isinstance(value, bool):
            raise EvaluationError(f"{text} is {kind_of(value)}, not true or false")
        return value

    return test


def opposite_of(test: Test) -> Test:
    """Return the test whether another does not hold."""
    return Constant(not test.value) if isinstance(test, Constant) else lambda record: not test(record)


def all_of(tests: Sequence[Test]) -> Test:
    """Return the test whether several tests hold; after the first that does not, no other is tried."""
    return _until(False, tests)


def any_of(tests: Sequence[Test]) -> Test:
    """Return the test whether one of several tests holds; after the first that does, no other is tried."""
    return _until(True, tests)


def _until(outcome: bool, tests: Sequence[Test]) -> Test:
    """Return the test that has an outcome where one of several tests has it, and the other one elsewhere.

    As on the Go collector, constants are looked at first: where one has the outcome, no test is tried at all.
    """
    if any(test.value is outcome for test in tests if isinstance(test, Constant)):
        return Constant(outcome)
    remaining = [test for test in tests if not isinstance(test, Constant)]
    if len(remaining) < 2:
        return remaining[0] if remaining else Constant(not outcome)

    def test(record: Record) -> bool:
        for operand in remaining:
            if operand(record) is outcome:
                return outcome
        return not outcome

    return test


def comparison(left: Getter, sign: str, right: Getter) -> Test:
    """Return the test of two values by one of the six operators."""
    if isinstance(left, Constant) and not isinstance(right, Constant):
        left, sign, right = right, _MIRRORED.get(sign, sign), left
    if isinstance(right, Constant):
        if isinstance(left, Constant):
            return Constant(COMPARISONS[sign](left.value, right.value))
        if sign in ORDERINGS:
            test = _in_order_with(left, ORDERINGS[sign], right.value)
        else:
            test = _equal_to(left, right.value, sign == "==")
        if test is not None:
            return test
    compare = COMPARISONS[sign]
    return lambda record: compare(left(record), right(record))


# Comparisons with a constant for which Python's own operators do what OTTL's rules want; None where they do not.


def _in_order_with(left: Getter, holds: Comparator, expected: OttlValue) -> Test | None:
    if _is_exact(expected):
        return lambda record: type(value := left(record)) in NUMBERS and holds(value, expected)
    kind = type(expected)
    if kind in _TEMPORAL:
        return lambda record: type(value := left(record)) is kind and holds(value.ns, expected.ns)
    return None


def _equal_to(left: Getter, expected: OttlValue, wanted: bool) -> Test | None:
    if expected is None:
        return lambda record: (left(record) is None) is wanted
    if _is_exact(expected):
        return lambda record: (type(value := left(record)) in NUMBERS and value == expected) is wanted
    if type(expected) in _PLAIN:
        return lambda record: (left(record) == expected) is wanted
    return None


def _is_exact(value: OttlValue) -> bool:
    """Return whether a value is an integer that is a float without loss: Python compares it with both as Go does."""
    return type(value) is int and abs(value) <= 2**53
