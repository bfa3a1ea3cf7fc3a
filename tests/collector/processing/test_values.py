import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.processing.values import as_double, as_integer, as_text, format_double


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("plain", "plain"),
        (True, "true"),
        (-7, "-7"),
        (b"\x00\xff", "AP8="),
        (100.0, "100"),
        (0.1, "0.1"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (2.5e-7, "2.5e-7"),
        (1.5e300, "1.5e+300"),
        (-0.0, "-0"),
        (math.nan, "NaN"),
        (-math.inf, "-Inf"),
        ([1, "a", None, True], '[1,"a",null,true]'),
        ({"b": 1.0, "a": "<é>&\u2028", "c": b"x"}, '{"a":"\\u003cé\\u003e\\u0026\\u2028","b":1,"c":"eA=="}'),
    ],
)
def test_texts_are_those_of_the_go_collector(value, text):
    assert as_text(value) == text


def test_a_positional_double_has_no_exponent():
    assert format_double(1e21, positional=True) == "1000000000000000000000"
    assert format_double(1e-7, positional=True) == "0.0000001"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_text_of_a_double_is_the_double(value):
    assert float(format_double(value)) == value
    assert float(format_double(value, positional=True)) == value


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (True, 1),
        (-2.9, -2),
        ("42", 42),
        ("+42", 42),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", None),
        ("1_000", None),
        (" 1", None),
        ("1.0", None),
        ("", None),
        ("٣", None),
        ("9" * 5000, None),
        (1e300, -(2**63)),
        (math.nan, -(2**63)),
        ([1], None),
        (None, None),
    ],
)
def test_integers_are_read_as_go_reads_them(value, number):
    assert as_integer(value) == number


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (True, 1.0),
        (3, 3.0),
        ("1.5", 1.5),
        (".5e-1", 0.05),
        ("5.", 5.0),
        ("1_000.5", 1000.5),
        ("0x1p-2", 0.25),
        ("0x10", None),
        ("-Infinity", -math.inf),
        ("1e400", None),
        ("0x1p99999", None),
        (" 1", None),
        ("1__0", None),
        ("text", None),
        (b"1", None),
    ],
)
def test_doubles_are_read_as_go_reads_them(value, number):
    assert as_double(value) == number


def test_not_a_number_has_no_sign():
    assert math.isnan(as_double("NaN"))
    assert as_double("-nan") is None
