"""Sampling against public vectors: the tables of the collector written in Go and of the W3C.

Where a row leaves out an option, it means Go's zero value, not the default of a configuration file.
"""

from typing import Any

import pytest
from google.protobuf import json_format

from collector.data import Batch, Signal
from collector.data.messages import REQUESTS, Span
from collector.processing.fnv import FNV1A_32
from collector.processing.probability import (
    adjusted_count,
    format_threshold,
    parse_randomness,
    parse_threshold,
    probability_of,
    randomness_of,
    threshold_of,
)
from collector.processing.tracestate import OtelTraceState, TraceState
from collector.testing import make_settings
from collector.testing.cases import parameters, table
from processors.probabilistic_sampler import Config, build
from processors.probabilistic_sampler.hashing import seeded

pytestmark = pytest.mark.conformance

MODES = ("hash_seed", "equalizing", "proportional")


def rows(name: str, *keys: str):
    """Return a table's rows as parameters, named after what is in them."""
    found = table(name)
    for key in keys if found else ():
        found = found[key]
    return parameters(found, lambda index, row: f"{index}-{row['name']}" if "name" in row else str(index))


def sample(config: dict[str, Any], span: Span) -> Any:
    """Return the span as it comes out, or None."""
    request = REQUESTS[Signal.TRACES]()
    request.resource_spans.add().scope_spans.add().spans.append(span)
    batch = build(Config.model_validate(config), make_settings("probabilistic_sampler"))(
        Batch(Signal.TRACES, request.SerializeToString())
    )
    if batch is None:
        return None
    request = REQUESTS[Signal.TRACES].FromString(batch.payload)
    return request.resource_spans[0].scope_spans[0].spans[0]


def make_span(row: dict[str, Any]) -> Any:
    """Return the span that a row describes."""
    span = Span(
        trace_id=bytes.fromhex(row["trace_id"]),
        span_id=bytes.fromhex(row.get("span_id", "0102030405060708")),
        trace_state=row.get("tracestate_in", ""),
        name="operation",
    )
    if row.get("attribute"):
        json_format.ParseDict(row["attribute"], span.attributes.add())
    return span


def written(state: OtelTraceState) -> dict[str, str]:
    """Return `rv` and `th` as they are written again, empty where they are missing."""
    fields = dict(field.split(":", 1) for field in str(state).split(";") if field)
    return {key: fields.get(key, "") for key in ("rv", "th")}


HASH_SEED = "sampling/probabilistic_sampler_hash_seed.json"
TRACE_STATE = "sampling/probabilistic_sampler_tracestate.json"
PARSE = "sampling/tracestate_parse.json"
THRESHOLDS = "sampling/threshold_conversion.json"


@pytest.mark.parametrize("row", rows(HASH_SEED, "known_hashes"))
def test_hash(row):
    assert row["bucket"] == FNV1A_32.of(bytes.fromhex(row["bytes_hex"]), seeded(row["seed"])) & 0x3FFF


@pytest.mark.parametrize("row", rows(HASH_SEED, "cases"))
def test_hash_seed(row):
    config = {"hash_seed": row["hash_seed"], "sampling_percentage": row["sampling_percentage"]}
    assert row["sampled"] == (sample(config, make_span(row)) is not None)


@pytest.mark.parametrize("row", rows(TRACE_STATE, "trace_state"))
def test_trace_state(row):
    span = sample({"fail_closed": False} | row["config"], make_span(row))
    assert row["sampled"] == (span is not None)
    if span is not None:
        assert row["tracestate_out"] == span.trace_state
        threshold = TraceState.parse(span.trace_state).ot.threshold
        assert row["adjusted_count"] == pytest.approx(adjusted_count(threshold), rel=1e-3)


@pytest.mark.parametrize("row", rows(TRACE_STATE, "errors_fail_closed"))
def test_errors_are_dropped_and_told(row, capsys):
    config = {"mode": row["mode"]} | row["config"]
    assert row["sampled"] == (sample(config, make_span(row)) is not None)
    assert row["log_contains"] in capsys.readouterr().out


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("row", rows(TRACE_STATE, "missing_randomness", "cases"))
def test_missing_randomness(mode, row):
    config = {
        "mode": mode,
        "hash_seed": table(TRACE_STATE)["missing_randomness"]["hash_seed"],
        "sampling_percentage": row["sampling_percentage"],
        "fail_closed": row["fail_closed"],
    }
    assert row["sampled"] == (sample(config, make_span(row)) is not None)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("row", rows(TRACE_STATE, "span_sampling_priority", "cases"))
def test_span_sampling_priority(mode, row):
    config = {"mode": mode, "hash_seed": 4312, "sampling_percentage": row["sampling_percentage"]}
    assert row["sampled"] == (sample(config, make_span(row)) is not None)


@pytest.mark.parametrize("row", rows(TRACE_STATE, "priority_attribute_parsing"))
@pytest.mark.parametrize("percentage", [0, 100])
def test_priority_attribute_parsing(row, percentage):
    attribute = row["value"] and {"key": "sampling.priority", "value": row["value"]}
    kept = {"defer": percentage == 100, "must_sample": True, "do_not_sample": False}[row["meaning"]]
    span = make_span({"trace_id": "0102030405060708090a0b0c0d0e0f10", "attribute": attribute})
    assert kept == (sample({"sampling_percentage": percentage}, span) is not None)


@pytest.mark.parametrize("row", rows(TRACE_STATE, "hash_seed_mode_tracestate", "cases"))
def test_hash_seed_mode_writes_threshold_and_randomness(row):
    config = {key: row[key] for key in ("sampling_percentage", "sampling_precision", "mode", "hash_seed")}
    spans = (sample(config, make_span({"trace_id": f"{number:032x}"})) for number in range(1, 200))
    states = [TraceState.parse(span.trace_state).ot for span in spans if span is not None]
    assert states
    for state in states:
        assert row["th_out"] == format_threshold(state.threshold)
        assert state.randomness >= state.threshold


@pytest.mark.parametrize("mode", [pytest.param(mode, id=mode or "unset") for mode in ("", *MODES)])
def test_modes(mode):
    assert mode == Config(mode=mode).mode


@pytest.mark.parametrize("row", rows(PARSE, "ot_value"))
def test_ot_value(row):
    if row["error"]:
        with pytest.raises(ValueError, match=r"syntax|more than|hex digits"):
            OtelTraceState.parse(row["input"])
        return
    state = OtelTraceState.parse(row["input"])
    assert {"rv": row["rv"], "th": row["th"]} == written(state)
    assert row["extra"] == state.extra


@pytest.mark.parametrize("row", rows(PARSE, "ot_update"))
def test_ot_update(row):
    state = OtelTraceState.parse(row["input"]) if row["input"] else OtelTraceState()
    assert row["adjusted_count_in"] == pytest.approx(0 if state.threshold is None else adjusted_count(state.threshold))
    state.raise_threshold(threshold_of(row["update_probability"]))
    assert row["output"] == str(state)
    assert row["adjusted_count_out"] == pytest.approx(adjusted_count(state.threshold))


@pytest.mark.parametrize("row", rows(PARSE, "ot_serialize"))
def test_ot_serialize(row):
    state = OtelTraceState.parse(row["input"])
    if "set_th" in row:
        state.set_threshold(parse_threshold(row["set_th"]))
    if "set_rv" in row:
        state.set_randomness(parse_randomness(row["set_rv"]))
    if "th" in row.get("clear", ()):
        state.set_threshold(None)
    if "rv" in row.get("clear", ()):
        state.set_randomness(None)
    assert row["serialized"] == str(state)


@pytest.mark.parametrize("row", rows(PARSE, "w3c"))
def test_w3c(row):
    if row["error"]:
        with pytest.raises(ValueError, match=r"syntax|more than"):
            TraceState.parse(row["input"])
        return
    state = TraceState.parse(row["input"])
    assert {"rv": row["rv"], "th": row["th"]} == written(state.ot)
    assert row["extra"] == dict(member.split("=", 1) for member in state.others)


@pytest.mark.parametrize("text", table(PARSE).get("w3c_grammar", {}).get("valid", []))
def test_w3c_grammar_valid(text):
    TraceState.parse(text)


@pytest.mark.parametrize("text", table(PARSE).get("w3c_grammar", {}).get("invalid", []))
def test_w3c_grammar_invalid(text):
    with pytest.raises(ValueError, match="syntax"):
        TraceState.parse(text)


@pytest.mark.parametrize(
    "row", [*rows(THRESHOLDS, "probability_to_th"), *rows(THRESHOLDS, "probability_to_th_adjacent_floats")]
)
def test_probability_to_threshold(row):
    assert row["th"] == format_threshold(threshold_of(row["probability"]))


@pytest.mark.parametrize("row", rows(THRESHOLDS, "precision"))
def test_precision(row):
    assert row["th_exact"] == format_threshold(threshold_of(row["probability"]))
    for rounded in row["rounded"]:
        assert rounded["th"] == format_threshold(threshold_of(row["probability"], rounded["precision"]))


@pytest.mark.parametrize("row", rows(THRESHOLDS, "very_small"))
def test_very_small(row):
    assert row["th"] == format_threshold(threshold_of(row["probability"], row["precision"]))


@pytest.mark.parametrize("probability", table(THRESHOLDS).get("invalid_probability", []))
def test_invalid_probability(probability):
    with pytest.raises(ValueError, match="probability"):
        threshold_of(probability)


@pytest.mark.parametrize("row", rows(THRESHOLDS, "th_to_probability"))
def test_threshold_to_probability(row):
    expected = pytest.approx(row["probability"], rel=row.get("rel_tolerance", 0))
    assert expected == probability_of(parse_threshold(row["th"]))


@pytest.mark.parametrize("row", rows(THRESHOLDS, "th_greater"))
def test_threshold_order(row):
    assert row["greater"] == (parse_threshold(row["a"]) > parse_threshold(row["b"]))


@pytest.mark.parametrize("row", [*rows(THRESHOLDS, "rv_syntax"), *rows(THRESHOLDS, "th_syntax")])
def test_syntax(row):
    parse, text = (parse_randomness, row["rv"]) if "rv" in row else (parse_threshold, row["th"])
    if row["ok"]:
        parse(text)
        return
    with pytest.raises(ValueError, match=r"hex digits|syntax"):
        parse(text)


@pytest.mark.parametrize("row", rows(THRESHOLDS, "should_sample"))
def test_should_sample(row):
    randomness = parse_randomness(row["rv"]) if "rv" in row else randomness_of(bytes.fromhex(row["trace_id"]))
    assert row["sampled"] == (parse_threshold(row["th"]) <= randomness)


@pytest.mark.parametrize("row", rows(THRESHOLDS, "spec_examples"))
def test_spec_examples(row):
    if "precision" in row:
        assert row["th"] == format_threshold(threshold_of(row["probability"], row["precision"]))
    else:
        assert row["probability"] == probability_of(TraceState.parse(row["tracestate"]).ot.threshold)


@pytest.mark.parametrize("row", rows("w3c/tracestate_parse.json", "headers"))
def test_w3c_headers(row):
    if "@=" in row["input"]:
        pytest.skip("a key of Trace Context Level 2; the OpenTelemetry Collector reads Level 1")
    assert row["serialized"] == str(TraceState.parse(row["input"]))


@pytest.mark.parametrize("row", rows("w3c/tracestate_parse.json", "entries"))
def test_w3c_entries(row):
    if "@@" in row["key"] or row["key"][0].isdigit():
        pytest.skip("a key of Trace Context Level 2; the OpenTelemetry Collector reads Level 1")
    text = f"{row['key']}={row['value']}"
    if row["valid"]:
        assert text == str(TraceState.parse(text))
        return
    with pytest.raises(ValueError, match="syntax"):
        TraceState.parse(text)
