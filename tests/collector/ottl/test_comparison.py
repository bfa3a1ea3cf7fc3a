import itertools

import pytest

from collector.ottl.comparison import COMPARISONS
from collector.ottl.values import Duration, Id, Time

# One of each type that has nothing to do with any other type here.
UNLIKE = [None, True, 1, "1", b"1", [1], {"a": 1}, Time(1), Duration(1), Id(b"1")]


@pytest.mark.parametrize(("left", "right"), list(itertools.permutations(UNLIKE, 2)))
def test_types_do_not_mix(left, right):
    """Values of different types are not equal and in no order."""
    assert {"!="} == {sign for sign, compare in COMPARISONS.items() if compare(left, right)}


@pytest.mark.parametrize(
    ("left", "right", "signs"),
    [
        (1, 2, "< <= !="),
        (2, 2, "== <= >="),
        (1, 1.5, "< <= !="),
        (2.0, 2, "== <= >="),
        (2**53 + 1, 2.0**53, "== <= >="),  # compared as floats
        (2**53 + 1, 2**53, "> >= !="),
        (float("nan"), float("nan"), "!="),
        ("a", "b", "< <= !="),
        ("Z", "a", "< <= !="),
        (b"a", b"b", "< <= !="),
        (False, True, "< <= !="),
        (None, None, "== <= >="),
        (Time(1), Time(2), "< <= !="),
        (Duration(2), Duration(2), "== <= >="),
        (Id(b"1"), Id(b"1"), "=="),
        (Id(b"1"), Id(b"2"), "!="),
        ([1, "a"], [1, "a"], "=="),
        ([1], [1.0], "!="),
        ([True], [1], "!="),
        ([1], [1, 2], "!="),
        ({"a": [1], "b": None}, {"b": None, "a": [1]}, "=="),
        ({"a": 1}, {"a": True}, "!="),
        ({"a": None}, {}, "!="),
    ],
)
def test_comparison(left, right, signs):
    """Values of one type, or two numbers, are compared by their rules."""
    mirrored = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
    assert set(signs.split()) == {sign for sign, compare in COMPARISONS.items() if compare(left, right)}
    expected = {mirrored.get(sign, sign) for sign in signs.split()}
    assert expected == {sign for sign, compare in COMPARISONS.items() if compare(right, left)}
