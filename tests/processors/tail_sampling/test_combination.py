"""Policies made of policies."""

import random

import pytest

from collector.processing.probability import threshold_of

ERROR = {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}}
FLAG = {"name": "flagged", "type": "trace_flags"}
ALL = {"name": "all", "type": "always_sample"}


def share(percentage, name="share", **options):
    return {"name": name, "type": "probabilistic", "probabilistic": {"sampling_percentage": percentage, **options}}


def rate(spans):
    return {"name": "rate", "type": "rate_limiting", "rate_limiting": {"spans_per_second": spans}}


def both(*policies):
    return {"type": "and", "and": {"and_sub_policy": list(policies)}}


def negated(policy):
    return {"name": "not", "type": "not", "not": {"not_sub_policy": policy}}


def composite(*policies, total=100, **shares):
    allocation = [{"policy": name, "percent": percent} for name, percent in shares.items()]
    options = {"max_total_spans_per_second": total, "rate_allocation": allocation}
    return {"type": "composite", "composite": {"composite_sub_policy": list(policies), **options}}


@pytest.mark.parametrize(("code", "flags", "kept"), [(2, 1, True), (2, 0, False), (0, 1, False), (0, 0, False)])
def test_and_wants_what_all_want(keeps, code, flags, kept):
    """Also where different spans are what different policies look for."""
    assert kept == keeps(both(ERROR, FLAG), [{"code": code}, {"flags": flags}])


@pytest.mark.parametrize("negate", [False, True])
@pytest.mark.parametrize("code", [0, 2])
def test_not_wants_the_opposite(keeps, negate, code):
    inner = negated(ERROR) if negate else ERROR
    assert ((code == 2) != negate) == keeps(both(inner), [{"code": code}])


def test_and_stops_at_the_first_that_does_not(decider, make_trace, make_span):
    """A limit behind a filter is for what the filter lets through."""
    decide = decider([both(ERROR, rate(1))])
    assert not decide(make_trace()).sampled
    assert [True, True, False] == [decide(make_trace(make_span(code=2))).sampled for _ in range(3)]


def test_and_without_policies_keeps_everything(keeps):
    assert keeps(both())


def kept(decider, make_trace, policy):
    """Return the first decision to keep a trace."""
    decide = decider([policy])
    ids = random.Random(0)
    decisions = (decide(make_trace(trace_id=ids.randbytes(16))) for _ in range(1000))
    return next(decision for decision in decisions if decision.sampled)


@pytest.mark.parametrize(
    ("policies", "rule", "threshold"),
    [
        ([ALL, ALL], "", 0),
        ([share(10), share(50, "more")], "share", threshold_of(0.1)),
        ([share(50, "more"), share(10), ALL], "share", threshold_of(0.1)),
        ([share(10), rate(100), ALL], "rate", None),
        ([rate(100), share(10)], "rate", None),
        ([negated(share(10))], "not", None),
        ([negated(rate(0))], "not", None),
        ([negated(ERROR)], "", 0),
    ],
)
def test_the_least_likely_of_and_tells_how_likely_it_was(decider, make_trace, policies, rule, threshold):
    decision = kept(decider, make_trace, both(*policies))
    assert ("p0", rule, threshold) == (decision.policy, decision.rule, decision.threshold)


def test_the_randomness_of_and_is_that_of_its_least_likely(decider, make_trace):
    decision = kept(decider, make_trace, both(share(10, hash_salt="a"), share(50, "more", hash_salt="b")))
    assert decision.threshold <= decision.randomness


async def test_composite_has_shares_of_a_second(decider, make_trace, make_span):
    """A quarter of four spans a second for errors, the rest in equal parts, anew in each second."""
    decide = decider([composite(ERROR, ALL, total=4, errors=25)])
    error, other = make_trace(make_span(code=2)), make_trace()
    assert [True, False, False] == [decide(error).sampled for _ in range(3)]
    assert [True, True, False] == [decide(other).sampled for _ in range(3)]
    await decide.clock.advance(1)
    assert [True, False] == [decide(error).sampled for _ in range(2)]


def test_composite_tells_which_policy_kept_it(decider, make_trace, make_span):
    """How likely that was nobody knows."""
    decide = decider([composite(ERROR, ALL)])
    decisions = [decide(make_trace(make_span(code=2))), decide(make_trace())]
    assert [("p0", "errors", None), ("p0", "all", None)] == [(d.policy, d.rule, d.threshold) for d in decisions]


def test_composite_has_room_for_a_smaller_trace(decider, make_trace, make_span):
    """What did not fit takes nothing of the share."""
    decide = decider([composite(ALL, total=3)])
    assert [True, False, True] == [decide(make_trace(*[make_span()] * count)).sampled for count in (2, 2, 1)]


def test_the_total_of_composite_bounds_each_share(decider, make_trace, make_span):
    """As in the collector written in Go: a share above 100 percent is cut, a sum above it is not."""
    decide = decider([composite(ERROR, ALL, total=1, errors=300, all=100)])
    assert [True, False] == [decide(make_trace(make_span(code=2))).sampled for _ in range(2)]
    assert decide(make_trace()).sampled


def test_a_share_is_cut_off_to_whole_spans(decider, make_trace):
    assert not decider([composite(ALL, total=10, all=9)])(make_trace()).sampled


def test_composite_takes_and(keeps):
    inner = {"name": "both", **both(ERROR, FLAG)}
    assert keeps(composite(inner), [{"code": 2, "flags": 1}])
    assert not keeps(composite(inner), [{"code": 2}])
