"""Durations, as configurations write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.api import format_duration, parse_duration


@given(st.integers(min_value=0, max_value=10**15))
def test_a_duration_is_read_as_it_was_written(nanoseconds):
    assert parse_duration(format_duration(nanoseconds / 1e9)) == pytest.approx(nanoseconds / 1e9, rel=1e-12)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (5e-9, "5ns"), (1.5e-6, "1500ns"), (0.2, "200ms"), (1, "1s"), (90, "90s"), (3600, "1h"), (5400, "90m")],
)
def test_the_shortest_way_to_write_it(seconds, text):
    assert text == format_duration(seconds)
