"""The bound on what requests hold together."""

import pytest

from collector.api import RetryableError
from collector.net.budget import Budget


def test_requests_share_the_bound_and_give_back():
    budget = Budget(100)
    with budget.reserve() as first, budget.reserve() as second:
        first.grow(60)
        second.grow(40)
        with pytest.raises(RetryableError, match="try again") as caught:
            second.grow(1)
        assert ("overloaded", 1.0) == (caught.value.reason, caught.value.retry_after)
    assert 0 == budget.used


def test_a_request_that_is_alone_is_always_let_in():
    budget = Budget(10)
    with budget.reserve() as alone:
        alone.grow(60)
        alone.grow(60)
        with budget.reserve() as second, pytest.raises(RetryableError):
            second.grow(1)
    assert 0 == budget.used
