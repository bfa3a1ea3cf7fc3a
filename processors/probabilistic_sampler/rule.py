"""The decision, the same for spans and log records: what is known about an item against what is configured."""

from dataclasses import dataclass

from collector.processing.probability import (
    ALWAYS,
    MAX_RANDOMNESS,
    MIN_PROBABILITY,
    NEVER,
    probability_of,
    threshold_of,
)
from collector.processing.tracestate import OtelTraceState
from processors.probabilistic_sampler.config import Config, float32
from processors.probabilistic_sampler.hashing import BUCKET_BITS, seeded


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an item's sampling data; `reason` is the word under which it is counted."""

    reason: str
    message: str


MISSING = Fault("missing_randomness", "missing randomness")
INCONSISTENT = Fault("inconsistent_threshold", "inconsistent arriving threshold: the item should not have been sampled")
RANDOMNESS_IN_USE = Fault(
    "randomness_in_use", "the item has sampling randomness; use mode equalizing or proportional for it"
)
THRESHOLD_IN_USE = Fault(
    "threshold_in_use", "the item has a sampling threshold; use mode equalizing or proportional for it"
)

BY_PRIORITY = "sampling_priority"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known about an item.

    `state` is what earlier samplers wrote, or the fault that kept us from reading it. `randomness` is that of the
    trace id or attribute, None where there is none, and `policy` the word for where it is from. `priority` is the
    threshold that the item itself demands.
    """

    state: OtelTraceState | Fault
    randomness: int | None
    policy: str
    priority: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether an item is kept, by which policy, and what was wrong with it."""

    sampled: bool
    policy: str
    fault: Fault | None


class Rule:
    """The sampling that a configuration asks for.

    `base` is the threshold of items that nobody sampled before. `hashes` tells whether randomness is hashed from
    `hash_state` on.
    """

    def __init__(self, config: Config) -> None:
        mode = config.mode or "hash_seed"
        self.hashes = mode == "hash_seed"
        self.hash_state = seeded(config.hash_seed)
        self.precision = config.sampling_precision
        self.fail_closed = config.fail_closed
        self._proportional = mode == "proportional"
        self._probability = min(config.sampling_percentage, 100.0) / 100
        self.base = self._base()

    def _base(self) -> int:
        if self._probability == 0:
            return NEVER
        if not self.hashes:
            return threshold_of(self._probability, self.precision)
        # In single precision and cut off, which is how all collectors have always placed the border.
        buckets = 1 << BUCKET_BITS
        accepted = int(float32(float32(self._probability * 100) * float32(buckets / 100)))
        return (buckets - accepted) << (56 - BUCKET_BITS) if accepted else NEVER

    def threshold(self, incoming: int | None) -> int:
        """Return the threshold for an item that arrived with one, or with none.

        It may be lower than that one: what an earlier sampler kept is then kept again, and its threshold stays.
        """
        if incoming is None or not self._proportional:
            return self.base
        probability = probability_of(incoming) * self._probability
        return NEVER if probability < MIN_PROBABILITY else threshold_of(probability, self.precision)

    def decide(self, subject: Subject) -> Decision:
        """Decide about an item; where it is kept, its state is brought up to date."""
        randomness, policy, fault = self._weigh(subject)
        state = subject.state
        if self.base == NEVER:
            threshold = NEVER
        elif fault is not None:
            threshold = NEVER if self.fail_closed else ALWAYS
        else:
            threshold = self.threshold(state.threshold if isinstance(state, OtelTraceState) else None)
        if subject.priority is not None:
            threshold, policy = subject.priority, BY_PRIORITY
        sampled = threshold <= (MAX_RANDOMNESS if randomness is None else randomness)
        if sampled and isinstance(state, OtelTraceState) and fault not in (RANDOMNESS_IN_USE, THRESHOLD_IN_USE):
            if fault is INCONSISTENT:
                state.set_threshold(None)
            if self.hashes and randomness is not None:
                state.set_randomness(randomness)
            state.raise_threshold(threshold)
        return Decision(sampled, policy, fault)

    def _weigh(self, subject: Subject) -> tuple[int | None, str, Fault | None]:
        """Return the randomness that counts, the word for where it is from, and what is wrong."""
        state, randomness, policy = subject.state, subject.randomness, subject.policy
        if randomness is None:
            policy = MISSING.reason
        if isinstance(state, Fault):
            return randomness, policy, state
        if state.randomness is not None:
            if self.hashes:
                return randomness, policy, RANDOMNESS_IN_USE
            randomness, policy = state.randomness, "sampling_randomness"
        if state.threshold is not None and self.hashes:
            return randomness, policy, THRESHOLD_IN_USE
        if randomness is None:
            return randomness, policy, MISSING
        if state.threshold is not None and state.threshold > randomness:
            return randomness, policy, INCONSISTENT
        return randomness, policy, None
