"""What an operator may write as rules, and what is said about the mistakes that are easy to make."""

import pytest
import yaml

from collector.config import bind, load
from collector.config.describe import render_config
from collector.config.lint import option_warnings
from collector.config.validation import validate
from collector.runtime.registry import Registry
from processors.priority_sampler.config import Config

REST = {"name": "rest", "keep": 5}


def findings(rules, **options):
    """Return the errors and the warnings about a configuration, each as `place: message`."""
    document = load([f"yaml:{yaml.safe_dump({'rules': rules, **options}, sort_keys=False)}"])
    _, errors = validate(Config, document.root)
    warnings = option_warnings(Config, document.root, ())
    return [str(finding).removeprefix("yaml: ") for found in (errors, warnings) for finding in found]


def about(**rule):
    """Return what is said about a rule in front of one for the rest."""
    return findings([{"name": "a", "when": {"status": "error"}, "keep": 100} | rule, REST])


def about_when(text):
    return about(when=yaml.safe_load(text))


@pytest.mark.parametrize(
    "when",
    [
        "{status: error}",
        "{status: STATUS_CODE_ERROR, kind: [SERVER, SPAN_KIND_CONSUMER]}",
        "{service: [shop, cart], name: {not: ping, matches: ^GET, not_matches: health}}",
        "{duration: {above: 1s, at_most: 1m}}",
        "{duration: {at_least: 1s, at_most: 1s}}",
        "{sampled: false}",
        "{attributes: {a: 1, b: 1.5, c: true, d: x, e: [1, x, false], f: {exists: true, not: [x, 2]}}}",
        "{attributes: {a: {exists: false}, b: {at_least: 400, below: 500}}}",
        "{root: {name: x}, trace: {duration: {above: 1s}, spans: {above: 1}, has_root: true}}",
    ],
)
def test_conditions_that_are_right(when):
    assert [] == about_when(when)


@pytest.mark.parametrize(
    ("when", "place", "message"),
    [
        ("{staus: error}", ".staus", 'unknown key "staus": did you mean "status"?'),
        ("{status: eror}", ".status", 'expected "unset", "ok" or "error", got the text "eror": did you mean "error"?'),
        ("{kind: sever}", ".kind", 'got the text "sever": did you mean "server"?'),
        ("{duration: {abov: 1s}}", ".duration.abov", 'unknown key "abov": did you mean "above"?'),
        ("{duration: 1s}", ".duration", "1s is no test: write {above: 1s}, or at_least, below or at_most"),
        ("{trace: {spans: 5}}", ".trace.spans", "5 is no test: write {above: 5}"),
        ("{duration: {above: 1 second}}", ".duration.above", "'1 second' is not a duration"),
        ("{duration: {above: 5}}", ".duration.above", "5 has no unit and counts nanoseconds: write 5s or 5ms"),
        ("{duration: {above: 2s, below: 1s}}", ".duration", "nothing is above 2 and below 1: correct the bounds"),
        ("{duration: {above: 1s, at_most: 1s}}", ".duration", "nothing is above 1 and at_most 1: correct the bounds"),
        ("{service: {macthes: x}}", ".service.macthes", 'unknown key "macthes": did you mean "matches"?'),
        ("{service: {}}", ".service", "this says nothing: give it one of not, matches, not_matches, or take it out"),
        ("{service: []}", ".service", "must have at least 1 entries"),
        ("{name: {matches: (}}", ".name.matches", '"(" is not a valid RE2 pattern: missing )'),
        ("{attributes: {a: {matches: (}}}", ".attributes.a.matches", '"(" is not a valid RE2 pattern: missing )'),
        ("{attributes: {a: }}", ".attributes", "a says nothing: to ask whether it is there write {exists: true}"),
        ("{attributes: {a: {}}}", ".attributes", "a says nothing: to ask whether it is there write {exists: true}"),
        ("{attributes: {a: {exists: false, above: 1}}}", ".attributes.a", "exists: false stands alone"),
        ("{attributes: {'': 1}}", ".attributes", "must have at least 1 characters"),
        ("{root: {trace: {spans: {above: 1}}}}", ".root.trace", 'unknown key "trace"'),
        ("{trace: {has_rot: true}}", ".trace.has_rot", 'did you mean "has_root"?'),
        ("{status: }", "", "this says nothing: give it one of service, name, kind, status, duration"),
        ("{}", "", "when says nothing: a rule without conditions is for all that is left; take when out"),
        ("", "", "when says nothing: a rule without conditions is for all that is left; take when out"),
    ],
)
def test_conditions_that_are_wrong(when, place, message):
    found = about_when(when)
    assert any(finding.startswith(f"rules[0].when{place}") or not place for finding in found), found
    assert any(message in finding for finding in found), found


@pytest.mark.parametrize("keep", [0, 5, 0.5e1, 100, "5%", "0.05%", "5 %", ".5%", "100%"])
def test_percentages_that_are_right(keep):
    assert [] == about(keep=keep)


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        (101, "must be at most 100"),
        (-1, "must be at least 0"),
        ("five", '"five" is not a percentage: write a number from 0 to 100, such as 5 or 5%'),
        ("-5%", '"-5%" is not a percentage'),
        (True, "expected a number, got true"),
        (float("nan"), "must be at most 100"),
        ("0.0000000000000001%", "is too little: write 0%, or at least 1.4e-15%"),
        (0.05, "0.05 is a percentage and keeps one trace in 2000: write 0.05% if that is meant, or 5"),
    ],
)
def test_percentages_that_are_wrong(keep, message):
    (found,) = about(keep=keep)
    assert found.startswith("rules[0].keep: ")
    assert message in found


def test_a_percentage_is_a_number():
    rules = Config.model_validate({"rules": [{"name": "a", "when": {"status": "error"}, "keep": "2.5%"}, REST]}).rules
    assert [2.5, 5] == [rule.keep for rule in rules]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ([], "no rule decides about the rest: add one at the end, such as {name: the rest, keep: 5%}, without when"),
        ([{"name": "a", "when": {"status": "error"}, "keep": 1}], "no rule decides about the rest"),
        ([{"name": "all", "keep": 1}, REST], 'the rule "rest" can never decide, as "all" has no conditions'),
        ([{"name": "rest", "when": {"status": "ok"}, "keep": 1}, REST], 'two rules are called "rest"'),
        (
            [{"name": name, "when": {"status": "ok"}, "keep": 1} for name in "ab"] + [REST],
            'the rule "b" can never decide, as "a" has the same conditions: take one out',
        ),
        ([{"name": "sampled_flag", "keep": 1}], "sampled_flag is the name of a rule that is built in"),
        ([{"name": "sampling.priority", "keep": 1}], "sampling.priority is the name of a rule that is built in"),
        ([{"name": "", "keep": 1}], "must have at least 1 characters"),
        ([{"name": "a"}], "is required"),
    ],
)
def test_rules_that_are_wrong(rules, message):
    assert any(message in finding for finding in findings(rules))


def test_a_word_that_is_none_is_told_once():
    """Not that a list would do as well."""
    [found] = about_when("{status: eror}")
    assert 'did you mean "error"?' in found


@pytest.mark.parametrize(
    ("value", "meant"),
    [(">=500", "{at_least: 500}"), ("< 5", "{below: 5}"), ("!=free", "{not: free}"), ("== 5", "5")],
)
def test_a_comparison_in_a_value_is_doubted(value, meant):
    found, *_ = about(when={"attributes": {"a": value}})
    assert f'rules[0].when.attributes.a: "{value}" is compared as a text: write {meant} to' in found


@pytest.mark.parametrize("value", [">", "=x", "a>5", "<unknown>", 5])
def test_other_values_are_not(value):
    assert [] == about(when={"attributes": {"a": value}})


def test_the_same_conditions_on_other_spans_are_other_conditions():
    when = {"status": "error", "service": "shop"}
    rules = [{"name": match, "when": when, "match": match, "keep": 50} for match in ("same_span", "any_span")]
    assert [] == findings([*rules, REST])


def test_the_effective_configuration_can_be_loaded_again():
    """Options that were left out are printed as null, which must not become conditions that say nothing."""
    whole = {
        "processors": {
            "priority_sampler": {
                "rules": [
                    {
                        "name": "a",
                        "when": {
                            "status": "error",
                            "root": {"service": {"not": "x"}, "duration": {"above": "1s"}},
                            "attributes": {"k": {"above": 1}},
                        },
                        "keep": "0.5%",
                    },
                    {"name": "b", "when": {"status": "ok"}, "keep": "0.00001%"},
                    REST,
                ]
            }
        },
        "receivers": {"nop": None},
        "exporters": {"nop": None},
        "service": {
            "pipelines": {"traces": {"receivers": ["nop"], "processors": ["priority_sampler"], "exporters": ["nop"]}}
        },
    }
    first = bind(load([f"yaml:{yaml.safe_dump(whole)}"]), Registry())
    assert "keep: 0.5%" in render_config(first, origins=False)
    second = bind(load([f"yaml:{render_config(first)}"]), Registry())
    assert [declared.config for declared in first.processors.values()] == [
        declared.config for declared in second.processors.values()
    ]
