"""The options of the processor `priority_sampler`."""

from typing import Any, Literal

from pydantic import field_validator, model_validator

from collector.api import ComponentConfig, option
from collector.processing.probability import MIN_PROBABILITY
from collector.sampling.mode import ModeConfig
from collector.sampling.percentage import Percentage
from processors.priority_sampler.conditions import Conditions

# Rules of our own, which come before those of the configuration.
BY_PRIORITY = "sampling.priority"
BY_FLAG = "sampled_flag"


class RuleConfig(ComponentConfig):
    """A rule: what it is about, and how much of that is kept."""

    name: str = option(..., "What the rule is called in `sampling.rule`, metrics and the log.", min_length=1)
    when: Conditions | None = option(
        None, "What must hold of a trace, all of it. The last rule has none: it decides about the rest."
    )
    match: Literal["same_span", "any_span"] = option(
        "same_span",
        "`same_span`: one span meets all conditions of a span. `any_span`: each is met by some span of the trace, not "
        "necessarily the same.",
    )
    keep: Percentage = option(
        ..., "How many of a hundred traces are kept, such as `5` or `5%`: `100%` keeps all, `0%` none."
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_empty_when(cls, data: Any) -> Any:
        if isinstance(data, dict) and "when" in data and not data["when"]:
            raise ValueError("when says nothing: a rule without conditions is for all that is left; take when out")
        return data

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if name in (BY_PRIORITY, BY_FLAG):
            raise ValueError(f"{name} is the name of a rule that is built in: choose another")
        return name

    @field_validator("keep")
    @classmethod
    def _check_keep(cls, percentage: float) -> float:
        if 0 < percentage / 100 < MIN_PROBABILITY:
            raise ValueError(f"{percentage}% is too little: write 0%, or at least {100 * MIN_PROBABILITY:.2g}%")
        return percentage


class Config(ModeConfig):
    """Keeps traces by rules of which the first that matches decides.

    ```yaml
    rules:
      - name: health checks
        when: {root: {name: [GET /healthz, GET /readyz]}}
        keep: 0%
      - name: errors
        when: {status: error}
        keep: 100%
      - name: slower than 1 s
        when: {trace: {duration: {above: 1s}}}
        keep: 100%
      - name: paying customers
        when: {attributes: {customer.tier: [gold, platinum]}}
        keep: 50%
      - name: the rest
        keep: 5%
    ```
    """

    rules: list[RuleConfig] = option(
        ..., "The rules, in their order. The last one has no conditions and decides about the rest."
    )
    honor_sampling_priority: bool = option(
        True,
        "Whether the attribute `sampling.priority` on any span decides before the rules: above 0 the trace is kept, 0 "
        "drops it. Where spans contradict each other, the trace is kept.",
    )
    honor_sampled_flag: bool = option(
        False,
        "Whether the sampled flag of the W3C trace context on any span keeps the trace, so that the rules decide about "
        "the others. Nearly every span that an SDK sends has it: only for senders that send what is not sampled, too.",
    )

    @field_validator("rules")
    @classmethod
    def _check_rules(cls, rules: list[RuleConfig]) -> list[RuleConfig]:
        for number, rule in enumerate(rules):
            for earlier in rules[:number]:
                _check_pair(earlier, rule)
        if not rules or rules[-1].when is not None:
            raise ValueError(
                "no rule decides about the rest: add one at the end, such as {name: the rest, keep: 5%}, without when"
            )
        return rules


def _check_pair(earlier: RuleConfig, rule: RuleConfig) -> None:
    """Refuse a rule that an earlier one makes useless."""
    if earlier.name == rule.name:
        raise ValueError(f'two rules are called "{rule.name}": give each a name of its own')
    if earlier.when is None:
        raise ValueError(
            f'the rule "{rule.name}" can never decide, as "{earlier.name}" has no conditions: move that to the end'
        )
    if (earlier.when, earlier.match) == (rule.when, rule.match):
        raise ValueError(
            f'the rule "{rule.name}" can never decide, as "{earlier.name}" has the same conditions: take one out'
        )
