"""Holding a target: what each key offers is learned, and the target is shared out among them.

Time goes in steps, ten to an interval. At the end of each step the rates of the keys are learned (`learning`), and a
plan is made: the level (`allocation`) by which the probability of each key is `level / population`. This is done when a
trace comes, so nothing runs while nothing comes.

Within a step the plan is made anew each time that a further part of the budget was spent. What a key has sent in the
step is then the least that its rate can be, so a spike is answered in a fraction of a step.

The probability of a trace depends on what came before it, and never on its own randomness. So each kept trace stands
for `1 / probability` of those that were offered, without bias however the probabilities move. That also holds for the
trace that is due to a starved key: its probability is 1.
"""

import math
from collections.abc import Iterator

from collector.processing.probability import ALWAYS, MIN_PROBABILITY, threshold_of
from processors.adaptive_sampler.allocation import water_level
from processors.adaptive_sampler.budget import Budget
from processors.adaptive_sampler.config import Config
from processors.adaptive_sampler.keys import Values
from processors.adaptive_sampler.learning import Key, learn

OTHER = ("(other)",)

_STEPS = 10  # to an interval
_MEMORY = 3  # intervals that an average goes back, or
_ENOUGH = 100  # traces, where those take longer to come
_FEW = 5  # traces: what a plan is not made anew for, and what a debt may always be
_GROWTH = 0.25  # of what was kept in a step, at least, before the plan is made anew
_SMOOTHING = 0.3  # of the size of a usual trace, from step to step
_PRECISION = 4  # hex digits of a threshold
_DUE = 0.9  # of the time in which each key is kept once, when it is due
_IDLE = 0.1  # of that time, after which a key is forgotten where there are too many
_FORGET = 600.0  # seconds, where no such time is given


class Governor:
    """Says how much of each key is kept. Times are seconds of a clock that never goes back.

    For each trace, ask for its `key`, `offer` it, and where it is sampled `keep` it. `steps` counts those that ended.
    """

    def __init__(self, config: Config, now: float) -> None:
        self._least, self._most = config.min_percentage / 100, config.max_percentage / 100
        self._ceiling = min(self._most, config.initial_percentage / 100)
        self._interval = config.interval
        self._step = config.interval / _STEPS
        self._memory = config.interval * _MEMORY
        self._due_after = config.keep_every_key_within * _DUE or math.inf
        self._forget_after = config.keep_every_key_within or _FORGET
        self._max_keys = config.max_keys
        self._budget = Budget(config.target, config.interval, _FEW, relative=config.percentage is not None)
        self._other = Key(OTHER, now)
        self._whole = Key((), now)
        self._size = 1.0  # of a usual trace
        self._traces = 0
        self._began = now
        self._plan = 0
        # Nothing is known, so all is kept, until more is than a step may keep.
        self._level = math.inf
        self._limit = self._allowed_in_step(0.0)
        self.keys: dict[Values, Key] = {OTHER: self._other}
        self.steps = 0

    @property
    def offered(self) -> float:
        """What is offered in a second, what earlier samplers left out included."""
        return self._whole.population

    @property
    def allowed(self) -> float:
        """What may be kept in a second."""
        return self._budget.rate(self.offered)

    def key(self, values: Values, now: float) -> Key:
        """Return what is known of a key.

        The first trace of a key is one of all others, and so are all of it while there is no room for one more: keys
        that never come again, such as names with ids in them, then take nothing from those that do.
        """
        key = self.keys.get(values)
        if key is None:
            if len(self.keys) <= self._max_keys:
                self.keys[values] = Key(values, now)
            return self._other
        key.seen_at = now
        return key

    def probability(self, key: Key) -> float:
        """Return how much of a key is to be kept, from 0 to 1."""
        _, population = key.least(self._step)
        # A key of which nothing is known is taken to send one trace in an interval.
        population = population or self._size / self._interval
        return min(max(self._level / population, self._least, MIN_PROBABILITY), self._ceiling)

    def share(self, key: Key) -> float:
        """Return what is to be kept of a key in a second."""
        least, most = self._range(key)
        return min(max(self._level, least), most)

    def offer(self, key: Key, size: float, count: float, now: float) -> int:
        """Count a trace as offered, and return the threshold for it.

        `size` is in the unit of the target, `count` how many traces this one stands for by what earlier samplers did.
        """
        if now - self._began >= self._step:
            self._end_step(now)
        if key.plan != self._plan:
            self._apply_plan(key)
        population = size * count
        self._traces += 1
        self._budget.offered += population
        self._whole.seen += size
        self._whole.seen_population += population
        key.seen += size
        # Where earlier samplers left out more than we would, there is no more for us to thin than what came.
        key.seen_population += min(population, size / key.probability)
        return ALWAYS if now - key.kept_at >= self._due_after else key.threshold

    def keep(self, key: Key, size: float, now: float) -> None:
        """Count a trace as kept."""
        key.kept_at = now
        self._budget.kept += size
        if self._budget.kept >= self._limit:
            self._make_plan(now)

    def _end_step(self, now: float) -> None:
        seconds = now - self._began
        if self._traces:
            smoothing = _SMOOTHING if self.steps else 1.0
            self._size += smoothing * (self._whole.seen / self._traces - self._size)
            self._budget.slack = _FEW * self._size
        memory = max(self._memory, _ENOUGH * self._size / self._whole.rate) if self._whole.rate else self._memory
        learn(self.keys.values(), seconds, memory, self._size)
        learn([self._whole], seconds, memory, self._size)
        self._budget.settle(self.offered, seconds, everything=math.isinf(self._level))
        self._forget(now)
        self._began = now
        self._traces = 0
        self._ceiling = self._most
        self.steps += 1
        self._make_plan(now)

    def _make_plan(self, now: float) -> None:
        _, offered = self._whole.least(self._step)
        aim = self._budget.aim(offered, now - self._began)
        self._level = water_level(self._ranges(), aim)
        # Where the target cannot be held, as with a large minimum, planning for every few traces would not help.
        kept = self._budget.kept
        self._limit = kept + max(self._allowed_in_step(offered), kept * _GROWTH)
        self._plan += 1

    def _allowed_in_step(self, offered: float) -> float:
        return self._budget.rate(offered) * self._step + self._budget.slack

    def _ranges(self) -> Iterator[tuple[float, float]]:
        """Yield the least and the most that can be kept of each key in a second."""
        for key in self.keys.values():
            if key.rate or key.seen:
                yield self._range(key)

    def _range(self, key: Key) -> tuple[float, float]:
        rate, population = key.least(self._step) if key.seen else (key.rate, key.population)
        return min(rate, self._least * population), min(rate, self._most * population)

    def _apply_plan(self, key: Key) -> None:
        key.probability = self.probability(key)
        key.threshold = threshold_of(key.probability, _PRECISION)
        key.plan = self._plan

    def _forget(self, now: float) -> None:
        """Forget keys that come no more; where there is no room, also those that come too seldom for the promise."""
        full = len(self.keys) > self._max_keys
        limit = now - self._forget_after * (_IDLE if full else 1.0)
        for key in [key for key in self.keys.values() if key.seen_at < limit and key is not self._other]:
            del self.keys[key.values]
