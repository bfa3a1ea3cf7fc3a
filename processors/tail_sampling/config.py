"""The options of the processor `tail_sampling`."""

from typing import Annotated, Literal, Self

from pydantic import field_validator, model_validator

from collector.api import Caveat, option
from collector.sampling.config import TailConfig
from processors.tail_sampling.doubts import doubts
from processors.tail_sampling.policy_config import PolicyConfig

_MOST_SHARDS = 256


class Config(TailConfig):
    """Keeps or drops whole traces by policies, as the OpenTelemetry Collector's processor of this name does.

    ```yaml
    decision_wait: 10s
    policies:
      - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
      - {name: slow, type: latency, latency: {threshold_ms: 1000}}
      - {name: rest, type: probabilistic, probabilistic: {sampling_percentage: 5}}
    ```
    """

    policies: list[Annotated[PolicyConfig, Caveat(doubts)]] = option(
        [],
        "What decides. A policy of type `drop` beats all others; else a trace is kept that one policy wants kept. "
        "Without policies everything is dropped.",
    )
    sampling_strategy: Literal["trace-complete", "span-ingest"] = option(
        "trace-complete",
        "`trace-complete` decides about what has come once a trace's time is up. `span-ingest` decides as soon as the "
        "spans of one request are enough, and drops at the end what none were.",
    )
    sample_on_first_match: bool = option(
        False, "Whether policies behind the first that wants a trace kept are not asked any more."
    )
    maximum_trace_size_bytes: int = option(
        0, "Bytes above which a trace is dropped, rather than decided about early; 0 for no such limit.", ge=0
    )
    expected_new_traces_per_sec: int = option(
        0, "Accepted for compatibility: memory grows and shrinks with what is there.", ge=0
    )
    num_shards: int = option(
        1, "Accepted for compatibility: one event loop does the work of all shards.", ge=0, le=_MOST_SHARDS
    )
    tail_storage: str | None = option(
        None, "Accepted for compatibility: an extension that stores waiting traces; here they wait in memory."
    )

    @field_validator("policies")
    @classmethod
    def _check_names(cls, policies: list[PolicyConfig]) -> list[PolicyConfig]:
        names: set[str] = set()
        for policy in policies:
            if not policy.name:
                raise ValueError("policy name cannot be empty: give each policy a name")
            if policy.name in names:
                raise ValueError(f'duplicate policy name "{policy.name}": give each policy another')
            names.add(policy.name)
        return policies

    @model_validator(mode="after")
    def _check_strategy(self) -> Self:
        if self.num_shards > 1 and self.tail_storage is not None:
            raise ValueError("num_shards greater than 1 is not supported with tail_storage")
        for policy in self.policies:
            if self.sampling_strategy == "span-ingest" and policy.may_take_back:
                raise ValueError(
                    f'sampling_strategy "span-ingest" requires all policies to be stateless, but policy '
                    f'"{policy.name}" is stateful: leave out limits and upper bounds, or use "trace-complete"'
                )
        return self

    @property
    def max_trace_bytes(self) -> int:
        """The size above which a trace is decided about at once; it may be that of traces that are dropped then."""
        return min(filter(None, (super().max_trace_bytes, self.maximum_trace_size_bytes)), default=0)
