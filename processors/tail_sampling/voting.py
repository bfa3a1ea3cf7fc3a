"""What a policy says about a trace."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from collector.processing.probability import ALWAYS
from collector.sampling.trace import Trace


@dataclass(frozen=True, slots=True)
class Keep:
    """A vote to keep a trace, with how likely that was.

    `threshold` is the rejection threshold that the trace has passed: `ALWAYS` where every trace like it is kept, None
    where nobody knows, as behind a rate limit. `randomness` is what was compared with it where that is not the
    trace's own. `rule` names the policy inside of a combining one that decided.
    """

    threshold: int | None = ALWAYS
    randomness: int | None = None
    rule: str = ""

    @property
    def weakness(self) -> int:
        """The lower, the rather a trace like this is kept; what nobody knows comes behind what is certain."""
        return 1 if self.threshold is None else self.threshold


CERTAIN = Keep()
UNKNOWN = Keep(threshold=None)

# Returns None where the policy does not want the trace kept. May raise: then the policy has no say about the trace. One
# that can do several traces for less has a method `together` as well, which gets a sequence, returns a list and does not
# raise.
Evaluate: TypeAlias = Callable[[Trace], Keep | None]


def certain(matches: Callable[[Trace], bool]) -> Evaluate:
    """Return the policy that keeps every trace which matches."""

    def evaluate(trace: Trace) -> Keep | None:
        return CERTAIN if matches(trace) else None

    return evaluate
