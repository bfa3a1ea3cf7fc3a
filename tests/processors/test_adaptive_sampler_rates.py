"""The target, the keys and the counts of `adaptive_sampler`, over simulated days of traffic with a seed."""

import heapq
import itertools
import math
import random
from bisect import bisect
from collections import defaultdict
from dataclasses import dataclass, field

import pytest

from processors.adaptive_sampler import Config
from processors.adaptive_sampler.governor import Governor

SCALE = 1 << 56
HOUR = 3600.0


@dataclass
class Outcome:
    """What became of the traffic: by interval, and by key."""

    interval: float
    offered: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))
    kept: defaultdict[int, float] = field(default_factory=lambda: defaultdict(float))
    true: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    counted: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    kept_at: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    keys: int = 0

    def ratios(self, target, begin, end):
        """Return what was kept in each interval between two times, as a part of the target."""
        numbers = range(round(begin / self.interval), round(end / self.interval))
        return [self.kept[number] / self.interval / target for number in numbers]


def simulate(config, arrivals, *, seed=1, tick=None):
    """Run a governor over `arrivals`: time, key, size and upstream threshold of each trace.

    With `tick` traces are decided about in groups, as many seconds apart, as those that wait for whole traces do it.
    """
    random_bits = random.Random(seed).getrandbits
    governor, outcome = Governor(config, 0.0), Outcome(config.interval)
    for time, name, size, upstream in arrivals:
        randomness = random_bits(56)
        number = int(time / config.interval)
        outcome.true[name] += 1
        if upstream > randomness:
            continue
        outcome.offered[number] += size
        now = time if tick is None else time // tick * tick + tick
        key = governor.key((name,), now)
        threshold = governor.offer(key, size, SCALE / (SCALE - upstream), now)
        if threshold <= randomness:
            governor.keep(key, size, now)
            outcome.kept[number] += size
            outcome.counted[name] += SCALE / (SCALE - max(threshold, upstream))
            outcome.kept_at[name].append(time)
    outcome.keys = len(governor.keys)
    return outcome


def poisson(rates, seconds, *, factor=lambda _: 1.0, size=lambda _: 1.0, upstream=lambda _: 0, seed=2):
    """Yield traces of keys that come at random, each so often in a second, all times a factor of the time."""
    draw = random.Random(seed)
    names, sums, total = list(rates), [], 0.0
    for rate in rates.values():
        total += rate
        sums.append(total)
    time = draw.expovariate(total * factor(0.0))
    while time < seconds:
        name = names[bisect(sums, draw.random() * total)]
        yield time, name, size(draw), upstream(name)
        time += draw.expovariate(total * factor(time))


def thousand_keys(most, least):
    """Return the rates of keys as they are found in practice: a few are most of the traffic."""
    steepness = math.log(most / least, 1000)
    return {f"key {rank}": most * rank**-steepness for rank in range(1, 1001)}


def between(begin, end, factor):
    return lambda time: factor if begin <= time < end else 1.0


def test_a_thousand_keys_and_a_spike():
    """From 1,000/s down to 0.01/s; for half a minute all is ten times as much, from the middle of an interval on."""
    traffic = poisson(thousand_keys(1000, 0.01), 240, factor=between(124, 154, 10))
    outcome = simulate(Config(traces_per_second=100), traffic)
    assert outcome.offered[13] > 9 * outcome.offered[11]
    assert all(0.9 < ratio < 1.1 for ratio in outcome.ratios(100, 30, 120))
    first, *following = outcome.ratios(100, 120, 150)
    assert 0.5 < first < 2
    assert all(0.9 < ratio < 1.1 for ratio in following[1:])
    after, *following = outcome.ratios(100, 150, 240)
    assert 0.5 < after < 2
    assert all(0.9 < ratio < 1.1 for ratio in following[1:])


def test_no_key_is_starved():
    """Each that comes once a minute is kept once in ten minutes, though the target is less than they need for it."""
    rare = heapq.merge(*(regular(f"rare {number}", 60, offset=number * 0.61) for number in range(98)))
    traffic = heapq.merge(poisson({"large": 20.0}, HOUR), rare)
    outcome = simulate(Config(traces_per_second=0.1), traffic)
    for number in range(98):
        assert widest([0.0, *outcome.kept_at[f"rare {number}"], HOUR]) <= 600
    # That a key is due does not depend on its randomness, so the counts stay true.
    assert 0.8 < sum(outcome.counted[f"rare {number}"] for number in range(98)) / (98 * 60) < 1.2


def regular(name, period, *, offset, seconds=3600):
    return ((offset + period * number, name, 1.0, 0) for number in range(int(seconds / period)))


def widest(times):
    return max(later - earlier for earlier, later in itertools.pairwise(times))


def test_keys_that_never_come_again_take_nothing_from_those_that_do():
    """With a name of its own for nearly every trace the target holds, and the one true key is not drowned."""
    draw = random.Random(3)
    traffic = ((number / 100, "true" if draw.random() < 0.01 else f"id {number}", 1.0, 0) for number in range(40_000))
    outcome = simulate(Config(traces_per_second=10, max_keys=500), traffic)
    assert all(0.8 < ratio < 1.2 for ratio in outcome.ratios(10, 30, 400))
    assert len(outcome.kept_at["true"]) > 0.95 * outcome.true["true"]
    assert outcome.keys == 501


SPIKE = 30 * HOUR + 100


@pytest.fixture(scope="module")
def days():
    """Two days of 1,000 keys: each a slow ramp to twice as much and back, and on the second 15 minutes of ten times."""
    spike = between(SPIKE, SPIKE + 900, 10)

    def factor(time):
        return spike(time) * (2 - abs(time / HOUR % 24 - 12) / 12)

    config = Config.model_validate({"traces_per_second": 5, "interval": "5m"})
    return simulate(config, poisson(thousand_keys(2.5, 0.000025), 48 * HOUR, factor=factor))


def test_days_on_target(days):
    ratios = days.ratios(5, HOUR, 30 * HOUR) + days.ratios(5, 31 * HOUR, 48 * HOUR)
    assert all(0.9 < ratio < 1.1 for ratio in ratios)
    assert 0.995 < sum(ratios) / len(ratios) < 1.005
    first, *following = days.ratios(5, 30 * HOUR, 31 * HOUR)
    assert 0.5 < first < 2
    assert all(0.9 < ratio < 1.1 for ratio in following[1:2] + following[5:])


def test_days_count_true(days):
    """Of the 50 largest keys, what is kept stands for what was offered, with less than 5 % of error."""
    errors = {name: abs(days.counted[name] / days.true[name] - 1) for name in list(thousand_keys(2.5, 0.000025))[:50]}
    assert {} == {name: error for name, error in errors.items() if error > 0.05}
    assert 0.99 < sum(days.counted.values()) / sum(days.true.values()) < 1.01


RATES = {f"key {rank}": 250 * rank ** (-5 / 3) for rank in range(1, 301)}
TENTH = SCALE - SCALE // 10


@pytest.mark.parametrize(
    ("options", "traffic"),
    [
        pytest.param({"traces_per_second": 50}, {}, id="traces"),
        pytest.param({"traces_per_second": 100, "instances": 2}, {}, id="instances"),
        pytest.param({"spans_per_second": 400}, {"size": lambda draw: draw.randint(1, 15)}, id="spans"),
        pytest.param({"bytes_per_second": 90_000}, {"size": lambda draw: draw.lognormvariate(7.3, 0.6)}, id="bytes"),
        pytest.param({"traces_per_second": 50, "min_percentage": 1, "max_percentage": 20}, {}, id="min-max"),
        pytest.param({"traces_per_second": 50}, {"tick": 1.0}, id="in-groups"),
        pytest.param(
            {"traces_per_second": 50}, {"upstream": lambda name: TENTH if name[-1] in "13579" else 0}, id="upstream"
        ),
    ],
)
def test_targets(options, traffic):
    """Each is held, with a spike of ten times as much."""
    config, tick = Config(**options), traffic.pop("tick", None)
    outcome = simulate(config, poisson(RATES, 200, factor=between(113, 133, 10), **traffic), tick=tick)
    assert all(0.85 < ratio < 1.15 for ratio in outcome.ratios(config.target, 30, 110))
    ratios = outcome.ratios(config.target, 110, 200)
    assert 0.5 < ratios[0] < 2
    assert all(0.85 < ratio < 1.15 for ratio in ratios[5:])


def test_a_percentage_is_of_all_keys_together():
    """What earlier samplers have left out counts: every other key comes sampled already, to a tenth."""
    traffic = poisson(RATES, 200, upstream=lambda name: TENTH if name[-1] in "13579" else 0)
    outcome = simulate(Config(percentage=5), traffic)
    assert 0.045 < sum(outcome.kept.values()) / sum(outcome.true.values()) < 0.055
    large = [name for name in RATES if outcome.true[name] > 2000]
    assert {} == {
        name: found for name in large if not 0.75 < (found := outcome.counted[name] / outcome.true[name]) < 1.25
    }


@pytest.mark.parametrize("period", [0.1, 10, 100, 1000])
@pytest.mark.parametrize("keys", [1, 3, 50])
def test_a_percentage_of_traffic_that_is_sparse(period, keys):
    """Also where a key comes less often than an interval, a trace in every few is all there is to go by."""
    traffic = ((number * period, f"key {number % keys}", 1.0, 0) for number in range(3000))
    outcome = simulate(Config(percentage=20, keep_every_key_within=0), traffic)
    assert 0.19 < sum(outcome.kept.values()) / 3000 < 0.21


def test_a_percentage_of_bursts():
    """What was offered counts, not what had been expected."""
    kept = 0.0
    for seed in range(4):
        bursts = ((burst, 500 if burst % 2 else 50) for burst in range(40))
        traffic = ((burst * 60 + n / 500, f"key {n % 5}", 1.0, 0) for burst, size in bursts for n in range(size))
        kept += sum(simulate(Config(percentage=10), traffic, seed=seed).kept.values())
    assert 0.095 < kept / 44_000 < 0.105


def test_a_percentage_of_a_hundred_keeps_everything():
    outcome = simulate(Config(percentage=100), poisson(RATES, 60, factor=between(30, 40, 10)))
    assert outcome.offered == outcome.kept


def test_a_target_that_is_not_reached_keeps_everything():
    outcome = simulate(Config(traces_per_second=10_000), poisson(RATES, 60))
    assert outcome.offered == outcome.kept


def test_what_was_not_needed_is_not_spent_later():
    """While all is kept for want of traffic, nothing is saved up for a spike."""
    traffic = poisson({"a": 25.0, "b": 15.0}, 120, factor=between(100, 120, 20))
    before, first, second = simulate(Config(traces_per_second=50), traffic).ratios(50, 90, 120)
    assert 0.6 < before < 1
    assert 0.8 < first < 1.35
    assert 0.9 < second < 1.1


def test_after_a_pause_the_target_holds():
    before = poisson(RATES, 100)
    after = ((time + 5000, *trace) for time, *trace in poisson(RATES, 100, seed=9))
    outcome = simulate(Config(traces_per_second=50), itertools.chain(before, after))
    assert outcome.ratios(50, 5000, 5010)[0] < 2
    assert all(0.85 < ratio < 1.15 for ratio in outcome.ratios(50, 5020, 5100))


def test_keys_are_treated_alike():
    """Large keys are kept equally often, and small ones as often as they come."""
    rates = {"a": 300.0, "b": 100.0, "c": 30.0, "d": 2.0, "e": 0.5}
    outcome = simulate(Config(traces_per_second=32), poisson(rates, 600))
    kept = {name: len(times) / 600 for name, times in outcome.kept_at.items()}
    assert kept["d"] > 0.95 * outcome.true["d"] / 600
    assert kept["e"] > 0.95 * outcome.true["e"] / 600
    level = (32 - 2.5) / 3
    assert all(0.9 * level < kept[name] < 1.1 * level for name in "abc")


def test_the_first_moments():
    """While nothing is known all is kept, until it is more than a step may keep; or less, if that is wanted."""
    crowd = [(0.0, f"key {number % 10}", 1.0, 0) for number in range(10_000)]
    assert simulate(Config(traces_per_second=50), crowd).kept[0] < 500
    cautious = simulate(Config(traces_per_second=1e6, initial_percentage=10), crowd)
    assert 800 < cautious.kept[0] < 1200
    later = simulate(Config(traces_per_second=1e6, initial_percentage=10), poisson(RATES, 20))
    assert later.kept[0] < later.offered[0]
    assert later.kept[1] == later.offered[1]


def test_a_key_that_ends_frees_its_share():
    """In the next step already."""
    governor, draw = Governor(Config(traces_per_second=20), 0.0), random.Random(6)
    for number in range(6000):
        now = number / 100
        names = ["lasting"] if now >= 50 else ["lasting", "ending"]
        for name in names:
            key = governor.key((name,), now)
            if governor.offer(key, 1, 1, now) <= draw.getrandbits(56):
                governor.keep(key, 1, now)
        if number == 5300:
            break
    assert 0 == governor.keys["ending",].rate
    assert governor.keys["lasting",].rate == pytest.approx(100, rel=0.05)


def test_a_target_that_cannot_be_held_costs_little():
    """With a minimum far above the target nothing is gained by planning anew for each few traces."""
    governor = Governor(Config(traces_per_second=0.001, min_percentage=50), 0.0)
    draw = random.Random(4)
    for number in range(20_000):
        key = governor.key((str(number % 100),), 0.5)
        if governor.offer(key, 1, 1, 0.5) <= draw.getrandbits(56):
            governor.keep(key, 1, 0.5)
    assert governor._plan < 50
