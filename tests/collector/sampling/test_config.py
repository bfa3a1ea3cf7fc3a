"""The options that the samplers share which wait for whole traces."""

import pytest
from pydantic import ValidationError

from collector.processing.memory import available_bytes
from collector.sampling import config as module
from collector.sampling.config import TailConfig


def test_memory_and_traces_are_bounded_by_default():
    config = TailConfig()
    assert available_bytes() // 4 == config.max_buffered_bytes
    assert 16 << 20 == config.max_trace_bytes
    assert (30.0, 50_000) == (config.decision_wait, config.num_traces)
    assert config.decision_cache.sampled_cache_size > 0
    assert config.decision_cache.non_sampled_cache_size > 0


def test_a_limit_in_mebibytes_counts_as_it_is_given():
    assert 3 << 20 == TailConfig(max_buffered_mib=3).max_buffered_bytes


def test_where_the_memory_is_not_known_the_limit_is_fixed(monkeypatch):
    def unknown() -> int:
        raise OSError

    monkeypatch.setattr(module, "available_bytes", unknown)
    assert 512 << 20 == TailConfig().max_buffered_bytes


@pytest.mark.parametrize(
    "options",
    [
        {"decision_wait": "-1s"},
        {"num_traces": 0},
        {"max_buffered_mib": 0},
        {"decision_cache": {"sampled_cache_size": -1}},
    ],
)
def test_what_cannot_be_is_refused(options):
    with pytest.raises(ValidationError, match=r"greater|or more"):
        TailConfig.model_validate(options)
