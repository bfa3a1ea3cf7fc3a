import pytest

from collector.data import Signal


@pytest.fixture(params=Signal, ids=lambda signal: signal.value)
def signal(request):
    """Run the test once for each signal."""
    return request.param
