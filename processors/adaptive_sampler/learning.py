"""Learning what each key offers.

A rate is an exponential average over some time. Where what came is far from what was expected, by more than chance
explains, what was known is no longer true, and what came is believed at once. Keys that are too small to tell by
themselves are judged together.
"""

import math
from collections.abc import Collection

from collector.processing.probability import ALWAYS
from collector.sampling.decision import Decision
from processors.adaptive_sampler.keys import Values

_SEPARATOR = " | "
_SIGMAS = 3.0  # of chance
_FACTOR = 2.0  # a smaller change is left to the average


class Key:
    """What is known of the traces of one key. `text` is how people read it: `shop | GET /orders | ok`.

    `rate` is what arrives in a second. `population` is that with what earlier samplers left out, as far as it can
    still be thinned. Both are in the unit of the target, and so is what was `seen` in this step. `probability` and
    `threshold` are those of the plan of this number; `decisions` are the last to keep and to drop a trace.
    """

    __slots__ = (
        "decisions",
        "kept_at",
        "plan",
        "population",
        "probability",
        "rate",
        "seen",
        "seen_at",
        "seen_population",
        "text",
        "threshold",
        "values",
    )

    def __init__(self, values: Values, now: float) -> None:
        self.values = values
        self.text = _SEPARATOR.join(values)
        self.rate = self.population = 0.0
        self.seen = self.seen_population = 0.0
        self.seen_at = self.kept_at = now
        self.probability, self.threshold, self.plan = 1.0, ALWAYS, -1
        self.decisions: dict[bool, Decision] = {}

    def least(self, step: float) -> tuple[float, float]:
        """Return rate and population, or what has been seen in this step of so many seconds where that is more."""
        return max(self.rate, self.seen / step), max(self.population, self.seen_population / step)

    def learn(self, seconds: float, weight: float, scale: float = 1.0) -> None:
        """Move both rates, scaled before, towards what was seen in so many seconds; begin to see anew."""
        rate, population = self.rate * scale, self.population * scale
        self.rate = rate + weight * (self.seen / seconds - rate)
        self.population = population + weight * (self.seen_population / seconds - population)
        self.seen = self.seen_population = 0.0


def learn(keys: Collection[Key], seconds: float, memory: float, size: float) -> None:
    """Learn from what keys have sent in so many seconds.

    `memory` is the time constant of the averages, `size` that of a usual trace in the unit of the target.
    """
    weight = -math.expm1(-seconds / memory)
    rest: list[Key] = []
    expected = seen = 0.0
    for key in keys:
        usual = key.rate * seconds
        # What is seldom and was not there surprises nobody, and most keys are like that.
        if (key.seen or usual > size) and _is_surprising(key.seen, usual, size):
            key.learn(seconds, 1.0)
        else:
            rest.append(key)
            expected += usual
            seen += key.seen
    scale = 1.0
    if _is_surprising(seen, expected, size):
        # Nobody knows which of them it is, so it is taken to be all.
        scale, weight = (seen / expected, weight) if expected else (1.0, 1.0)
    for key in rest:
        key.learn(seconds, weight, scale)


def _is_surprising(seen: float, expected: float, size: float) -> bool:
    """Return whether neither chance nor a moderate change explains the difference."""
    chance = _SIGMAS * (math.sqrt(expected * size) + size)
    return seen > _FACTOR * expected + chance or expected > _FACTOR * seen + chance
