"""The decision about traces: by the first rule that matches."""

from collections import Counter
from collections.abc import Iterator

from collector.api import Settings
from collector.processing.probability import randomness_of
from collector.sampling.decision import Decision
from collector.sampling.trace import Trace
from processors.priority_sampler.conditions import Conditions
from processors.priority_sampler.config import BY_FLAG, BY_PRIORITY, Config
from processors.priority_sampler.group import Group
from processors.priority_sampler.rule import Rule


class RuleDecider:
    """Decides about traces, and counts them and their spans by rule."""

    def __init__(self, config: Config, settings: Settings) -> None:
        *rules, rest = config.rules
        self._rules = [
            *_built_in(config),
            *(Rule(rule.name, rule.when, rule.keep, same_span=rule.match == "same_span") for rule in rules),
        ]
        self._rest = Rule(rest.name, None, rest.keep)
        labels = ("rule", "decision")
        self._traces = settings.telemetry.counter(
            "otelcol_processor_priority_sampler_decided_traces", "Traces that were decided about, by rule", labels
        )
        self._spans = settings.telemetry.counter(
            "otelcol_processor_priority_sampler_decided_spans", "Spans of the traces that were decided about", labels
        )

    def decide(self, trace: Trace) -> Decision:
        """Return what becomes of a trace."""
        return self.decide_all([trace])[0]

    def decide_all(self, traces: list[Trace]) -> list[Decision]:
        """Return what becomes of each trace."""
        group = Group(traces)
        matching = self._matching(group)
        if group.brings_state:
            decisions = [
                rule.decide(trace.randomness, trace.ot.threshold) for rule, trace in zip(matching, traces, strict=True)
            ]
        else:
            decisions = [
                rule.decide(randomness_of(trace.trace_id), None) for rule, trace in zip(matching, traces, strict=True)
            ]
        self._count(traces, decisions)
        return decisions

    def _matching(self, group: Group) -> list[Rule]:
        """Return for each trace the first rule that matches."""
        first = [self._rest] * len(group.traces)
        undecided = set(range(len(first)))
        for rule in self._rules:
            matching = rule.select(group, undecided)
            undecided = undecided - matching
            for number in matching:
                first[number] = rule
        return first

    def _count(self, traces: list[Trace], decisions: list[Decision]) -> None:
        by_rule: Counter[tuple[str, bool]] = Counter()
        spans: Counter[tuple[str, bool]] = Counter()
        for trace, decision in zip(traces, decisions, strict=True):
            key = decision.rule, decision.sampled
            by_rule[key] += 1
            spans[key] += len(trace.raws)
        for (rule, sampled), count in by_rule.items():
            word = "keep" if sampled else "drop"
            self._traces.add(count, rule=rule, decision=word)
            self._spans.add(spans[rule, sampled], rule=rule, decision=word)


def _built_in(config: Config) -> Iterator[Rule]:
    """Yield the rules that come before those of the configuration."""
    if config.honor_sampling_priority:
        for demand, keep in (({"above": 0}, 100), (0, 0)):
            yield Rule(BY_PRIORITY, Conditions.model_validate({"attributes": {"sampling.priority": demand}}), keep)
    if config.honor_sampled_flag:
        yield Rule(BY_FLAG, Conditions.model_validate({"sampled": True}), 100)
