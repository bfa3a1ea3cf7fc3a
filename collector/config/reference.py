"""The options of a configuration model as a Markdown table, for the component reference."""

import json
import types
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from collector.api import ComponentId, format_duration
from collector.config.shapes import Shape, field_shapes, options, shapes

_WORDS = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    SecretStr: "secret",
    ComponentId: "component id",
    types.NoneType: "",
    Any: "any",
    dict: "map",
    list: "list",
}
_HEADER = ("| option | type | default | description |", "| --- | --- | --- | --- |")


def option_table(model: type[BaseModel]) -> str:
    """Return a Markdown table of all options of a model; those of nested blocks have dotted names.

    A list of blocks is `policies[].name`, a map of blocks `protocols.*.endpoint`.
    """
    rows = [" | ".join(("", *row, "")).strip() for row in _rows(model, "", (model,))]
    return "\n".join((*_HEADER, *rows)) + "\n" if rows else "This component has no options.\n"


def _rows(model: type[BaseModel], prefix: str, path: tuple[type[BaseModel], ...]) -> Iterator[tuple[str, ...]]:
    for name, field in options(model).items():
        description = (field.description or "").replace("\n", " ")
        if field.deprecated:
            description += f" **Deprecated**: {field.deprecated}."
        cells = (f"`{prefix}{name}`", _join(field_shapes(field)), _default(field), description)
        yield tuple(cell.replace("|", r"\|") for cell in cells)
        for suffix, block in _blocks(field_shapes(field)):
            # A block that contains itself is described where it first stands.
            if block not in path:
                yield from _rows(block, f"{prefix}{name}{suffix}.", (*path, block))


def _blocks(allowed: Iterator[Shape]) -> Iterator[tuple[str, type[BaseModel]]]:
    """Iterate over the blocks in an option, with what their names add to the option's."""
    for shape in allowed:
        if shape.model:
            yield "", shape.model
        elif shape.items is not None:
            step = ".*" if get_origin(shape.kind) is dict else "[]"
            yield from ((step + suffix, block) for suffix, block in _blocks(shapes(shape.items)))


def _join(allowed: Iterator[Shape]) -> str:
    return " or ".join(dict.fromkeys(word for shape in allowed if (word := _word(shape))))


def _word(shape: Shape) -> str:
    if shape.is_duration:
        return "duration"
    if shape.model:
        return "block"
    if get_origin(shape.kind) is Literal:
        return ", ".join(f"`{json.dumps(value).strip(chr(34))}`" for value in get_args(shape.kind))
    if shape.items is not None:
        return f"{'map' if get_origin(shape.kind) is dict else 'list'} of {_plural(_join(shapes(shape.items)))}"
    return _WORDS.get(shape.kind, getattr(shape.kind, "__name__", str(shape.kind)))


def _plural(words: str) -> str:
    return words if words in ("any", "true or false") or "`" in words else f"{words}s"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default is None and any(shape.model for shape in field_shapes(field)):
        return "off"
    if default is None or default == "" or isinstance(default, SecretStr | BaseModel):
        return ""
    if any(shape.is_duration for shape in field_shapes(field)):
        return f"`{format_duration(default)}`"
    if isinstance(default, list | dict | set | frozenset | tuple):
        return f"`{json.dumps(list(default) if not isinstance(default, dict) else default, default=_shown)}`"
    return f"`{json.dumps(default, default=_shown).strip(chr(34))}`"


def _shown(value: Any) -> Any:
    return value.model_dump(exclude_defaults=True) if isinstance(value, BaseModel) else str(value)
