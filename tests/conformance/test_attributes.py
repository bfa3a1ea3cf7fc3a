"""Attribute actions against the tables of the collector written in Go."""

import json
import os
from pathlib import Path

import pytest
from google.protobuf import json_format

from collector.data import Signal
from collector.data.messages import Span
from collector.testing import items_of, make_batch, make_settings
from processors.attributes import FACTORY

pytestmark = pytest.mark.conformance

CASES = Path(os.environ.get("SPANMILL_CONFORMANCE", Path(__file__).parents[3] / "shared" / "conformance"))
TABLE = CASES / "processors" / "attributes_actions.json"


def cases():
    """Return the table's cases as parameters; a skip where the table is not there."""
    if not TABLE.exists():
        return [pytest.param({}, id="absent", marks=pytest.mark.skip(reason=f"needs {TABLE}"))]
    return [pytest.param(case, id=case["case"]) for case in json.loads(TABLE.read_text())["cases"]]


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
