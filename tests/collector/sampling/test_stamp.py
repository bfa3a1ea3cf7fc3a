"""What is written into the spans that are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.data import get_attribute, set_attribute
from collector.data.messages import Span
from collector.data.shell import RequestShell
from collector.data.signal import Signal
from collector.processing.probability import threshold_of
from collector.sampling.decision import Decision
from collector.sampling.stamp import Stamp, stamp_of
from collector.sampling.trace import Trace
from collector.testing.strategies import requests
from collector.testing.traces import make_span

HALF, QUARTER = threshold_of(0.5), threshold_of(0.25)


def written(stamp: Stamp, **fields) -> Span:
    return Span.FromString(stamp(make_span(1, **fields).SerializeToString()))


def test_a_kept_span_says_why():
    span = written(Stamp(Decision(True, "errors", "status is error")))
    assert "errors" == get_attribute(span.attributes, "sampling.policy")
    assert "status is error" == get_attribute(span.attributes, "sampling.rule")
    assert "ot=th:0" == span.trace_state


def test_an_explanation_can_be_left_out_and_a_rule_may_be_missing():
    assert [] == list(written(Stamp(Decision(True, "errors", "rule"), explain=False)).attributes)
    assert ["sampling.policy"] == [pair.key for pair in written(Stamp(Decision(True, "errors"))).attributes]


def test_what_an_earlier_sampler_said_is_replaced():
    before = make_span(1)
    for name, value in (("a", 1), ("sampling.rule", "old"), ("sampling.policy", "old"), ("sampling.priority", 2)):
        set_attribute(before.attributes, name, value)
    span = Span.FromString(Stamp(Decision(True, "new"))(before.SerializeToString()))
    assert [("a", 1), ("sampling.priority", 2), ("sampling.policy", "new")] == [
        (pair.key, get_attribute(span.attributes, pair.key)) for pair in span.attributes
    ]


@pytest.mark.parametrize(
    ("threshold", "randomness", "before", "after"),
    [
        (HALF, None, "", "ot=th:8"),
        (HALF, None, "a=b", "ot=th:8,a=b"),
        (HALF, None, "a=b,ot=th:c;x:y", "ot=th:c;x:y,a=b"),
        (QUARTER, None, "ot=th:8;rv:12345678901234", "ot=rv:12345678901234;th:c"),
        (0, None, "ot=th:8", "ot=th:8"),
        (0, None, "", "ot=th:0"),
        (None, None, "ot=th:8,a=b", "a=b"),
        (None, None, "ot=th:8", ""),
        (None, None, "ot=th:8;rv:12345678901234", "ot=rv:12345678901234"),
        (None, None, "", ""),
        (HALF, 0xF0000000000000, "a=b", "ot=rv:f0000000000000;th:8,a=b"),
        (HALF, 0xF0000000000000, "", "ot=rv:f0000000000000;th:8"),
        (HALF, None, "not a tracestate", "not a tracestate"),
    ],
)
def test_the_probability_is_written_into_the_trace_state(threshold, randomness, before, after):
    stamp = Stamp(Decision(True, "some", threshold=threshold, randomness=randomness))
    assert after == written(stamp, trace_state=before).trace_state


@pytest.mark.parametrize(("sampled", "mark"), [(True, "keep"), (False, "drop")])
def test_a_dry_run_marks_and_leaves_the_probability_alone(sampled, mark):
    span = written(Stamp(Decision(sampled, "some", threshold=HALF), dry_run=True), trace_state="ot=th:4")
    assert mark == get_attribute(span.attributes, "sampling.dry_run")
    assert "ot=th:4" == span.trace_state


def test_equal_decisions_share_a_stamp():
    assert stamp_of(Decision(True, "a"), True, False) is stamp_of(Decision(True, "a"), True, False)


def test_a_stamped_span_still_begins_with_its_trace_id():
    """What is downstream looks there."""
    for before in ("", "a=b"):
        raw = make_span(1, trace_state=before).SerializeToString()
        assert raw[:18] == Stamp(Decision(True, "some"))(raw)[:18]


def test_the_spans_of_a_trace_are_each_written_as_they_need():
    stamp, marked = Stamp(Decision(True, "new", threshold=HALF)), make_span(1, 3)
    set_attribute(marked.attributes, "sampling.policy", "old")
    for spans in ([make_span(1, 1), make_span(1, 2)], [make_span(1, 1), make_span(1, 2, trace_state="a=b")], [marked]):
        raws = [span.SerializeToString() for span in spans]
        assert list(map(stamp, raws)) == stamp.spans(Trace(b"", raws, []))


@given(requests(Signal.TRACES), st.sampled_from([None, 0, HALF]), st.sampled_from([None, 5]), st.booleans())
def test_nothing_else_changes_however_a_span_is_written(payload, threshold, randomness, dry_run):
    stamp = Stamp(Decision(True, "p", "r", threshold, randomness), dry_run=dry_run)
    for resource in RequestShell.FromString(payload).resources:
        for raw in [raw for scope in resource.scopes for raw in scope.items]:
            before, after = Span.FromString(raw), Span.FromString(stamp(raw))
            assert [stamp(raw)] == stamp.spans(Trace(before.trace_id, [raw], []))
            assert [pair.key for pair in after.attributes][-2 - dry_run :][:2] == ["sampling.policy", "sampling.rule"]
            del after.attributes[-2 - dry_run :]
            if dry_run:
                assert before.trace_state == after.trace_state
            after.trace_state = before.trace_state
            assert before == after
