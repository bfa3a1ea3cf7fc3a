import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.processing import probability as p

probabilities = st.floats(min_value=p.MIN_PROBABILITY, max_value=1)
thresholds = st.integers(0, p.NEVER - 1)


def test_randomness_is_the_last_seven_bytes_of_a_trace_id():
    assert p.randomness_of(bytes(range(16))) == 0x090A0B0C0D0E0F


@pytest.mark.parametrize(("probability", "text"), [(1.0, "0"), (0.5, "8"), (0.25, "c"), (2**-56, "f" * 14)])
def test_thresholds_of_powers_of_two_are_exact(probability, text):
    assert text == p.format_threshold(p.threshold_of(probability))


@pytest.mark.parametrize("probability", [0, -0.5, 1.01, 2**-57, math.nan])
def test_what_is_no_probability_is_refused(probability):
    with pytest.raises(ValueError, match="probability"):
        p.threshold_of(probability)


def test_leading_zeros_and_effs_are_not_significant():
    assert p.format_threshold(p.threshold_of(0.01, 4)) == "fd70a"
    assert p.format_threshold(p.threshold_of(0.9999, 2)) == "00069"


@given(probabilities, st.integers(1, 14))
def test_rounding_keeps_the_probability_near_and_the_threshold_writable(probability, precision):
    threshold = p.threshold_of(probability, precision)
    assert p.ALWAYS <= threshold < p.NEVER
    smaller = min(probability, 1 - probability)
    # Half a unit of the last significant digit, and what 2**-56 itself cannot tell apart.
    assert abs(p.probability_of(threshold) - probability) <= smaller * 16 ** (1 - precision) + 2**-56


@given(probabilities, probabilities)
def test_a_higher_probability_never_has_a_higher_threshold(one, other):
    low, high = sorted((one, other))
    assert p.threshold_of(high) <= p.threshold_of(low)


@given(thresholds)
def test_thresholds_come_back_from_their_text(threshold):
    assert threshold == p.parse_threshold(p.format_threshold(threshold))
    assert p.adjusted_count(threshold) == pytest.approx(1 / p.probability_of(threshold))


@given(st.integers(0, p.MAX_RANDOMNESS))
def test_randomness_comes_back_from_its_text(randomness):
    assert randomness == p.parse_randomness(p.format_randomness(randomness))


@pytest.mark.parametrize("text", ["", "g", "-1", "0x1", "1_0", " 1", "\u0661"])
def test_a_threshold_has_only_hex_digits(text):
    with pytest.raises(ValueError, match="syntax"):
        p.parse_threshold(text)


def test_a_threshold_has_at_most_14_digits():
    with pytest.raises(ValueError, match="exceeds 14 hex digits"):
        p.parse_threshold("1" * 15)


@pytest.mark.parametrize("text", ["", "1" * 13, "1" * 15])
def test_randomness_has_exactly_14_digits(text):
    with pytest.raises(ValueError, match="must have 14 hex digits"):
        p.parse_randomness(text)
