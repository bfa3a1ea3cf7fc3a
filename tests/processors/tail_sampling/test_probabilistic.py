"""The policy that keeps a share of traces."""

import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.processing.fnv import FNV1A_64
from collector.processing.probability import threshold_of
from collector.processing.tracestate import TraceState
from collector.sampling.trace import Trace
from processors.tail_sampling.policy_options import ProbabilisticConfig
from processors.tail_sampling.probabilistic import Probabilistic, highest_hash

# What Go's math/big makes of a percentage.
BORDERS = [
    (100, 0xFFFFFFFFFFFFFFFF),
    (50, 0x7FFFFFFFFFFFFFFF),
    (25, 0x3FFFFFFFFFFFFFFF),
]


def share(percentage, salt=""):
    return {
        "type": "probabilistic",
        "probabilistic": {"sampling_percentage": percentage, **({"hash_salt": salt} if salt else {})},
    }


@pytest.mark.parametrize(("percentage", "expected"), BORDERS)
def test_the_border(percentage, expected):
    assert expected == highest_hash(percentage / 100)


@given(st.floats(0, 1, exclude_min=True))
def test_the_border_is_the_share_of_all_hashes(ratio):
    """But for the rounding to 64 bits, and that a part of a hash is cut off."""
    assert -1 <= highest_hash(ratio) - Fraction(ratio) * (2**64 - 1) <= 1


@pytest.mark.parametrize(("percentage", "kept"), [(0, False), (-5, False), (1e-20, False), (100, True), (150, True)])
def test_all_or_nothing(decider, make_trace, percentage, kept):
    decide = decider([share(percentage)])
    decisions = [decide(make_trace(trace_id=number.to_bytes(16, "big"))) for number in range(50)]
    assert {(kept, 0, None)} == {(decision.sampled, decision.threshold, decision.randomness) for decision in decisions}


def test_another_salt_keeps_other_traces(decider, make_trace):
    ids = random.Random(0)
    traces = [make_trace(trace_id=ids.randbytes(16)) for _ in range(200)]
    kept = [[decision.sampled for decision in decider([share(50, salt)]).all(traces)] for salt in ("", "a", "b")]
    assert kept[0] == [decision.sampled for decision in decider([share(50, "default-hash-seed")]).all(traces)]
    assert kept[0] != kept[1] != kept[2]


@given(percentage=st.floats(1e-6, 99.999), trace_id=st.binary(min_size=16, max_size=16))
def test_a_kept_trace_tells_a_randomness_that_fits(percentage, trace_id):
    """Whoever compares `rv` with `th` finds the trace kept, at the probability that was configured."""
    keep = Probabilistic(ProbabilisticConfig(sampling_percentage=percentage))(Trace(trace_id, [b""], []))
    if keep is not None:
        assert threshold_of(percentage / 100) == keep.threshold <= keep.randomness < 2**56


def test_also_at_the_border(monkeypatch):
    """Where the threshold and the hash are rounded in different ways."""
    for tenths in range(1, 1000):
        border, threshold = highest_hash(tenths / 10 / 100), threshold_of(tenths / 10 / 100)
        monkeypatch.setattr(FNV1A_64, "of_ids", lambda ids, _, border=border: [border] * len(ids))
        keep = Probabilistic(ProbabilisticConfig(sampling_percentage=tenths / 10))(Trace(bytes(16), [b""], []))
        assert threshold <= keep.randomness < threshold + 2


def test_what_is_kept_at_a_percentage_is_kept_at_a_higher_one(decider, make_trace):
    """And its randomness is the same, so that samplers behind each other agree."""
    ids = random.Random(0)
    traces = [make_trace(trace_id=ids.randbytes(16)) for _ in range(200)]
    few, many = (decider([share(percentage)]).all(traces) for percentage in (10, 40))
    both = [(low.randomness, high.randomness) for low, high in zip(few, many, strict=True) if low.sampled]
    assert len(both) > 5
    assert all(low == high for low, high in both)


@pytest.mark.parametrize(
    ("state", "kept"),
    [
        ("ot=rv:80000000000000", True),
        ("ot=rv:7fffffffffffff", False),
        ("ot=rv:7fffffffffffff;th:4", False),
        ("vendor=1,ot=rv:80000000000000;th:4", True),
    ],
)
def test_a_trace_that_brings_randomness(decider, make_trace, make_span, state, kept):
    """It is compared with the threshold, whatever the hash is, and stays what it is."""
    decide = decider([share(50)])
    ids = random.Random(0)
    for _ in range(20):
        decision = decide(make_trace(make_span(trace_state=state), trace_id=ids.randbytes(16)))
        assert (kept, None) == (decision.sampled, decision.randomness)


def test_a_trace_that_brings_a_threshold(decider, make_trace, make_span):
    """It was sampled by the randomness in its id, so that is what is compared."""
    decide = decider([share(50)])
    for first, kept in ((0x00, False), (0x7F, False), (0x80, True), (0xFF, True)):
        trace = make_trace(make_span(trace_state="ot=th:4"), trace_id=bytes(9) + bytes([first]) + bytes(6))
        decision = decide(trace)
        assert (kept, None) == (decision.sampled, decision.randomness)
        assert TraceState.parse("ot=th:4").ot.threshold == trace.ot.threshold
