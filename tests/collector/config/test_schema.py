"""The schema is checked with as much of JSON Schema as it uses."""

import re
from typing import Any

import pytest
import yaml

from collector.config.schema import json_schema

TYPES = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "object": dict,
    "array": list,
    "null": type(None),
}


def fits(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:  # noqa: PLR0911 - a keyword, a line
    """Return whether a value is valid, by the keywords that the schema uses."""
    if "$ref" in schema and not fits(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root):
        return False
    if "anyOf" in schema and not any(fits(value, member, root) for member in schema["anyOf"]):
        return False
    kinds = schema.get("type", list(TYPES))
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not any(isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool)) for kind in kinds):
        return False
    if ("enum" in schema and value not in schema["enum"]) or ("const" in schema and value != schema["const"]):
        return False
    if isinstance(value, str):
        return re.search(schema.get("pattern", ""), value) is not None
    if isinstance(value, list):
        return all(fits(item, schema.get("items", {}), root) for item in value)
    if isinstance(value, dict):
        return object_fits(value, schema, root)
    return "minimum" not in schema or value is None or value >= schema["minimum"]


def object_fits(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any]) -> bool:
    if any(key not in value for key in schema.get("required", [])):
        return False
    if not all(fits(key, schema.get("propertyNames", {}), root) for key in value):
        return False
    for key, inner in value.items():
        allowed = [schema["properties"][key]] if key in schema.get("properties", {}) else []
        allowed += [item for pattern, item in schema.get("patternProperties", {}).items() if re.search(pattern, key)]
        if not allowed:
            rest = schema.get("additionalProperties", True)
            allowed = [] if rest is False else [rest if isinstance(rest, dict) else {}]
        if not allowed or not all(fits(inner, item, root) for item in allowed):
            return False
    return True


@pytest.fixture
def accepts(catalog):
    schema = json_schema(catalog)
    return lambda text: fits(yaml.safe_load(text), schema, schema)


@pytest.mark.parametrize(
    "text",
    [
        "receivers:",
        "receivers: {source: , source/2: {protocols: {grpc: , http: {enabled: false}}}}",
        "receivers: {source: {protocols: {grpc: {max_size: '${env:SIZE}', timeout: 5s, endpoint: }}}}",
        "exporters: {sink: {endpoint: x, level: '${LEVEL}', verbose: '${V}', headers: {a: b}, retry: {enabled: true}}}",
        "exporters: {oldsink: {endpoint: x}}",
        "processors: {limit: {limit: 5, either: [{max_size: 5}]}}",
        "service: {pipelines: {traces: {}, logs/x: {receivers: [a]}}, telemetry: {logs: {level: INFO}}}",
        "service: {telemetry: {resource: [{name: a, value: b}]}}",
        "plugins: [./a.py]",
    ],
)
def test_what_is_valid_is_accepted(accepts, text):
    assert accepts(text)


@pytest.mark.parametrize(
    "text",
    [
        "recievers:",
        "receivers: {sorce: }",
        "receivers: {source/: }",
        "receivers: {source: {protocols: {grcp: }}}",
        "receivers: {source: {protocols: {grpc: {max_size: big}}}}",
        "receivers: {source: {protocols: {grpc: {max_size: 0}}}}",
        "receivers: {source: {protocols: {enabled: true}}}",
        "exporters: {sink: {}}",
        "exporters: {sink: {endpoint: x, level: loud}}",
        "exporters: {sink: {endpoint: x, verbose: 'yes'}}",
        "service: {pipelines: {spans: }}",
        "service: {pipelines: {traces: {recievers: []}}}",
        "plugins: ./a.py",
    ],
)
def test_what_is_invalid_is_refused(accepts, text):
    assert not accepts(text)


def test_models_of_the_same_name_are_kept_apart(catalog):
    schema = json_schema(catalog)

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert {"SourceConfig", "SinkConfig", "LimitConfig"} <= schema["$defs"].keys()


def test_old_names_are_marked(catalog):
    exporters = json_schema(catalog)["properties"]["exporters"]["patternProperties"]

    assert exporters["^oldsink(/.+)?$"]["deprecated"]
    assert "deprecated" not in exporters["^sink(/.+)?$"]


def test_a_component_that_does_not_load_is_left_out(catalog, monkeypatch):
    monkeypatch.setattr(catalog, "types", lambda _: ["broken", "sink"])

    assert list(json_schema(catalog)["properties"]["exporters"]["patternProperties"]) == [
        "^sink(/.+)?$",
        "^oldsink(/.+)?$",
    ]
