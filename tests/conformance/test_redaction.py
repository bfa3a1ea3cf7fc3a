"""Redaction against the tables of the collector written in Go, for every kind of thing that has attributes."""

import pytest
from google.protobuf import json_format

from collector.data import Signal
from collector.data.messages import LogRecord, Metric, Span
from collector.testing import items_of, make_batch, make_settings
from collector.testing.cases import parameters, table
from processors.redaction import FACTORY

pytestmark = pytest.mark.conformance

POINTS = ("gauge", "sum", "histogram", "exponentialHistogram", "summary")


def cases():
    return parameters(table("processors/redaction.json").get("cases", ()), lambda _, case: case["test"])


def canonical(pairs):
    """Return attributes in one order: the tables compare them as a set."""
    return sorted(pairs, key=lambda pair: pair["key"])


def redact(case, signal, item):
    """Return the item, as JSON, after the case's processor."""
    config = FACTORY.config.model_validate(case["config"])
    process = FACTORY.create(config, make_settings("redaction", signals=frozenset({signal})), None).transform
    [result] = items_of(process(make_batch(signal, [item])))
    return json_format.MessageToDict(result)


@pytest.mark.parametrize("case", cases())
def test_spans(case):
    """A span comes out with the attributes of the table."""
    span = json_format.ParseDict({"attributes": case["input_attributes"]}, Span())
    assert canonical(case["expected_attributes"]) == canonical(redact(case, Signal.TRACES, span)["attributes"])


@pytest.mark.parametrize("case", cases())
def test_log_records(case):
    """A log record comes out with the attributes of the table."""
    record = json_format.ParseDict({"attributes": case["input_attributes"]}, LogRecord())
    assert canonical(case["expected_attributes"]) == canonical(redact(case, Signal.LOGS, record)["attributes"])


@pytest.mark.parametrize("kind", POINTS)
@pytest.mark.parametrize("case", cases())
def test_data_points(case, kind):
    """A data point of any kind of metric comes out with the attributes of the table."""
    metric = json_format.ParseDict({kind: {"dataPoints": [{"attributes": case["input_attributes"]}]}}, Metric())
    [point] = redact(case, Signal.METRICS, metric)[kind]["dataPoints"]
    assert canonical(case["expected_attributes"]) == canonical(point["attributes"])
