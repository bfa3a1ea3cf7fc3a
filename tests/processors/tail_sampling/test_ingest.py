"""The strategy that decides by the spans that have just come."""

import pytest
from structlog.testing import capture_logs

ERRORS = {"type": "status_code", "status_code": {"status_codes": ["ERROR"]}}
FLAGS = {"type": "trace_flags"}
MANY = {"type": "span_count", "span_count": {"min_spans": 3}}
BOTH = {"type": "and", "and": {"and_sub_policy": [{"name": "e", **ERRORS}, {"name": "f", **FLAGS}]}}
DROP = {"type": "drop", "drop": {"drop_sub_policy": [{"name": "f", **FLAGS}]}}


@pytest.fixture
def ingest(decider):
    """Return a decider by arrival of some policies."""
    return lambda *policies, **options: decider(policies, sampling_strategy="span-ingest", **options)


def test_the_first_vote_decides(ingest, make_trace, make_span):
    """Without a vote, the trace waits."""
    decide = ingest(ERRORS, FLAGS)
    assert decide.arrived(make_trace(make_span()), 1) is None
    assert "p1" == decide.arrived(make_trace(make_span(), make_span(flags=1)), 2).policy
    assert "p0" == decide.arrived(make_trace(make_span(flags=1, code=2)), 1).policy


def test_when_the_time_is_up_nothing_is_sampled(ingest, make_trace, make_span):
    """What would have been a vote before is none any more."""
    decision = ingest(ERRORS)(make_trace(make_span(code=2)))
    assert (False, "") == (decision.sampled, decision.policy)


def test_all_spans_of_the_trace_are_counted(ingest, make_trace):
    """Also those that came before and wait."""
    decide = ingest(MANY)
    assert decide.arrived(make_trace(), 2) is None
    assert decide.arrived(make_trace(), 3).sampled


def test_spans_of_the_next_resource_are_not_counted_yet(ingest, make_trace, make_span):
    """So what wants few spans has its say first."""
    few = {"type": "not", "not": {"not_sub_policy": {"name": "many", **MANY}}}
    decide, spans = ingest(few), [make_span(), make_span()]
    assert decide.arrived(make_trace(*spans, resources=[{"a": 1}, {"a": 2}]), 3).sampled
    assert decide.arrived(make_trace(*spans), 3) is None


def test_each_resource_is_looked_at_by_itself(ingest, make_trace, make_span):
    """As in the collector written in Go, which takes them one by one."""
    decide, spans = ingest(BOTH), (make_span(code=2), make_span(flags=1))
    assert decide.arrived(make_trace(*spans), 2).sampled
    assert decide.arrived(make_trace(*spans, resources=[{"a": 1}, {"a": 2}]), 2) is None
    assert decide.arrived(make_trace(make_span(code=2, flags=1), make_span(), resources=[{}, {"a": 2}]), 2).sampled


def test_what_may_still_be_dropped_is_not_kept(ingest, make_trace, make_span):
    """Which it always may; that is said at the start."""
    with capture_logs() as log:
        decide = ingest(ERRORS, DROP)
    assert "nothing is kept" in log[0]["event"]
    assert decide.arrived(make_trace(make_span(code=2)), 1) is None
    assert decide.arrived(make_trace(make_span(code=2, flags=1)), 1).dropped


def test_votes_are_counted(ingest, make_trace, make_span):
    decide = ingest(ERRORS)
    decide.arrived(make_trace(make_span()), 1)
    decide.arrived(make_trace(make_span(code=2)), 2)
    labels = {"decision": "sampled", "policy": "p0", "sampled": "true"}
    assert 1 == decide.counted("count_traces_sampled")[tuple(sorted(labels.items()))]
    assert 2 == decide.counted("count_spans_sampled")[tuple(sorted(labels.items()))]


def test_a_trace_above_the_size_is_counted(ingest, make_trace):
    decide = ingest(ERRORS, maximum_trace_size_bytes=1)
    assert not decide(make_trace()).sampled
    assert {(): 1} == decide.counted("traces_dropped_too_large")
