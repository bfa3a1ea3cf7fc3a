"""Configurations of single components, from the tests of the Go collector: each gets the verdict that Go gives it."""

import json
from typing import Any

import pytest

from collector.api import AnyFactory, Kind
from collector.config import CatalogError, ConfigErrors, bind, load
from collector.data import Signal
from collector.runtime.registry import Registry
from collector.testing.cases import parameters, table

pytestmark = pytest.mark.conformance

TABLE = "configs/components/component_configs.json"
PLANNED = "is planned but not built yet"
# Verdicts of old versions that the newest Go collector no longer gives.
CHANGED = {
    ("exporter", "file", "file"): "path must be non-empty since v0.36",
    ("receiver", "jaeger", "jaeger/tls"): "tls_settings is tls since v0.36",
}


def find(kind: Kind, name: str) -> AnyFactory | None:
    try:
        return Registry().find(kind, name)
    except CatalogError:
        return None


def configuration(case: dict[str, Any]) -> dict[str, Any]:
    """Return a whole configuration around one component."""
    kind, name = Kind(case["kind"]), case["type"]
    factory = find(kind, name)
    signal = min(factory.signals if factory else Signal, key=lambda item: item is not Signal.TRACES).value
    pipeline = {"receivers": ["nop"], "processors": [], "exporters": ["nop"]}
    service: dict[str, Any] = {"pipelines": {signal: pipeline}}
    sections: dict[str, Any] = {"receivers": {"nop": None}, "exporters": {"nop": None}, "service": service}
    sections[kind.section] = {**sections.get(kind.section, {}), name: case["config"]}
    if kind is Kind.EXTENSION:
        service["extensions"] = [name]
    elif kind is Kind.CONNECTOR:
        pipeline["exporters"] = [name]
        service["pipelines"]["metrics"] = {"receivers": [name], "exporters": ["nop"]}
    else:
        pipeline[kind.section] = [name]
    return sections


@pytest.mark.parametrize("case", parameters(table(TABLE), lambda index, case: f"{index}-{case['type']}-{case['case']}"))
def test_verdict(case, tmp_path):
    key = (case["kind"], case["type"], case["case"])
    valid = case["valid"] and key not in CHANGED
    source = tmp_path / "c.yaml"
    source.write_text(json.dumps(configuration(case)).replace("$", "$$"))
    try:
        bind(load([str(source)], env={}), Registry())
    except ConfigErrors as error:
        errors = [str(item) for item in error.errors if PLANNED not in item.message]
        planned = len(errors) < len(error.errors)
        assert (errors == []) if valid else (errors or planned)
    else:
        assert valid, f"Go refuses it: {case['error_contains']}"
