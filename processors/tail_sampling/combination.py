"""Policies made of policies: `and`, `not` and `composite`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from collector.api import Clock
from collector.sampling.trace import Trace
from processors.tail_sampling.policy_config import CompositeConfig
from processors.tail_sampling.voting import CERTAIN, Evaluate, Keep

_NS_PER_S = 1_000_000_000


def all_of(policies: Sequence[tuple[str, Evaluate]]) -> Evaluate:
    """Keep what all policies, of which each has a name, want kept; those behind the first that does not are not asked.

    How likely that was the policy tells that was the least likely to keep it.
    """

    def evaluate(trace: Trace) -> Keep | None:
        strictest = CERTAIN
        for name, policy in policies:
            keep = policy(trace)
            if keep is None:
                return None
            if keep.threshold is None or (strictest.threshold is not None and keep.threshold > strictest.threshold):
                strictest = replace(keep, rule=name)
        return strictest

    return evaluate


def negated(policy: Evaluate, kept: Keep) -> Evaluate:
    """Keep, with a given vote, what a policy does not want kept."""

    def evaluate(trace: Trace) -> Keep | None:
        return kept if policy(trace) is None else None

    return evaluate


@dataclass(slots=True)
class _Share:
    """A policy, its share in spans a second, and how many of them it has kept in this second."""

    evaluate: Evaluate
    allowed: int
    kept: Keep
    spent: int = 0


class Composite:
    """Asks policies in turn; the first that wants a trace kept decides, as long as it has spans left in this second.

    As in the collector written in Go: seconds are those of the wall clock; a trace that does not fit is dropped, without
    asking the policies behind, and a smaller one may still fit; the total bounds each policy, not their sum.
    """

    def __init__(self, config: CompositeConfig, policies: Sequence[tuple[str, Evaluate]], clock: Clock) -> None:
        self._clock = clock
        self._second = 0
        total = config.max_total_spans_per_second
        percents = {allocation.policy: allocation.percent for allocation in config.rate_allocation}
        self._shares = [
            _Share(evaluate, min(_share(total, percents.get(name, 0), len(policies)), total), Keep(None, rule=name))
            for name, evaluate in policies
        ]

    def __call__(self, trace: Trace) -> Keep | None:
        """Return the vote about a trace."""
        second = self._clock.time_ns() // _NS_PER_S
        if second != self._second:
            self._second = second
            for share in self._shares:
                share.spent = 0
        for share in self._shares:
            if share.evaluate(trace) is not None:
                spent = share.spent + len(trace)
                if spent > share.allowed:
                    return None
                share.spent = spent
                return share.kept
        return None


def _share(total: int, percent: int, policies: int) -> int:
    """Return a policy's spans a second, cut off to whole ones; where no percentage is given, all have equal shares."""
    return int(percent / 100 * total) if percent > 0 else int(total / policies)
