"""OTTL conditions against public tables: those of filters, of `where` clauses and of sampling policies.

Only conditions are looked at. Where a table shows what a whole statement does, the condition of the statement is held
against what it did: which items it changed, or which value it set.
"""

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import yaml

from collector.data import Signal, get_attribute, set_attribute
from collector.data.messages import REQUESTS, Span
from collector.data.otlp_json import decode
from collector.ottl import EvaluationError, Record, conditions
from collector.ottl.parser import parse_condition
from collector.testing.cases import CASES, parameters, table

pytestmark = pytest.mark.conformance

FILTERS = "processors/filter_traces.json"
TRANSFORMATIONS = "processors/transform_traces.json"
STATEMENTS = "processors/ottl_log_statements.json"
POLICIES = "sampling/tail_sampling_policies.json"

LEVELS = ("resource", "scope", "span", "spanevent")
STATEMENT = re.compile(r"(?P<editor>\w+)\((?P<arguments>.*?)\)(?: where (?P<condition>.+))?\s*")
SET = re.compile(r'set\((?:span\.|log\.)?attributes\["test"\], (?P<value>.+)\)')


class Source(NamedTuple):
    """Where items come from."""

    resource: Any
    scope: Any = None
    resource_schema_url: str = ""
    scope_schema_url: str = ""


def request(signal: Signal, payload: dict[str, Any]) -> Any:
    return REQUESTS[signal].FromString(decode(signal, json.dumps(payload).encode()))


def level_of(group: dict[str, Any]) -> str:
    """Return the context of conditions or statements: as given, or the innermost that a path begins with."""
    texts = " ".join([*group.get("conditions", ()), *group.get("statements", ())])
    named = [level for level in LEVELS if re.search(rf"\b{level}\.", texts)]
    return group.get("context") or named[-1]


def records(traces: Any, level: str) -> Iterator[tuple[Record, Any, Any]]:
    """Yield the records of a context, each with the list that holds it and with it itself."""
    for resource in list(traces.resource_spans):
        source = Source(resource.resource, resource_schema_url=resource.schema_url)
        if level == "resource":
            yield Record(source), traces.resource_spans, resource
            continue
        for scope in list(resource.scope_spans):
            inner = Source(resource.resource, scope.scope, resource.schema_url, scope.schema_url)
            if level == "scope":
                yield Record(inner), resource.scope_spans, scope
                continue
            for span in list(scope.spans):
                if level == "span":
                    yield Record(inner, span), scope.spans, span
                    continue
                for index, event in enumerate(list(span.events)):
                    yield Record(inner, span, event, index), span.events, event


def drop(traces: Any, level: str, texts: list[str], error_mode: str) -> None:
    """Take out what a filter with these conditions takes out, with all that is empty then."""
    checks = conditions(level, texts, None if error_mode == "propagate" else lambda *_: None)
    for record, siblings, item in records(traces, level):
        if checks.hold(record):
            siblings.remove(item)
    for resource in list(traces.resource_spans):
        for scope in list(resource.scope_spans):
            if not scope.spans:
                resource.scope_spans.remove(scope)
        if not resource.scope_spans:
            traces.resource_spans.remove(resource)


def filtered(config: dict[str, Any], traces: Any) -> Any:
    for level, texts in config.get("traces", {}).items():
        drop(traces, level, texts, config.get("error_mode", "ignore"))
    for group in config.get("trace_conditions", ()):
        mode = group.get("error_mode") or config.get("error_mode", "ignore")
        drop(traces, level_of(group), group["conditions"], mode)
    return traces


@pytest.mark.parametrize(
    "case", parameters(table(FILTERS).get("cases", ()), lambda index, case: f"{index}-{case['name']}")
)
def test_filter(case):
    """What a filter's conditions drop is dropped, and nothing else."""
    traces = request(Signal.TRACES, table(FILTERS)["input"])
    if case.get("config_valid") is False:
        with pytest.raises(ValueError, match="unknown converter"):
            filtered(case["config"], traces)
    elif case.get("expected_error"):
        with pytest.raises(EvaluationError):
            filtered(case["config"], traces)
    else:
        expected = request(Signal.TRACES, case["expected"] or {"resourceSpans": []})
        assert expected == filtered(case["config"], traces)


def where_clauses() -> list[Any]:
    """Return the statements whose condition stands alone: it depends on nothing that another statement did."""
    return [
        case
        for case in table(TRANSFORMATIONS).get("cases", ())
        if "expected" in case
        and len(case["trace_statements"]) == 1
        and len(case["trace_statements"][0]["statements"]) == 1
        and " where " in case["trace_statements"][0]["statements"][0]
    ]


@pytest.mark.parametrize("case", parameters(where_clauses(), lambda index, case: f"{index}-{case['name']}"))
def test_where(case):
    """A condition holds for those items that its statement changed."""
    [group] = case["trace_statements"]
    level = level_of(group)
    checks = conditions(level, [STATEMENT.fullmatch(group["statements"][0])["condition"]])
    before = records(request(Signal.TRACES, table(TRANSFORMATIONS)["input"]), level)
    after = records(request(Signal.TRACES, case["expected"]), level)
    for (record, _, item), (_, _, changed) in zip(before, after, strict=True):
        assert (item != changed) == checks.hold(record)


@pytest.mark.parametrize(
    "case",
    parameters(
        (case for case in table(TRANSFORMATIONS).get("cases", ()) if "config_valid" in case),
        lambda index, case: f"{index}-{case['name']}",
    ),
)
def test_conditions_of_statements(case):
    """Conditions of groups of statements are read."""
    assert case["config_valid"]
    [group] = case["trace_statements"]
    conditions(level_of(group), group["conditions"])


def log_of(payload: dict[str, Any]) -> tuple[Source, Any]:
    resource = request(Signal.LOGS, payload).resource_logs[0]
    scope = resource.scope_logs[0]
    return Source(resource.resource, scope.scope, resource.schema_url, scope.schema_url), scope.log_records[0]


def log_statements() -> list[Any]:
    return [case for case in table(STATEMENTS).get("cases", ()) if SET.match(case["statement"])]


# What only transformations use; an unknown converter in a condition is an error that names the nearest known one.
TRANSFORMING = re.compile(r'ExtractPatterns|ParseCSV|ParseKeyValue|ParseXML|Log\(|Time\(|"camel"')


@pytest.mark.parametrize("case", parameters(log_statements(), lambda index, case: f"{index}-{case['statement']}"))
def test_log_statement(case):
    """A condition holds where its statement did its work; a value that a statement sets is the one that was set."""
    source, log = log_of(table(STATEMENTS)["input"])
    _, changed = log_of(case["expected"])
    outcome = get_attribute(changed.attributes, "test")
    statement, _, condition = case["statement"].partition(" where ")
    if condition:
        assert (outcome is not None) == conditions("log", [condition]).hold(Record(source, log))
        return
    value = SET.fullmatch(statement)["value"]
    set_attribute(log.attributes, "test", outcome)
    if TRANSFORMING.search(value):
        with pytest.raises(ValueError, match="is no OTTL condition"):
            conditions("log", [f'attributes["test"] == {value}'])
    else:
        assert conditions("log", [f'attributes["test"] == {value}']).hold(Record(source, log))


def policy_cases() -> list[Any]:
    cases = table(POLICIES).get("cases", ())
    return [case for case in cases if case["policy"]["type"] == "ottl_condition"]


@pytest.mark.parametrize("case", parameters(policy_cases(), lambda index, case: f"{index}-{case['case']}"))
def test_policy(case):
    """A trace is sampled where a condition holds for a span or for one of its events."""
    policy = case["policy"]["ottl_condition"]
    spans, events = conditions("span", policy["span"]), conditions("spanevent", policy["spanevent"])
    source = Source(Span(), Span())
    sampled = False
    for given in case["trace"]["spans"]:
        span = Span()
        for key, value in given.get("attributes", {}).items():
            set_attribute(span.attributes, key, value)
        for event in given.get("events", ()):
            added = span.events.add(name=event["name"])
            for key, value in event.get("attributes", {}).items():
                set_attribute(added.attributes, key, value)
        sampled |= spans.hold(Record(source, span))
        sampled |= any(events.hold(Record(source, span, event)) for event in span.events)
    assert case["sampled"] == sampled


def configured() -> list[Any]:
    """Return the conditions of sampling policies in public configurations, with their contexts."""
    found = []
    for path in sorted((CASES / "configs").glob("*valid/*.yaml")):
        text = path.read_text()
        for policies in re.findall(r"ottl_condition: (\{.*?\})", text, re.DOTALL):
            policy = yaml.safe_load(policies)
            found += [(level, condition) for level in ("span", "spanevent") for condition in policy.get(level, ())]
    return found


@pytest.mark.parametrize("condition", parameters(configured(), lambda index, given: f"{index}-{given[1]}"))
def test_configured(condition):
    """Conditions that people configured are read, and are what they were when they are written again."""
    level, text = condition
    conditions(level, [text])
    assert parse_condition(text) == parse_condition(str(parse_condition(text)))
