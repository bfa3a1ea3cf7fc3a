"""Attribute actions against the tables of the collector written in Go."""

import pytest
from google.protobuf import json_format

from collector.data import Signal
from collector.data.messages import Span
from collector.testing import items_of, make_batch, make_settings
from collector.testing.cases import parameters, table
from processors.attributes import FACTORY

pytestmark = pytest.mark.conformance


def cases():
    return parameters(table("processors/attributes_actions.json").get("cases", ()), lambda _, case: case["case"])


def canonical(pairs):
    """Return attributes in one order: the tables compare them as a set."""
    return sorted(pairs, key=lambda pair: pair["key"])


@pytest.mark.parametrize("case", cases())
def test_actions(case):
    """One span through the processor comes out with the attributes of the table."""
    config = FACTORY.config.model_validate(case["config"])
    process = FACTORY.create(config, make_settings("attributes", signals=frozenset({Signal.TRACES})), None).transform
    span = json_format.ParseDict({"attributes": case["input_attributes"]}, Span())
    [result] = items_of(process(make_batch(Signal.TRACES, [span])))
    # Of several outcomes that upstream had over time, the first is the newest.
    expected = case.get("expected_attributes_any_of", [case.get("expected_attributes")])[0]
    assert canonical(expected) == canonical(json_format.MessageToDict(result).get("attributes", []))
