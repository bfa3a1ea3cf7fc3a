"""What a sampler decides about a trace, and who decides."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from collector.processing.probability import ALWAYS
from collector.sampling.trace import Trace


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether a trace is kept, and why.

    `policy` and `rule` say why in the words of the configuration: a kept span gets them as `sampling.policy` and
    `sampling.rule`, the counters as labels. `threshold` is the rejection threshold that the decision applied, which
    goes into `tracestate` as `ot=th` unless the trace brings a higher one; None where the chance of being kept is not
    known, as after a rate limit: then an `ot=th` that stood there is no longer true and goes. `randomness` is what
    was compared with it where that is not the trace's own: it goes into `rv`. `dropped` tells a trace that a rule
    wants gone from one that nothing wants kept; the counters tell them apart.

    Decisions that say the same should be one object, or equal ones: what a decision writes is worked out once for it.
    """

    sampled: bool
    policy: str
    rule: str = ""
    threshold: int | None = ALWAYS
    randomness: int | None = None
    dropped: bool = False


class Decider(Protocol):
    """What is special about a sampler: everything else is shared by those that wait for whole traces.

    A decider may have more methods, of the protocols below.
    """

    def decide(self, trace: Trace) -> Decision:
        """Return what becomes of a trace; must not block and must not raise because of what is in it."""


class DecidesTogether(Protocol):
    """A decider that can do several traces for less than one after the other, or looks at them together."""

    def decide_all(self, traces: list[Trace]) -> Iterable[Decision]:
        """Return what becomes of each trace, in their order; at most some hundreds are due at once."""


class DecidesOnArrival(Protocol):
    """A decider that may decide by a part of a trace, before its time is up."""

    def decide_arrived(self, trace: Trace, spans: int) -> Decision | None:
        """Return what becomes of a trace of which these spans have just come, None where it waits.

        `trace` has only the spans that have come with one request, not those that wait already; `spans` is how many
        there are with those.
        """


class Flushes(Protocol):
    """A decider that counts while it decides."""

    def flush(self) -> None:
        """Hand on what was counted; called after each group of decisions."""
