"""A JSON schema of whole configuration files, for editors that complete and check YAML."""

import re
from collections.abc import Iterator
from typing import Any

from pydantic.json_schema import JsonSchemaMode, models_json_schema

from collector.api import AnyFactory, Kind
from collector.config.catalog import Catalog, CatalogError
from collector.config.service import ServiceConfig
from collector.config.shapes import Model
from collector.data import Signal

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE = r"\$\{.+\}"
_SCALARS = {"boolean", "integer", "number"}


def json_schema(catalog: Catalog) -> dict[str, Any]:
    """Return the schema (draft 2020-12) of a file that uses the components of a catalog.

    A component that cannot be loaded is left out. As in the files, any option may be null, and a `${...}` may stand
    wherever a single value does.
    """
    factories = {kind: list(_factories(catalog, kind)) for kind in Kind}
    models: list[Model] = [ServiceConfig, *(factory.config for kind in Kind for factory in factories[kind])]
    mode: JsonSchemaMode = "validation"
    by_model, merged = models_json_schema([(model, mode) for model in dict.fromkeys(models)])
    definitions = merged.get("$defs", {})
    references = {model: schema for (model, _), schema in by_model.items()}
    sections = {kind.section: _section(factories[kind], references) for kind in Kind}
    service = definitions[references[ServiceConfig]["$ref"].rpartition("/")[2]]
    signals = "|".join(signal.value for signal in Signal)
    pipelines = service["properties"]["pipelines"]
    pipelines |= _map_of({f"^({signals})(/.+)?$": pipelines.pop("additionalProperties")})
    for definition in definitions.values():
        _loosen_options(definition, definitions)
    return {
        "$schema": _DIALECT,
        "title": "Spanmill configuration",
        "type": "object",
        "properties": {
            **sections,
            "service": _or_null(references[ServiceConfig]),
            "plugins": {
                "description": "Python files, found from this one, whose components can be used here.",
                "type": ["array", "null"],
                "items": {"type": "string"},
            },
        },
        "additionalProperties": False,
        "$defs": definitions,
    }


def _factories(catalog: Catalog, kind: Kind) -> Iterator[AnyFactory]:
    for name in catalog.types(kind):
        try:
            factory = catalog.find(kind, name)
        except CatalogError:
            continue
        if factory is not None:
            yield factory


def _section(factories: list[AnyFactory], references: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    patterns = {}
    for factory in factories:
        for name in (factory.type, *factory.aliases):
            reference = _or_null(references[factory.config])
            patterns[f"^{re.escape(name)}(/.+)?$"] = reference | ({"deprecated": True} if name != factory.type else {})
    return {"type": ["object", "null"], **_map_of(patterns)}


def _map_of(patterns: dict[str, Any]) -> dict[str, Any]:
    return {"patternProperties": patterns, "additionalProperties": False}


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]}


def _loosen_options(definition: dict[str, Any], definitions: dict[str, Any]) -> None:
    """Allow null and `${...}` for each option of a block, and `enabled` in each block that is optional."""
    for name, schema in definition.get("properties", {}).items():
        for member in schema.get("anyOf", ()):
            if "$ref" in member and {"type": "null"} in schema["anyOf"]:
                block = definitions[member["$ref"].rpartition("/")[2]]
                block.setdefault("properties", {}).setdefault(
                    "enabled", {"type": "boolean", "description": "False is the same as leaving the block out."}
                )
        definition["properties"][name] = _loosen(schema, optional=True)


def _loosen(schema: dict[str, Any], *, optional: bool = False) -> dict[str, Any]:
    """Return a schema that also takes `${...}` for a single value, and null for an option."""
    schema = dict(schema)
    for key in ("anyOf", "oneOf", "prefixItems"):
        if key in schema:
            schema[key] = [_loosen(member) for member in schema[key]]
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            schema[key] = _loosen(schema[key])
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    if "enum" in schema or "const" in schema:
        # These hold for values of any type, so what else is allowed needs a branch of its own.
        described: dict[str, Any] = {
            key: schema.pop(key) for key in ("default", "description", "title") if key in schema
        }
        return {"anyOf": [schema, {"type": "string", "pattern": _REFERENCE}, {"type": "null"}], **described}
    if _SCALARS.intersection(kinds) and "string" not in kinds:
        schema["pattern"] = _REFERENCE
        kinds.append("string")
    if kinds and optional and "null" not in kinds:
        kinds.append("null")
    if kinds:
        schema["type"] = kinds[0] if len(kinds) == 1 else kinds
    elif "$ref" in schema and optional:
        schema = {"anyOf": [{"$ref": schema.pop("$ref")}, {"type": "null"}], **schema}
    return schema
