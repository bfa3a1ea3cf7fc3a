"""A policy with its options, those that combine others, and what each type refuses."""

from typing import Any, Literal, Self, get_args

from pydantic import field_validator, model_validator

from collector.api import ComponentConfig, option
from processors.tail_sampling.policy_options import (
    BooleanAttributeConfig,
    BytesLimitingConfig,
    LatencyConfig,
    NothingConfig,
    NumericAttributeConfig,
    OttlConditionConfig,
    ProbabilisticConfig,
    RateLimitingConfig,
    SpanCountConfig,
    StatusCodeConfig,
    StringAttributeConfig,
    TraceStateConfig,
)


class AndConfig(ComponentConfig):
    """Which policies must all want a trace kept."""

    and_sub_policy: list["PolicyConfig"] = option(
        [], "The policies: of any type but `and`, `composite` and `drop`. Without any, every trace is kept."
    )

    @field_validator("and_sub_policy")
    @classmethod
    def _check_types(cls, policies: list["PolicyConfig"]) -> list["PolicyConfig"]:
        return _allow(policies, "and", besides=("not",))


class NotConfig(ComponentConfig):
    """Which policy must not want a trace kept."""

    not_sub_policy: "PolicyConfig | None" = option(
        None, "The policy: of any type but `and`, `composite`, `drop` and `not`."
    )

    @field_validator("not_sub_policy")
    @classmethod
    def _check_type(cls, policy: "PolicyConfig | None") -> "PolicyConfig | None":
        _allow([] if policy is None else [policy], "not")
        return policy


class DropConfig(ComponentConfig):
    """Which policies must all match for a trace to be dropped, whatever others want."""

    drop_sub_policy: list["PolicyConfig"] = option(
        [], "The policies: of any type but `and`, `composite` and `drop`. Without any, every trace is dropped."
    )

    @field_validator("drop_sub_policy")
    @classmethod
    def _check_types(cls, policies: list["PolicyConfig"]) -> list["PolicyConfig"]:
        return _allow(policies, "drop", besides=("not",))


class RateAllocationConfig(ComponentConfig):
    """The share of one policy in the spans of a composite one."""

    policy: str = option("", "The name of a policy in `composite_sub_policy`.")
    percent: int = option(0, "Its share in `max_total_spans_per_second`; 0 for an equal one.")


class CompositeConfig(ComponentConfig):
    """Policies that are asked in turn, each of which may keep so many spans a second."""

    max_total_spans_per_second: int = option(0, "Spans a second that the shares are of.")
    policy_order: list[str] = option(
        [], "The names of the policies in their order, which must be that of `composite_sub_policy`."
    )
    composite_sub_policy: list["PolicyConfig"] = option(
        [],
        "The policies: of any type but `composite`, `drop` and `not`. The first that wants a trace kept decides about "
        "it: the trace is kept as long as that policy has spans left of its share in this second.",
    )
    rate_allocation: list[RateAllocationConfig] = option([], "The shares; what is not named has an equal one.")

    @field_validator("composite_sub_policy")
    @classmethod
    def _check_types(cls, policies: list["PolicyConfig"]) -> list["PolicyConfig"]:
        return _allow(policies, "composite", besides=("and",))


PolicyType = Literal[
    "always_sample",
    "and",
    "boolean_attribute",
    "bytes_limiting",
    "composite",
    "drop",
    "latency",
    "not",
    "numeric_attribute",
    "ottl_condition",
    "probabilistic",
    "rate_limiting",
    "span_count",
    "status_code",
    "string_attribute",
    "trace_flags",
    "trace_state",
]
_COMBINING = ("and", "composite", "drop", "not")


class PolicyConfig(ComponentConfig):
    """One policy: a name, a type, and the block of options that is called like the type."""

    name: str = option("", "The name by which spans and metrics tell the policy.")
    type: PolicyType = option(..., "What the policy looks at.")
    always_sample: NothingConfig | None = option(None, "For type `always_sample`, which has no options.")
    and_: AndConfig | None = option(None, "For type `and`: keep what all of some policies want kept.", alias="and")
    boolean_attribute: BooleanAttributeConfig | None = option(
        None, "For type `boolean_attribute`: keep by a truth value."
    )
    bytes_limiting: BytesLimitingConfig | None = option(None, "For type `bytes_limiting`: so many bytes a second.")
    composite: CompositeConfig | None = option(None, "For type `composite`: so many spans a second, in shares.")
    drop: DropConfig | None = option(None, "For type `drop`: drop what some policies agree on.")
    latency: LatencyConfig | None = option(None, "For type `latency`: keep what takes long.")
    not_: NotConfig | None = option(None, "For type `not`: keep what a policy does not want kept.", alias="not")
    numeric_attribute: NumericAttributeConfig | None = option(
        None, "For type `numeric_attribute`: keep by a whole number."
    )
    ottl_condition: OttlConditionConfig | None = option(None, "For type `ottl_condition`: keep by conditions in OTTL.")
    probabilistic: ProbabilisticConfig | None = option(None, "For type `probabilistic`: keep a share.")
    rate_limiting: RateLimitingConfig | None = option(None, "For type `rate_limiting`: so many spans a second.")
    span_count: SpanCountConfig | None = option(None, "For type `span_count`: keep by the number of spans.")
    status_code: StatusCodeConfig | None = option(None, "For type `status_code`: keep by the status of spans.")
    string_attribute: StringAttributeConfig | None = option(None, "For type `string_attribute`: keep by a text.")
    trace_flags: NothingConfig | None = option(None, "For type `trace_flags`, which has no options.")
    trace_state: TraceStateConfig | None = option(None, "For type `trace_state`: keep by a member of tracestate.")

    @model_validator(mode="before")
    @classmethod
    def _add_block_of_type(cls, data: Any) -> Any:
        """Give a policy the block of its type, with its defaults, where the file leaves it out."""
        kind = data.get("type") if isinstance(data, dict) else None
        return {**data, kind: {}} if kind in get_args(PolicyType) and data.get(kind) is None else data

    @model_validator(mode="after")
    def _check_options_of_type(self) -> Self:
        match self.options:
            case None:
                raise ValueError(f"a policy of type {self.type} needs its options: leave out `enabled: false`")
            case StatusCodeConfig(status_codes=[]):
                raise ValueError("expected at least one status code to filter on: set status_code.status_codes")
            case NumericAttributeConfig(min_value=0, max_value=0):
                raise ValueError("a bound is needed that is not 0: set numeric_attribute.min_value or max_value")
            case OttlConditionConfig(span=[], spanevent=[]):
                raise ValueError("expected at least one OTTL condition: set ottl_condition.span or spanevent")
            case NotConfig(not_sub_policy=None):
                raise ValueError("a policy is needed to negate: set not.not_sub_policy")
        return self

    @property
    def options(self) -> ComponentConfig | None:
        """The block of the policy's type, which every valid policy has."""
        return self.block(self.type)

    def block(self, kind: PolicyType) -> ComponentConfig | None:
        """Return the block of options that a type has, where it is given."""
        block: ComponentConfig | None = getattr(self, {"and": "and_", "not": "not_"}.get(kind, kind))
        return block

    @property
    def sub_policies(self) -> list["PolicyConfig"]:
        """The policies that this one combines."""
        match self.options:
            case (
                AndConfig(and_sub_policy=policies)
                | CompositeConfig(composite_sub_policy=policies)
                | DropConfig(drop_sub_policy=policies)
            ):
                return policies
            case NotConfig(not_sub_policy=PolicyConfig() as policy):
                return [policy]
        return []

    @property
    def may_take_back(self) -> bool:
        """Whether what the policy says of a part of a trace may be wrong for all of it, or depends on other traces."""
        match self.options:
            case RateLimitingConfig() | BytesLimitingConfig():
                return True
            case LatencyConfig(upper_threshold_ms=bound) | SpanCountConfig(max_spans=bound):
                return bound > 0
        return any(policy.may_take_back for policy in self.sub_policies)


def _allow(policies: list[PolicyConfig], inside: str, besides: tuple[PolicyType, ...] = ()) -> list[PolicyConfig]:
    for policy in policies:
        if policy.type in _COMBINING and policy.type not in besides:
            raise ValueError(f'the policy "{policy.name}" of type {policy.type} cannot stand inside of {inside}')
    return policies
