"""The options that all samplers share which wait for whole traces."""

from pydantic import field_validator

from collector.api import ComponentConfig, Duration, option
from collector.processing.memory import available_bytes

_MIB = 1 << 20
# Of the memory that the process may have: the rest is for what passes through, queues, and what the allocator rounds up.
_SHARE = 0.25
_WHERE_UNKNOWN = 512  # MiB


class DecisionCacheConfig(ComponentConfig):
    """How many decisions are remembered for spans that come after them."""

    sampled_cache_size: int = option(
        100_000, "Traces that were kept, remembered with why (about 250 bytes each); 0 remembers none.", ge=0
    )
    non_sampled_cache_size: int = option(
        1_000_000,
        "Traces that were dropped, remembered by their id alone (about 100 bytes each); 0 remembers none.",
        ge=0,
    )


class TailConfig(ComponentConfig):
    """What every sampler has that waits for whole traces. To inherit from."""

    decision_wait: Duration = option(30.0, "How long after a trace's first span it is decided about.")
    decision_wait_after_root_received: Duration = option(
        0.0, "How long after a trace's root span it is decided about, where that is sooner; 0 to wait for no root."
    )
    num_traces: int = option(50_000, "Most traces that are waiting; beyond, the oldest is decided about early.", ge=1)
    max_buffered_mib: int | None = option(
        None,
        "Most memory for spans that are waiting, in MiB; beyond, the oldest trace is decided about early. "
        "Null takes a quarter of what the process may have.",
        ge=1,
    )
    max_trace_mib: int = option(
        16,
        "Size in MiB at which a trace is decided about at once, so that none starves the others; 0 for no limit.",
        ge=0,
    )
    max_trace_spans: int = option(
        50_000, "Number of spans at which a trace is decided about at once; 0 for no limit.", ge=0
    )
    block_on_overflow: bool = option(
        False, "Whether senders wait for room where a limit on all traces is reached, instead of early decisions."
    )
    decision_cache: DecisionCacheConfig = option(
        DecisionCacheConfig, "How many decisions are remembered, which spans that come later follow."
    )
    explain: bool = option(
        True, "Whether kept spans say why they were kept, in the attributes `sampling.policy` and `sampling.rule`."
    )
    dry_run: bool = option(
        False, "Whether everything is kept, and the attribute `sampling.dry_run` says `keep` or `drop`."
    )
    drop_pending_traces_on_shutdown: bool = option(
        False, "Whether traces that are still waiting when the collector stops are dropped instead of decided about."
    )

    @field_validator("decision_wait", "decision_wait_after_root_received")
    @classmethod
    def _check_wait(cls, seconds: float) -> float:
        if seconds < 0:
            raise ValueError("use a duration of 0 or more")
        return seconds

    @property
    def max_buffered_bytes(self) -> int:
        """The most bytes for spans that are waiting."""
        if self.max_buffered_mib is not None:
            return self.max_buffered_mib * _MIB
        try:
            return int(available_bytes() * _SHARE)
        except OSError:
            return _WHERE_UNKNOWN * _MIB

    @property
    def max_trace_bytes(self) -> int:
        """The size at which a trace is decided about at once; 0 for no limit. To override where there are other keys."""
        return self.max_trace_mib * _MIB
