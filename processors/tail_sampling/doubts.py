"""What is odd about policies: valid, as the OpenTelemetry Collector takes them, but hardly what was meant."""

from collections.abc import Iterator
from typing import get_args

from pydantic import ValidationError

from processors.tail_sampling.policy_config import AndConfig, CompositeConfig, DropConfig, PolicyConfig, PolicyType
from processors.tail_sampling.policy_options import (
    BooleanAttributeConfig,
    BytesLimitingConfig,
    LatencyConfig,
    NumericAttributeConfig,
    ProbabilisticConfig,
    RateLimitingConfig,
    SpanCountConfig,
    StringAttributeConfig,
    TraceStateConfig,
)

_WHOLE = 100  # percent


def doubts(written: object) -> str | None:
    """Return what is odd about a policy as it was written, those inside of it included; None where nothing is."""
    try:
        policy = PolicyConfig.model_validate(written)
    except ValidationError:
        return None
    return "; ".join(_doubts(policy)) or None


def _doubts(policy: PolicyConfig) -> Iterator[str]:
    about = f'the policy "{policy.name}"'
    for other in get_args(PolicyType):
        if other != policy.type and policy.block(other) is not None:
            yield f"{about} is of type {policy.type}, so its block {other} has no effect: correct the type, or take the block out"
    if problem := _never(policy) or _always(policy) or _without_key(policy):
        yield f"{about} {problem}"
    if isinstance(policy.options, CompositeConfig):
        for problem in _unlike(policy.options):
            yield f"{about} {problem}"
    for member in policy.sub_policies:
        yield from _doubts(member)


def _never(policy: PolicyConfig) -> str | None:
    """Return why a policy wants no trace."""
    problem = None
    match policy.options:
        case ProbabilisticConfig(sampling_percentage=share) if share <= 0:
            problem = "keeps nothing: set probabilistic.sampling_percentage"
        case RateLimitingConfig(spans_per_second=rate, burst_capacity=burst) if max(rate, burst) <= 0:
            problem = "keeps nothing: set rate_limiting.spans_per_second"
        case BytesLimitingConfig(bytes_per_second=rate, burst_capacity=burst) if max(rate, burst) <= 0:
            problem = "keeps nothing: set bytes_limiting.bytes_per_second"
        case CompositeConfig(composite_sub_policy=[]):
            problem = "keeps nothing: set composite.composite_sub_policy"
        case CompositeConfig(max_total_spans_per_second=rate) if rate <= 0:
            problem = "keeps nothing: set composite.max_total_spans_per_second"
        case LatencyConfig(threshold_ms=low, upper_threshold_ms=high) if 0 < high <= low:
            problem = (
                f"keeps nothing, as no trace is longer than {low} ms and not longer than {high} ms: correct the bounds"
            )
        case NumericAttributeConfig(min_value=low, max_value=high) if low and high and high < low:
            problem = f"matches no number, as none is from {low} to {high}: correct the bounds"
        case SpanCountConfig(min_spans=low, max_spans=high) if 0 < high < low:
            problem = f"keeps nothing, as no trace has from {low} to {high} spans: correct the bounds"
        case StringAttributeConfig(values=[]) | TraceStateConfig(values=[]):
            problem = f"matches no text: set {policy.type}.values"
    return problem


def _always(policy: PolicyConfig) -> str | None:
    """Return why a policy wants every trace."""
    match policy.options:
        case AndConfig(and_sub_policy=[]):
            return "keeps every trace: set and.and_sub_policy"
        case DropConfig(drop_sub_policy=[]):
            return "drops every trace: set drop.drop_sub_policy"
    return None


def _without_key(policy: PolicyConfig) -> str | None:
    """Return that a policy looks for nothing."""
    match policy.options:
        case (
            StringAttributeConfig(key="")
            | NumericAttributeConfig(key="")
            | BooleanAttributeConfig(key="")
            | TraceStateConfig(key="")
        ):
            return f"looks for no key: set {policy.type}.key"
    return None


def _unlike(composite: CompositeConfig) -> Iterator[str]:
    """Yield what a composite policy does in another way than its options look."""
    names = [member.name for member in composite.composite_sub_policy]
    if composite.policy_order and composite.policy_order != names:
        yield f"asks in the order of composite_sub_policy ({', '.join(names)}), not of policy_order: write them alike"
    for share in composite.rate_allocation:
        if share.policy not in names:
            yield f'has a rate_allocation for "{share.policy}", which is not in composite_sub_policy: correct the name'
    total = sum(share.percent for share in composite.rate_allocation)
    if total > _WHOLE:
        yield f"has rate_allocation of {total} %: lower the shares, which together exceed max_total_spans_per_second"
