"""Our `tail_sampling` beside the OpenTelemetry Collector's: the same traces in, the same decisions out."""

import random

import pytest
from tail_sampling.both import PREFIX, Outcome, Peer, Step, ours
from tail_sampling.cases import (
    COMPOSITES,
    CONDITIONS,
    DECISIONS,
    PERCENTAGES,
    REFUSED,
    SALTS,
    STATEFUL,
    dropped,
    latency,
    policy,
    share,
    status,
    text,
)
from tail_sampling.traces import Shape, requests, spans_of

from collector.processing.tracestate import TraceState

pytestmark = pytest.mark.interop

TRACES = 300
# Traces of one size, so that any of them passes a limit as well as any other.
OF_FOUR = Shape(spans=(4,))
EVEN = Shape(spans=(4,), bare=True)
IDS = Shape(spans=(1,), bare=True)
CACHED = {"sampled_cache_size": 10_000, "non_sampled_cache_size": 10_000}


@pytest.fixture(scope="module")
def peer(tail_sampling_program):
    """Run the processor of the OpenTelemetry Collector, for one question after the other."""
    running = Peer(tail_sampling_program)
    yield running
    running.close()


async def agree(peer, config, steps) -> Outcome:
    """Assert that both keep the same spans by the same policies; return what they did.

    Where one of several policies keeps a share, ours names the policy that keeps the most, theirs the first.
    """
    theirs, own = peer.decide(config, steps), await ours(config, steps)
    assert not theirs.refused
    assert not own.refused
    assert theirs.kept == own.kept
    if len(config["policies"]) == 1 or "probabilistic" not in str(config):
        assert theirs.policies == own.policies
    return theirs


async def agree_on_number(peer, config, payloads, **options):
    """Assert that both keep as many spans: the OpenTelemetry Collector decides in the random order of a map."""
    steps = [Step(payloads)]
    theirs, own = peer.decide(config, steps, tracestate=False, **options), await ours(config, steps)
    assert theirs.spans == own.spans


def early_and_late(seed, traces):
    """Return requests with a part of each trace, and requests with the rest and with other traces."""
    first, second = requests(seed, traces), requests(seed + 1, traces)
    half = len(first) // 2
    return first[:half], (*first[half:], *second)


@pytest.mark.parametrize("policies", DECISIONS.values(), ids=DECISIONS)
async def test_policies(peer, policies):
    await agree(peer, {"policies": policies}, [Step(requests(1, TRACES))])


@pytest.mark.parametrize("name", CONDITIONS)
async def test_conditions(peer, name):
    await agree(peer, {"policies": [CONDITIONS[name]]}, [Step(requests(2, TRACES))])


@pytest.mark.parametrize(
    ("percentage", "salt"),
    [
        *((percentage, None) for percentage in PERCENTAGES),
        *((percentage, salt) for percentage in (5, 70) for salt in SALTS),
    ],
)
async def test_shares_bit_for_bit(peer, percentage, salt):
    """The traces bring no randomness of their own: what both hash is the trace id."""
    await agree(peer, {"policies": [share(percentage, salt)]}, [Step(requests(3, 4000, IDS))])


@pytest.mark.parametrize("name", ["always", "status ERROR", "several", "and with a share", "drop before others"])
async def test_thresholds(peer, name):
    """Both write how likely a span was kept, and leave what others wrote; ours says `rv` as well where it hashed."""
    outcome = await agree(peer, {"policies": DECISIONS[name]}, [Step(requests(1, TRACES))])
    own = await ours({"policies": DECISIONS[name]}, [Step(requests(1, TRACES))])
    assert {key: likelihood(state) for key, state in outcome.states.items()} == {
        key: likelihood(state) for key, state in own.states.items()
    }


def likelihood(trace_state):
    """Return the threshold and what others wrote; the whole text where it cannot be read."""
    try:
        parsed = TraceState.parse(trace_state)
    except ValueError:
        return trace_state
    return parsed.ot.threshold, parsed.others


@pytest.mark.parametrize("policies", DECISIONS.values(), ids=DECISIONS)
async def test_first_match(peer, policies):
    config = {"policies": [*policies, status("ERROR"), policy("always_sample")], "sample_on_first_match": True}
    await agree(peer, config, [Step(requests(4, TRACES))])


@pytest.mark.parametrize("name", [name for name in DECISIONS if name not in STATEFUL])
async def test_span_ingest(peer, name):
    """Every request of a trace is judged by itself; what was decided holds for what comes later."""
    config = {"policies": DECISIONS[name], "sampling_strategy": "span-ingest", "decision_cache": CACHED}
    await agree(peer, config, [Step(requests(5, TRACES))])


@pytest.mark.parametrize("strategy", ["trace-complete", "span-ingest"])
@pytest.mark.parametrize("cache", [CACHED, {}], ids=["cached", "not cached"])
async def test_late_spans(peer, strategy, cache):
    """They follow what was decided about their trace."""
    early, late = early_and_late(6, TRACES)
    config = {
        "policies": [status("ERROR"), latency(500), share(20), dropped(text("gold"))],
        "decision_wait": "1s",
        "sampling_strategy": strategy,
        "decision_cache": cache,
    }
    await agree(peer, config, [Step(early, decided=len(spans_of(early))), Step(late)])


async def test_shards(peer):
    await agree(peer, {"policies": DECISIONS["several"], "num_shards": 4}, [Step(requests(8, TRACES))])


async def test_what_is_too_large(peer):
    """Far from the bound: the OpenTelemetry Collector counts what stands around the spans of each request as well."""
    config = {"policies": [policy("always_sample")], "maximum_trace_size_bytes": 1000}
    own = await agree(peer, config, [Step(requests(8, TRACES, Shape(spans=(1, 50), bare=True)))])
    assert {1} == {members.total() for members in own.kept.values()}


async def test_more_traces_than_there_is_room_for(peer):
    """A known difference: theirs drops the oldest undecided, ours decides about them."""
    config, steps = {"policies": [policy("always_sample")], "num_traces": 50}, [Step(requests(8, TRACES, IDS))]
    theirs, own = peer.decide(config, steps), await ours(config, steps)
    assert (50, TRACES) == (len(theirs.kept), len(own.kept))


async def test_what_is_pending_at_shutdown_may_be_dropped(peer):
    config = {"policies": [policy("always_sample")], "drop_pending_traces_on_shutdown": True}
    assert not (await agree(peer, config, [Step(requests(8, TRACES))])).kept


@pytest.mark.parametrize("name", ["several", "several that overlap", "drop before others", "inverted beside others"])
async def test_counters(peer, name):
    """Those of traces, by policy and in all."""
    config = {"policies": DECISIONS[name]}
    outcomes = (peer.decide(config, [Step(requests(9, TRACES))]), await ours(config, [Step(requests(9, TRACES))]))
    names = ("count_traces_sampled", "global_count_traces_sampled", "new_trace_id_received")
    theirs, own = (
        {
            labelled: value
            for labelled, value in outcome.counters.items()
            if value and labelled.split()[0] in {PREFIX + name for name in names}
        }
        for outcome in outcomes
    )
    assert theirs == own


@pytest.mark.parametrize("burst", [None, 1, 3, 4, 5, 42, 100, 1602])
@pytest.mark.parametrize("rate", [0, 1, 10, 50])
async def test_rate_limit(peer, rate, burst):
    """The rate is so low that nothing is added while they decide."""
    limit = policy("rate_limiting", spans_per_second=rate, **({} if burst is None else {"burst_capacity": burst}))
    await agree_on_number(peer, {"policies": [limit]}, requests(10, TRACES, EVEN))


async def test_a_limit_takes_every_request_of_a_trace_for_one(peer):
    config = {"policies": [policy("rate_limiting", spans_per_second=1, burst_capacity=42), status("ERROR")]}
    await agree_on_number(peer, config, requests(10, TRACES, EVEN))


# The size of a trace that is alone in its resource is the one that it has in the request, less what stands around it.
@pytest.mark.parametrize("burst", [1, *range(1000, 1400, 25)])
async def test_bytes_limit(peer, burst):
    limit = policy("bytes_limiting", bytes_per_second=1, burst_capacity=burst)
    await agree_on_number(peer, {"policies": [limit]}, requests(11, TRACES, EVEN))


@pytest.mark.parametrize("name", COMPOSITES)
async def test_composite(peer, name):
    """Aligned, as it counts anew with each second of the clock."""
    await agree_on_number(peer, {"policies": [COMPOSITES[name]]}, requests(12, TRACES, OF_FOUR), aligned=True)


@pytest.mark.parametrize("name", REFUSED)
async def test_refusals(peer, name):
    payloads = requests(13, 1)
    assert peer.decide(REFUSED[name], [Step(payloads)]).refused
    assert (await ours(REFUSED[name], [Step(payloads)])).refused


@pytest.mark.parametrize("seed", range(20))
async def test_random_policies(peer, seed):
    """Votes of policies drawn by chance."""
    source = random.Random(seed)
    members = [name for name in DECISIONS if name not in ("always", "several that overlap")]
    policies = [each for name in source.sample(members, 3) for each in DECISIONS[name]]
    await agree(peer, {"policies": policies}, [Step(requests(100 + seed, TRACES))])
