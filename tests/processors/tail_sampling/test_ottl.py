"""The policy on conditions in OTTL."""

import pytest
from structlog.testing import capture_logs

from processors.tail_sampling import Config


def policy(*span, spanevent=(), **options):
    return {"type": "ottl_condition", "ottl_condition": {"span": list(span), "spanevent": list(spanevent), **options}}


@pytest.mark.parametrize(
    ("conditions", "kept"),
    [
        (['attributes["key"] == "a"'], True),
        (['attributes["key"] == "b"'], False),
        (['attributes["key"] == "b"', 'name == "second"'], True),
        (['attributes["absent"] == nil'], True),
        (['resource.attributes["team"] == "shop"'], True),
        (['name == "second" and attributes["key"] == "a"'], False),  # of one span
        (['not IsMatch(name, "first|second")'], False),
        (["status.code == STATUS_CODE_ERROR"], True),
    ],
)
def test_conditions_on_spans(keeps, conditions, kept):
    """One condition that holds for one span is enough."""
    spans = [{"name": "first", "attributes": {"key": "a"}}, {"name": "second", "code": 2}]
    assert kept == keeps(policy(*conditions), spans, resource={"team": "shop"})


@pytest.mark.parametrize(
    ("condition", "kept"),
    [('name == "exception"', True), ('name == "other"', False), ('attributes["key"] == "a"', True)],
)
def test_conditions_on_events(keeps, condition, kept):
    event = {"name": "exception", "attributes": [{"key": "key", "value": {"string_value": "a"}}]}
    assert kept == keeps(policy(spanevent=[condition]), [{}, {"name": "other", "events": [{"name": "first"}, event]}])


def test_a_span_without_events_is_no_event(keeps):
    assert not keeps(policy(spanevent=['name != "exception"']))


@pytest.mark.parametrize(("mode", "lines"), [("ignore", 1), ("silent", 0), ("", 0), ("IGNORE", 1)])
def test_what_cannot_be_evaluated_is_passed_over(keeps, mode, lines):
    """The conditions and spans behind it have their say; one mode tells it."""
    failing = 'attributes["n"] + 1 == 2'
    with capture_logs() as log:
        assert keeps(policy(failing, 'name == "b"', error_mode=mode), [{"attributes": {"n": "x"}}, {"name": "b"}])
    assert lines == len([line for line in log if line.get("condition") == failing])


def test_or_it_is_an_error_of_the_policy(decider, make_trace, make_span):
    """Which is counted; the other policies have their say."""
    failing = policy('attributes["n"] + 1 == 2', 'name == "b"', error_mode="propagate")
    trace = make_trace(make_span({"n": "x"}, name="b"))
    alone, together = decider([failing]), decider([failing, {"type": "always_sample"}])
    assert not alone(trace).sampled
    assert together(trace).policy == "p1"
    assert {(): 1} == together.counted("sampling_policy_evaluation_error")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "at least one OTTL condition"),
        ({"span": ["name =="]}, "no OTTL condition"),
        ({"spanevent": ["kind == 1"]}, "no OTTL condition"),
        ({"span": ["true"], "error_mode": "panic"}, "error_mode"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Config.model_validate({"policies": [{"name": "p", "type": "ottl_condition", "ottl_condition": options}]})
