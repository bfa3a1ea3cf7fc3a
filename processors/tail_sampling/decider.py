"""Asks the policies about traces and makes a decision of what they say.

A policy that drops beats all others; otherwise one that wants a trace kept is enough. Of several, the strongest decides:
the one that keeps every trace like this, then one of which nobody knows, then the one that keeps the largest share.
"""

from collections.abc import Callable, Sequence

from collector.api import Clock, Settings
from collector.processing.probability import NEVER
from collector.sampling.decision import Decision
from collector.sampling.trace import Trace
from processors.tail_sampling.compile import compile_policy
from processors.tail_sampling.config import Config
from processors.tail_sampling.policy_config import PolicyConfig
from processors.tail_sampling.tally import Instruments, PolicyTally
from processors.tail_sampling.voting import CERTAIN, Evaluate, Keep

NOT_SAMPLED = Decision(sampled=False, policy="")
# Weaker than any vote.
_NOBODY = NEVER


class Policy:
    """A policy at work. One that `drops` votes for what is to be dropped."""

    def __init__(self, name: str, evaluate: Evaluate, tally: PolicyTally, clock: Clock, *, drops: bool) -> None:
        self.drops = drops
        self.tally = tally
        self._name = name
        self._evaluate = evaluate
        self._together: Callable[[Sequence[Trace]], list[Keep | None]] | None = getattr(evaluate, "together", None)
        self._clock = clock
        self._certain = Decision(sampled=not drops, policy=name, dropped=drops)
        self._decisions: dict[Keep, Decision] = {}

    def votes(self, traces: Sequence[Trace], spans: Sequence[int]) -> list[Keep | None]:
        """Return what the policy says about each trace, and count it; `spans` are their numbers of spans."""
        began = self._clock.monotonic()
        votes = self._ask(traces, spans) if self._together is None else self._together(traces)
        self.tally.voted(votes, spans, self._clock.monotonic() - began)
        return votes

    def _ask(self, traces: Sequence[Trace], spans: Sequence[int]) -> list[Keep | None]:
        evaluate = self._evaluate
        votes: list[Keep | None] = []
        for trace, count in zip(traces, spans, strict=True):
            try:
                votes.append(evaluate(trace))
            except Exception as error:  # noqa: BLE001 - whatever it is, the other policies have their say
                votes.append(None)
                self.tally.failed(count, error)
        return votes

    def decision(self, keep: Keep) -> Decision:
        """Return the decision that follows from a vote."""
        if keep is CERTAIN or self.drops:
            return self._certain
        if keep.randomness is not None:  # there are as many as there are traces
            return self._decide(keep)
        found = self._decisions.get(keep)
        if found is None:
            found = self._decisions[keep] = self._decide(keep)
        return found

    def _decide(self, keep: Keep) -> Decision:
        return Decision(
            sampled=True, policy=self._name, rule=keep.rule, threshold=keep.threshold, randomness=keep.randomness
        )


class WholeTraces:
    """Decides about traces whose time is up."""

    def __init__(self, policies: Sequence[Policy], instruments: Instruments, config: Config) -> None:
        self._policies = policies
        self._too_large = instruments.too_large
        self._most_bytes = config.maximum_trace_size_bytes
        self._first_match = config.sample_on_first_match

    def decide(self, trace: Trace) -> Decision:
        """Return what becomes of a trace."""
        return self.decide_all([trace])[0]

    def decide_all(self, traces: list[Trace]) -> list[Decision]:
        """Return what becomes of each trace."""
        decisions = [NOT_SAMPLED] * len(traces)
        weakness = [_NOBODY] * len(traces)
        asked = self.refuse_large(traces)
        for policy in self._policies:
            subjects = [traces[index] for index in asked]
            votes = policy.votes(subjects, [len(trace.raws) for trace in subjects])
            for index, keep in zip(asked, votes, strict=True):
                if keep is not None and keep.weakness < weakness[index]:
                    weakness[index] = keep.weakness
                    decisions[index] = policy.decision(keep)
            if policy.drops or self._first_match:
                asked = [index for index, keep in zip(asked, votes, strict=True) if keep is None]
        return decisions

    def refuse_large(self, traces: list[Trace]) -> list[int]:
        """Count the traces that are dropped for their size; return the indexes of the others."""
        indexes = range(len(traces))
        if not self._most_bytes:
            return list(indexes)
        asked = [index for index in indexes if traces[index].size <= self._most_bytes]
        if len(asked) < len(traces):
            self._too_large.add(len(traces) - len(asked))
        return asked

    def flush(self) -> None:
        """Hand on what was counted."""
        for policy in self._policies:
            policy.tally.flush()


def build_policies(config: Config, settings: Settings, instruments: Instruments) -> list[Policy]:
    """Return the policies in the order in which they are asked: those that drop are first."""
    ordered = sorted(config.policies, key=lambda policy: policy.type != "drop")
    return [_build(policy, settings, instruments) for policy in ordered]


def _build(config: PolicyConfig, settings: Settings, instruments: Instruments) -> Policy:
    drops = config.type == "drop"
    tally = PolicyTally(instruments, config.name, drops=drops)
    return Policy(config.name, compile_policy(config, settings), tally, settings.clock, drops=drops)
