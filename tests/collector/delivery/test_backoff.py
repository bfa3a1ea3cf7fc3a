from itertools import islice, pairwise

from hypothesis import given
from hypothesis import strategies as st

from collector.delivery import RetryConfig
from collector.delivery.backoff import intervals


def test_intervals_grow_up_to_the_limit():
    """Each interval is the one before times the multiplier, up to max_interval."""
    config = RetryConfig(initial_interval="1s", multiplier=2.0, max_interval="5s", randomization_factor=0.0)

    assert [1.0, 2.0, 4.0, 5.0, 5.0] == list(islice(intervals(config), 5))


@given(st.floats(0.0, 1.0))
def test_jitter_stays_within_its_factor(factor):
    """Intervals are spread around their value by the factor, and so by chance differ between senders."""
    config = RetryConfig(initial_interval="10s", multiplier=1.0, randomization_factor=factor)

    for interval in islice(intervals(config), 20):
        assert 10.0 * (1 - factor) <= interval <= 10.0 * (1 + factor)


def test_jitter_is_random():
    """No two intervals in a row are the same."""
    config = RetryConfig(multiplier=1.0)

    assert all(one != other for one, other in pairwise(islice(intervals(config), 20)))
