"""What a sampler decides about a trace, and who decides."""

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
    was compared with it where that is not the trace's own: it goes into `rv`.
    """

    sampled: bool
    policy: str
    rule: str = ""
    threshold: int | None = ALWAYS
    randomness: int | None = None


class Decider(Protocol):
    """What is special about a sampler: everything else is shared by those that wait for whole traces."""

    def decide(self, trace: Trace) -> Decision:
        """Return what becomes of a trace; must not block and must not raise because of what is in it."""
