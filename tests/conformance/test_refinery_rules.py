"""The processor `priority_sampler` against the tables of Refinery's rules, translated as docs/priority-sampling.md says.

Every case counts whose rules can be written here; the others are listed with the reason.
"""

import re
from typing import Any

import pytest

from collector.data import Signal, set_attribute
from collector.data.messages import Span
from collector.processing.patterns import Pattern
from collector.sampling.origin import Origins
from collector.sampling.trace import traces_of
from collector.testing import make_batch, make_settings
from collector.testing.cases import parameters, table
from processors.priority_sampler.conditions import ValueTest
from processors.priority_sampler.config import Config
from processors.priority_sampler.decider import RuleDecider
from processors.priority_sampler.values import value_test

pytestmark = pytest.mark.conformance

TABLE = table("sampling/refinery_rules.json")

BOUNDS = {"<": "below", "<=": "at_most", ">": "above", ">=": "at_least"}
TESTS = {
    "=": lambda value: value,
    "in": lambda value: value if isinstance(value, list) else [value],
    "!=": lambda value: {"not": value},
    "not-in": lambda value: {"not": value},
    "exists": lambda _: {"exists": True},
    "not-exists": lambda _: {"exists": False},
    "matches": lambda value: {"matches": value},
    "contains": lambda value: {"matches": re.escape(value)},
    "does-not-contain": lambda value: {"not_matches": re.escape(value)},
    "starts-with": lambda value: {"matches": f"^{re.escape(value)}"},
    **{operator: lambda value, bound=bound: {bound: float(value)} for operator, bound in BOUNDS.items()},
}


def untranslatable(case: dict[str, Any]) -> str:
    """Return why a case cannot be written as rules here; empty where it can."""
    rules = case["sampler"]["Rules"]
    if any("Fields" in condition for rule in rules for condition in rule.get("Conditions") or ()):
        return "one condition on several fields: write a rule for each"
    if any(rule.get("Sampler") for rule in rules):
        return "a rule with a sampler of its own: use adaptive_sampler"
    if case["sampler"].get("CheckNestedFields"):
        return "attributes of OTLP are not looked for inside of other attributes"
    if "no has-root-span guard" in case["expected_reason_contains"]:
        return "a condition on the root does not hold where there is no root"
    return ""


def condition_of(condition: dict[str, Any]) -> dict[str, Any]:
    """Return what stands under `when` for a condition."""
    operator, value, field = condition["Operator"], condition.get("Value"), condition.get("Field", "")
    if operator == "has-root-span":
        return {"trace": {"has_root": value}}
    if field == "?.NUM_DESCENDANTS":
        return {"trace": {"spans": {BOUNDS[operator]: value}}}
    wanted = {"attributes": {field.removeprefix("root."): TESTS[operator](value)}}
    return {"root": wanted} if field.startswith("root.") else wanted


def merged(conditions: list[dict[str, Any]]) -> dict[str, Any]:
    """Return conditions as one block."""
    block: dict[str, Any] = {}
    for condition in conditions:
        for key, value in condition.items():
            block[key] = merged([block.get(key, {}), value]) if isinstance(value, dict) else value
    return block


def rule_of(rule: dict[str, Any], number: int) -> dict[str, Any]:
    """Return a rule; what is dropped and what is kept by a rate differ, the rates themselves are not compared."""
    conditions = [condition_of(condition) for condition in rule.get("Conditions") or ()]
    keep = 0 if rule.get("Drop") else 100
    match = "same_span" if rule.get("Scope") == "span" else "any_span"
    return {"name": f"{number}", "match": match, "keep": keep} | ({"when": merged(conditions)} if conditions else {})


def decided(rules: list[dict[str, Any]], spans: list[dict[str, Any]]) -> Any:
    """Return the number of the rule that decides about a trace of these fields, None for no rule."""
    written = [rule_of(rule, number) for number, rule in enumerate(rules)]
    if "when" in written[-1]:
        written.append({"name": "no rule matched", "keep": 100})
    decider = RuleDecider(Config.model_validate({"rules": written}), make_settings("priority_sampler"))
    roots = [number for number, span in enumerate(spans) if span.get("root") or span.get("root_candidate")]
    messages = [make_span(span["fields"], number in roots[-1:]) for number, span in enumerate(spans)]
    (trace,) = traces_of(make_batch(Signal.TRACES, messages), Origins()).values()
    rule = decider.decide(trace).rule
    return int(rule) if rule.isdigit() else None


def make_span(fields: dict[str, Any], is_root: bool) -> Any:
    span = Span(trace_id=b"1" * 16, parent_span_id=b"" if is_root else b"12345678")
    for key, value in fields.items():
        set_attribute(span.attributes, key, value)
    return span


@pytest.mark.parametrize("case", parameters(TABLE.get("rule_cases", ()), lambda index, case: f"{index}-{case['test']}"))
def test_a_rule_decides(case):
    if reason := untranslatable(case):
        pytest.skip(reason)
    rules = case["sampler"]["Rules"]
    names = [rule["Name"] for rule in rules]
    number = decided(rules, case["spans"])
    if number is None:
        assert 1 == case["expected_rate"]
    else:
        assert names[number] in case["expected_reason_contains"]
    if case.get("expected_keep") is False:
        assert rules[number].get("Drop")


@pytest.mark.parametrize("case", parameters(TABLE.get("span_scope_cases", ()), lambda _, case: case["name"]))
@pytest.mark.parametrize("scope", ["span", "trace"])
def test_scopes(case, scope):
    rule = {"Scope": scope, "Drop": True, "Conditions": case["conditions"]}
    spans = [{"fields": fields} for fields in case["spans"]]
    assert case[f"keep_scope_{scope}"] == (decided([rule], spans) == 0)


@pytest.mark.parametrize("case", parameters(TABLE.get("regex_cases", ()), lambda index, _: str(index)))
def test_patterns(case):
    if case["invalid_regex"]:
        with pytest.raises(ValueError, match="is not a valid RE2 pattern"):
            Pattern(case["regex"])
    else:
        wanted = ValueTest(matches=case["regex"])
        assert case["matches"] == value_test(wanted)(case["value"])


@pytest.mark.parametrize("case", parameters(TABLE.get("compare_operator_cases", ()), lambda _, case: case["name"]))
def test_comparisons(case):
    actual, operator, wanted = case["actual"], case["operator"], case["value"]
    if operator in BOUNDS and not isinstance(wanted, int | float):
        pytest.skip("texts have no order here")
    if case["datatype"] == "bool" and not isinstance(wanted, bool):
        pytest.skip("a number is no boolean here")
    assert case["matches"] == (decided([one_rule(operator, wanted)], [{"fields": {"test": actual}}]) == 0)


@pytest.mark.parametrize("case", parameters(TABLE.get("in_operator_cases", ()), lambda _, case: case["name"]))
def test_lists(case):
    if case["error"]:
        pytest.skip("refused there, and taken here: booleans in a list")
    if not case["datatype"]:
        pytest.skip("without a datatype, types must be the same there; here they are forgiven")
    fields = {"test": case["actual"]}
    assert case["in_matches"] == (decided([one_rule("in", case["value"])], [{"fields": fields}]) == 0)


def one_rule(operator: str, value: Any) -> dict[str, Any]:
    return {"Drop": True, "Conditions": [{"Field": "test", "Operator": operator, "Value": value}]}
