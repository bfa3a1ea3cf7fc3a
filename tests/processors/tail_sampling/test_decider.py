"""How votes become a decision, and what is counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from collector.sampling.decision import Decision
from collector.sampling.trace import Trace
from collector.testing import ManualClock, make_settings
from processors.tail_sampling import Config
from processors.tail_sampling.decider import Policy, WholeTraces
from processors.tail_sampling.tally import Instruments, PolicyTally
from processors.tail_sampling.voting import CERTAIN, UNKNOWN, Keep

ALL = {"type": "always_sample"}
NONE = {"type": "trace_flags"}
DROP = {"type": "drop", "drop": {"drop_sub_policy": [{"name": "any", "type": "always_sample"}]}}
SPARE = {"type": "drop", "drop": {"drop_sub_policy": [{"name": "none", "type": "trace_flags"}]}}
RATE = {"type": "rate_limiting", "rate_limiting": {"spans_per_second": 100}}
# Without the attribute it is an error of the policy.
FAILS = {"type": "ottl_condition", "ottl_condition": {"span": ['attributes["n"] + 1 == 2'], "error_mode": "propagate"}}


@pytest.mark.parametrize(
    ("policies", "decision"),
    [
        ([], Decision(sampled=False, policy="")),
        ([NONE], Decision(sampled=False, policy="")),
        ([ALL], Decision(sampled=True, policy="p0")),
        ([NONE, ALL, ALL], Decision(sampled=True, policy="p1")),
        ([ALL, DROP], Decision(sampled=False, policy="p1", dropped=True)),
        ([ALL, SPARE], Decision(sampled=True, policy="p0")),
        ([RATE, ALL], Decision(sampled=True, policy="p1")),
        ([ALL, RATE], Decision(sampled=True, policy="p0")),
        ([RATE, NONE], Decision(sampled=True, policy="p0", threshold=None)),
        ([FAILS, ALL], Decision(sampled=True, policy="p1")),
        ([FAILS], Decision(sampled=False, policy="")),
    ],
)
def test_decisions(decider, make_trace, policies, decision):
    """A policy that drops beats all others; else one vote is enough, and the most certain one tells why."""
    assert decision == decider(policies)(make_trace())


def test_a_processor_without_policies_says_so(decider):
    with capture_logs() as log:
        decider([])
    assert ["there are no policies: every trace is dropped"] == [line["event"] for line in log]


@pytest.mark.parametrize("policy", [ALL, DROP, RATE])
def test_equal_decisions_are_one(decider, make_trace, policy):
    """What a decision writes into spans is worked out once for it."""
    first, second = decider([policy]).all([make_trace(), make_trace()])
    assert first is second


def test_first_match_leaves_the_others_unasked(decider, make_trace):
    """So a limit behind it is not spent, and the first is what decided."""
    decide = decider([NONE, RATE, ALL], sample_on_first_match=True)
    assert decide(make_trace()).policy == "p1"
    asked = decide.counted("sampling_policy_execution_count")
    assert {"p0": 1, "p1": 1} == {dict(labels)["policy"]: count for labels, count in asked.items()}


def test_what_each_policy_said_is_counted(decider, make_trace, make_span):
    """Under the names and labels of the collector written in Go; the name of the processor goes in front."""
    flagged, plain, numbered = (
        make_trace(make_span(flags=1), make_span()),
        make_trace(),
        make_trace(make_span({"n": 5})),
    )
    decide = decider([NONE, SPARE, FAILS], name="tail_sampling/mine")
    decide.all([flagged, plain, numbered])
    # The policy that drops comes first, so that the others are asked about what is left.
    expected = {
        ("mine.p0", "false", "not_sampled"): (2, 2),
        ("mine.p1", "false", "dropped"): (1, 2),
        ("mine.p1", "false", "not_sampled"): (2, 2),
        ("mine.p2", "false", "not_sampled"): (1, 1),
    }
    assert expected == both_counts(decide)
    assert {(): 1} == decide.counted("sampling_policy_evaluation_error")
    executions = decide.counted("sampling_policy_execution_count")
    assert {(("policy", "mine.p0"),): 2, (("policy", "mine.p1"),): 3, (("policy", "mine.p2"),): 2} == executions


def test_each_policy_that_fails_is_told(decider, make_trace):
    """Once a minute, with its name."""
    decide = decider([FAILS, FAILS])
    with capture_logs() as log:
        decide.all([make_trace(), make_trace()])
    assert ["p0", "p1"] == [line["policy"] for line in log]


def both_counts(decide):
    """Return the counts of traces and spans by policy, `sampled` and `decision`."""
    traces, spans = decide.counted("count_traces_sampled"), decide.counted("count_spans_sampled")
    order = ("policy", "sampled", "decision")
    return {tuple(dict(labels)[name] for name in order): (traces[labels], spans[labels]) for labels in traces | spans}


def test_a_trace_above_the_size_is_dropped(decider, make_trace, make_span):
    """Whatever policies say, and counted apart."""
    small, large = make_trace(), make_trace(make_span(), make_span())
    decide = decider([ALL], maximum_trace_size_bytes=small.size)
    assert [True, False] == [decision.sampled for decision in decide.all([small, large])]
    assert {(): 1} == decide.counted("traces_dropped_too_large")
    assert {("p0", "true", "sampled"): (1, 1)} == both_counts(decide)


keeps = st.sampled_from([CERTAIN, UNKNOWN, Keep(threshold=5), Keep(threshold=5, randomness=9), Keep(threshold=7)])
says = st.none() | keeps | st.just(ValueError("no"))
policies = st.lists(st.tuples(st.booleans(), st.lists(says, min_size=3, max_size=3)), max_size=4)


def model(votes, first_match):
    """Say what becomes of a trace, given whether each policy drops and what it says."""
    ordered = [vote for vote in votes if vote[1]] + [vote for vote in votes if not vote[1]]
    wanted = []
    for name, drops, said in ordered:
        if isinstance(said, Keep):
            if drops:
                return Decision(sampled=False, policy=name, dropped=True)
            wanted.append((name, said))
            if first_match:
                break
    for is_best in (
        lambda keep: keep.threshold == 0,
        lambda keep: keep.threshold is None,
        lambda keep: keep.threshold == min(other.threshold for _, other in wanted),
    ):
        for name, keep in wanted:
            if is_best(keep):
                return Decision(sampled=True, policy=name, threshold=keep.threshold, randomness=keep.randomness)
    return Decision(sampled=False, policy="")


@given(policies=policies, first_match=st.booleans())
def test_votes_against_a_plain_model(policies, first_match):
    """For several traces at once, as for one after the other."""
    config = Config.model_validate({"sample_on_first_match": first_match})
    instruments = Instruments(make_settings("tail_sampling"))
    traces = [Trace(bytes([number]), [b""], []) for number in range(3)]
    ordered = sorted(enumerate(policies), key=lambda item: not item[1][0])
    built = [build(f"p{number}", drops, says, instruments) for number, (drops, says) in ordered]
    decider = WholeTraces(built, instruments, config)
    expected = [
        model([(f"p{number}", drops, says[index]) for number, (drops, says) in enumerate(policies)], first_match)
        for index in range(3)
    ]
    assert expected == decider.decide_all(traces)
    assert expected == [decider.decide(trace) for trace in traces]


def build(name, drops, says, instruments):
    """Return a policy that says about trace 0, 1 and 2 what is given."""

    def evaluate(trace):
        said = says[trace.trace_id[0]]
        if isinstance(said, Exception):
            raise said
        return said

    return Policy(name, evaluate, PolicyTally(instruments, name, drops=drops), ManualClock(), drops=drops)
