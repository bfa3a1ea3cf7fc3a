import pytest

from collector.ottl.arithmetic import OPERATIONS, negate
from collector.ottl.errors import EvaluationError
from collector.ottl.values import Duration, Time

HIGHEST, LOWEST = 2**63 - 1, -(2**63)


@pytest.mark.parametrize(
    ("left", "sign", "right", "result"),
    [
        (1, "+", 2, 3),
        (1, "-", 2, -1),
        (3, "*", 2, 6),
        (7, "/", 2, 3),
        (-7, "/", 2, -3),  # towards zero
        (7, "/", -2, -3),
        (1, "+", 1.5, 2.5),
        (3.0, "/", 2, 1.5),
        (HIGHEST, "+", 1, LOWEST),
        (LOWEST, "-", 1, HIGHEST),
        (HIGHEST, "*", 2, -2),
        (LOWEST, "/", -1, LOWEST),
        (Time(5), "-", Time(3), Duration(2)),
        (Time(5), "-", Duration(3), Time(2)),
        (Time(5), "+", Duration(3), Time(8)),
        (Duration(3), "+", Time(5), Time(8)),
        (Duration(3), "+", Duration(5), Duration(8)),
        (Duration(3), "-", Duration(5), Duration(-2)),
    ],
)
def test_operation(left, sign, right, result):
    """Numbers, times and durations are calculated with as Go does."""
    outcome = OPERATIONS[sign](left, right)
    assert (type(result), result) == (type(outcome), outcome)


@pytest.mark.parametrize(
    ("left", "sign", "right", "problem"),
    [
        (1, "/", 0, "division by zero"),
        (1.0, "/", 0, "division by zero"),
        (1, "+", None, "cannot add an integer and nil"),
        ("a", "+", "b", "cannot add a text and a text"),
        (True, "*", 1, "cannot multiply a boolean and an integer"),
        (Time(1), "+", Time(1), "cannot add a time and a time"),
        (Duration(1), "-", Time(1), "cannot subtract a duration and a time"),
        (Duration(1), "*", 2, "cannot multiply a duration and an integer"),
        (Time(1), "+", 1, "cannot add a time and an integer"),
    ],
)
def test_error(left, sign, right, problem):
    """Everything else is an error."""
    with pytest.raises(EvaluationError, match=problem):
        OPERATIONS[sign](left, right)


def test_negate():
    """Only numbers have a negative."""
    assert -1 == negate(1)
    assert 1.5 == negate(-1.5)
    assert LOWEST == negate(LOWEST)
    with pytest.raises(EvaluationError, match="a boolean cannot be negated"):
        negate(True)
