"""The options, and what is refused."""

import re

import pytest
from pydantic import ValidationError

from processors.tail_sampling import Config

ALL = {"name": "all", "type": "always_sample"}
LIMIT = {"name": "limit", "type": "rate_limiting", "rate_limiting": {"spans_per_second": 1}}
SLOW = {"name": "slow", "type": "latency", "latency": {"threshold_ms": 1}}
NOT_SO_SLOW = {"name": "not-so-slow", "type": "latency", "latency": {"upper_threshold_ms": 9}}
COUNT = {"name": "count", "type": "span_count", "span_count": {"min_spans": 1}}
NOT_SO_MANY = {"name": "not-so-many", "type": "span_count", "span_count": {"max_spans": 9}}


def configured(**options):
    return Config.model_validate(options)


def combined(kind, *policies):
    if kind == "not":
        return {"name": kind, "type": kind, kind: {"not_sub_policy": policies[0]}}
    return {"name": kind, "type": kind, kind: {f"{kind}_sub_policy": list(policies)}}


def test_defaults_of_the_collector():
    """Where it has the option; the caches are on here."""
    config = configured()
    assert config.sampling_strategy == "trace-complete"
    assert (config.decision_wait, config.num_traces, config.num_shards) == (30, 50_000, 1)
    assert (config.sample_on_first_match, config.maximum_trace_size_bytes) == (False, 0)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"type": "always_sample"}, "policy name cannot be empty"),
        ({"name": "p", "type": "always"}, "'always_sample', 'and'"),
        ({"name": "p"}, "type"),
        ({"name": "p", "type": "status_code"}, "at least one status code"),
        (
            {"name": "p", "type": "status_code", "status_code": {"status_codes": ["ERR"]}},
            "'OK', 'ERROR' or 'UNSET'",
        ),
        ({"name": "p", "type": "numeric_attribute"}, "set numeric_attribute.min_value or max_value"),
        ({"name": "p", "type": "not"}, "set not.not_sub_policy"),
        (
            {
                "name": "p",
                "type": "string_attribute",
                "string_attribute": {"values": ["(?=a)"], "enabled_regex_matching": True},
            },
            "not a valid RE2 pattern",
        ),
        ({"name": "p", "type": "latency", "latency": {"threshold": 5}}, "latency.threshold"),
        ({"name": "p", "type": "latency", "latency": {"enabled": False}}, "needs its options"),
        ({"name": "p", "type": "span_count", "span_count": {"min_spans": 2**31}}, "min_spans"),
        ({"name": "p", "type": "probabilistic", "probabilistic": {"sampling_percentage": float("nan")}}, "finite"),
        (combined("and", combined("and", ALL)), 'the policy "and" of type and cannot stand inside of and'),
        (combined("and", combined("drop", ALL)), "inside of and"),
        (combined("drop", combined("composite", ALL)), "inside of drop"),
        (combined("composite", combined("not", ALL)), "inside of composite"),
        (combined("not", combined("not", ALL)), "inside of not"),
    ],
)
def test_a_policy_that_is_refused(policy, message):
    """With what to change."""
    with pytest.raises(ValueError, match=re.escape(message)):
        configured(policies=[policy])


@pytest.mark.parametrize(
    "policy",
    [
        combined("and", combined("not", ALL), ALL),
        combined("drop", combined("not", ALL), ALL),
        combined("composite", combined("and", ALL), ALL),
        combined("not", ALL),
        {"name": "p", "type": "always_sample", "always_sample": {}, "trace_flags": None},
        {"name": "p", "type": "latency"},
        {"name": "p", "type": "string_attribute", "string_attribute": {"values": ["(?=a)"]}},
    ],
)
def test_a_policy_that_is_taken(policy):
    assert configured(policies=[policy]).policies


def test_a_policy_has_the_block_of_its_type_and_no_other():
    """So that a configuration that is printed shows what counts."""
    (policy,) = configured(policies=[{"name": "p", "type": "latency"}]).policies
    blocks = {name for name, block in policy.model_dump(by_alias=True).items() if block is not None}
    assert {"name", "type", "latency"} == blocks


def test_each_condition_that_is_none_is_told_at_its_place():
    wrong = {"span": ["name = 5", 'name == "x"', "colour == 1"], "spanevent": ["kind == 1"]}
    with pytest.raises(ValidationError) as caught:
        configured(policies=[{"name": "p", "type": "ottl_condition", "ottl_condition": wrong}])
    places = [error["loc"][-2:] for error in caught.value.errors()]
    assert [("span", 0), ("span", 2), ("spanevent", 0)] == places


def test_names_are_unique():
    with pytest.raises(ValueError, match='duplicate policy name "all"'):
        configured(policies=[ALL, ALL])


@pytest.mark.parametrize(
    "policy",
    [
        LIMIT,
        NOT_SO_SLOW,
        NOT_SO_MANY,
        {"name": "bytes", "type": "bytes_limiting"},
        combined("and", ALL, LIMIT),
        combined("composite", combined("and", NOT_SO_MANY)),
        combined("not", NOT_SO_SLOW),
        combined("drop", LIMIT),
    ],
)
def test_span_ingest_refuses_what_a_later_span_may_take_back(policy):
    """As the collector written in Go does; `trace-complete` takes it."""
    with pytest.raises(ValueError, match=f'policy "{policy["name"]}" is stateful'):
        configured(policies=[policy], sampling_strategy="span-ingest")
    assert configured(policies=[policy]).policies


@pytest.mark.parametrize("policy", [ALL, SLOW, COUNT, combined("and", SLOW, COUNT), combined("composite", ALL)])
def test_span_ingest_takes_the_others(policy):
    assert configured(policies=[policy], sampling_strategy="span-ingest").policies


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_shards": 257}, "num_shards"),
        ({"num_shards": 2, "tail_storage": "pebble"}, "not supported with tail_storage"),
        ({"sampling_strategy": "sometimes"}, "sampling_strategy"),
        ({"maximum_trace_size_bytes": -1}, "maximum_trace_size_bytes"),
    ],
)
def test_an_option_that_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        configured(**options)


def test_options_of_the_collector_that_change_nothing_are_taken():
    assert configured(num_shards=4, expected_new_traces_per_sec=100).num_shards == 4
    assert configured(tail_storage="pebble_tail_storage").tail_storage


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"max_trace_mib": 0}, 0),
        ({"max_trace_mib": 1}, 2**20),
        ({"max_trace_mib": 1, "maximum_trace_size_bytes": 99}, 99),
        ({"max_trace_mib": 1, "maximum_trace_size_bytes": 2**21}, 2**20),
        ({"max_trace_mib": 0, "maximum_trace_size_bytes": 99}, 99),
    ],
)
def test_a_trace_waits_no_longer_than_either_size_allows(options, expected):
    assert expected == configured(**options).max_trace_bytes
