"""From the options of policies to the functions that evaluate them."""

from collections.abc import Callable, Sequence
from typing import Any

from collector.api import Settings
from collector.sampling.trace import Trace
from processors.tail_sampling.attributes import boolean_attribute, numeric_attribute, string_attribute
from processors.tail_sampling.basics import has_sampled_flag, latency, span_count, status_code
from processors.tail_sampling.combination import Composite, all_of, negated
from processors.tail_sampling.limits import bytes_limiting, rate_limiting
from processors.tail_sampling.ottl import ottl_condition
from processors.tail_sampling.policy_config import AndConfig, CompositeConfig, DropConfig, NotConfig, PolicyConfig
from processors.tail_sampling.probabilistic import Probabilistic
from processors.tail_sampling.trace_state import trace_state
from processors.tail_sampling.voting import CERTAIN, UNKNOWN, Evaluate, certain

# What makes the match of a policy that looks at nothing but the trace, from its block of options.
_MATCHERS: dict[str, Callable[[Any], Callable[[Trace], bool]]] = {
    "always_sample": lambda _: lambda _: True,
    "boolean_attribute": boolean_attribute,
    "latency": latency,
    "numeric_attribute": numeric_attribute,
    "span_count": span_count,
    "status_code": status_code,
    "string_attribute": string_attribute,
    "trace_flags": lambda _: has_sampled_flag,
    "trace_state": trace_state,
}
_OTHERS: dict[str, Callable[[Any, Settings], Evaluate]] = {
    "bytes_limiting": lambda options, settings: bytes_limiting(options, settings.clock),
    "ottl_condition": lambda options, settings: certain(ottl_condition(options, settings)),
    "probabilistic": lambda options, _: Probabilistic(options),
    "rate_limiting": lambda options, settings: rate_limiting(options, settings.clock),
}
# Types whose votes depend on more than what is in a trace: of what they do not want kept, nobody knows how likely it was.
_BY_CHANCE = ("bytes_limiting", "probabilistic", "rate_limiting")


def compile_policy(config: PolicyConfig, settings: Settings) -> Evaluate:
    """Return the function that evaluates a policy; that of a `drop` votes for what is to be dropped."""
    match config.options:
        case AndConfig() | DropConfig():
            return all_of(_named(config.sub_policies, settings))
        case NotConfig(not_sub_policy=PolicyConfig() as policy):
            return negated(compile_policy(policy, settings), UNKNOWN if policy.type in _BY_CHANCE else CERTAIN)
        case CompositeConfig() as composite:
            return Composite(composite, _named(config.sub_policies, settings), settings.clock)
    if config.type in _MATCHERS:
        return certain(_MATCHERS[config.type](config.options))
    return _OTHERS[config.type](config.options, settings)


def _named(policies: Sequence[PolicyConfig], settings: Settings) -> list[tuple[str, Evaluate]]:
    return [(policy.name, compile_policy(policy, settings)) for policy in policies]
