"""A bound configuration as text: every option with its effective value, and where that comes from."""

import enum
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import yaml
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from collector.api import Kind
from collector.config.binding import Config
from collector.config.nodes import Node
from collector.config.shapes import field_shapes
from collector.config.yaml_nodes import parse_scalar

REDACTED = "[REDACTED]"
_DEFAULT = "default"
_PLAIN = re.compile(r"[A-Za-z0-9_/.][A-Za-z0-9_/.:@%+-]*(?<!:)")
# Texts here, but not for every reader of YAML.
_AMBIGUOUS = {"y", "n", "yes", "no", "on", "off"}


@dataclass(frozen=True, slots=True)
class Described:
    """An effective value and the place that it comes from."""

    value: "Value"
    origin: str = _DEFAULT

    @property
    def nested(self) -> bool:
        """Whether it has lines of its own."""
        return isinstance(self.value, dict | list) and bool(self.value)


Value: TypeAlias = "str | int | float | bool | list[Described] | dict[str, Described] | None"


def render_config(
    config: Config,
    *,
    redact: bool = True,
    origins: bool = True,
    format: Literal["yaml", "json"] = "yaml",  # noqa: A002 - the command line's word
) -> str:
    """Return the effective configuration: all options of all components, defaults included.

    Secrets are shown as `[REDACTED]` unless `redact` is false. In YAML, `origins` puts each value's place behind it
    (`# gateway.yaml:12`, `# default`), and a literal `$` is doubled where it must be, so that unredacted output can be
    loaded again. JSON has the values as they are.
    """
    described = _describe(config, redact=redact)
    if format == "json":
        return json.dumps(_plain(described), indent=2) + "\n"
    return "".join(f"{line}\n" for line in _lines(described, origins=origins))


def _describe(config: Config, *, redact: bool) -> Described:
    root = config.document.root
    sections: dict[str, Described] = {}
    for kind in Kind:
        section = root.child(kind.section)
        components = {
            str(component_id): _block(declared.config, _step(section, str(component_id)), redact=redact)
            for component_id, declared in config.of_kind(kind).items()
        }
        if components:
            sections[kind.section] = Described(components)
    sections["service"] = _block(config.service, root.child("service"), redact=redact)
    if plugins := root.child("plugins"):
        sections["plugins"] = _value(plugins.plain(), plugins.plain(), plugins, redact=redact)
    return Described(sections)


def _block(model: BaseModel, node: Node | None, *, redact: bool, dumped: Any = None) -> Described:
    dumped = model.model_dump(by_alias=True) if dumped is None else dumped
    entries = {}
    # Iterating, other than attribute access, does not warn of deprecated options.
    for name, value in model:
        field = type(model).model_fields[name]
        key = field.alias or name
        if value is not None or not _is_block(field):
            entries[key] = _value(value, dumped[key], _step(node, key), redact=redact)
        elif field.get_default(call_default_factory=True) is not None:
            # The block is on by default, so leaving it out would turn it on.
            entries[key] = Described({"enabled": Described(False, _origin(_step(node, key)))})
    return Described(entries)


def _value(value: Any, dumped: Any, node: Node | None, *, redact: bool) -> Described:
    """Return a value described; `dumped` is what pydantic's serializers made of it."""
    if isinstance(value, BaseModel):
        return _block(value, node, redact=redact, dumped=dumped)
    if isinstance(value, dict):
        pairs = zip(dumped.items(), value.values(), strict=True)
        entries = {str(key): _value(inner, out, _step(node, str(key)), redact=redact) for (key, out), inner in pairs}
        return Described(entries, _origin(node))
    if isinstance(value, list | tuple | set | frozenset):
        items = zip(value, dumped, strict=True)
        return Described(
            [_value(inner, out, _step(node, index), redact=redact) for index, (inner, out) in enumerate(items)],
            _origin(node),
        )
    if isinstance(value, SecretStr):
        return Described(REDACTED if redact and value.get_secret_value() else value.get_secret_value(), _origin(node))
    out = dumped.value if isinstance(dumped, enum.Enum) else dumped
    return Described(out if isinstance(out, str | int | float | None) else str(out), _origin(node))


def _is_block(field: FieldInfo) -> bool:
    """Return whether an option is an optional block, for which null in a file means the block and not its absence."""
    return any(shape.model for shape in field_shapes(field))


def _step(node: Node | None, key: str | int) -> Node | None:
    """Return the node that a value below comes from: the same one where the model has another shape than the file."""
    if node is None or node.value is None:
        return None
    if isinstance(node.value, dict) and isinstance(key, str):
        spelled = {"/".join(part.strip() for part in name.split("/", 1)): inner for name, inner in node.value.items()}
        return node.value.get(key) or spelled.get(key)
    return node.child(key) or (None if isinstance(key, int) else node)


def _origin(node: Node | None) -> str:
    return _DEFAULT if node is None or node.value is None else str(node.origin)


def _plain(described: Described) -> Any:
    if isinstance(described.value, dict):
        return {key: _plain(inner) for key, inner in described.value.items()}
    if isinstance(described.value, list):
        return [_plain(inner) for inner in described.value]
    return described.value


def _lines(described: Described, *, origins: bool) -> Iterator[str]:
    if isinstance(described.value, dict):
        for key, inner in described.value.items():
            if inner.nested:
                yield f"{_scalar(key)}:"
                yield from (f"  {line}" for line in _lines(inner, origins=origins))
            else:
                yield f"{_scalar(key)}: {_leaf(inner, origins=origins)}"
    elif isinstance(described.value, list):
        for inner in described.value:
            first, *rest = _lines(inner, origins=origins) if inner.nested else [_leaf(inner, origins=origins)]
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)


def _leaf(described: Described, *, origins: bool) -> str:
    value = described.value
    if isinstance(value, dict | list):
        text = "{}" if isinstance(value, dict) else "[]"
    else:
        text = _scalar(value.replace("$", "$$") if isinstance(value, str) and _expands(value) else value)
    return f"{text}  # {described.origin}" if origins else text


def _expands(text: str) -> bool:
    return "${" in text or "$$" in text


def _scalar(value: str | float | None) -> str:
    """Return a scalar as YAML; a text gets quotes where it would be read as anything else without."""
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and parse_scalar(value) == value and value.lower() not in _AMBIGUOUS:
            return value
        return yaml.dump(value, default_style='"', width=math.inf, allow_unicode=True).rstrip("\n")
    if isinstance(value, float) and not math.isfinite(value):
        return f".{value}" if value >= 0 or value != value else "-.inf"  # noqa: PLR0124 - true for nan only
    return json.dumps(value)
