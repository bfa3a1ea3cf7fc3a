"""How long to wait between two attempts."""

import random
from collections.abc import Iterator

from collector.delivery.config import RetryConfig


def intervals(config: RetryConfig) -> Iterator[float]:
    """Yield the seconds to wait after the first failure, the second, and so on without end.

    Each is moved at random by up to `randomization_factor` of itself, so that many senders that failed together do not
    come back together.
    """
    interval = min(config.initial_interval, config.max_interval)
    while True:
        spread = interval * config.randomization_factor
        yield random.uniform(interval - spread, interval + spread)  # noqa: S311 - jitter is no secret
        interval = min(interval * config.multiplier, config.max_interval)
