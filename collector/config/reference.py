"""The options of a configuration model as a Markdown table, for the component reference."""

import inspect
import json
import types
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from collector.api import ComponentId, format_duration
from collector.config.lint import has_effect
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

# Models that are described elsewhere, with a Markdown link to the place.
Links = Mapping[type[BaseModel], str]


def option_table(model: type[BaseModel], links: Links = types.MappingProxyType({})) -> str:
    """Return a Markdown table of all options of a model; those of nested blocks have dotted names.

    A list of blocks is `policies[].name`, a map of blocks `protocols.*.endpoint`. What a model inherits from one in
    `links` is left out, and a block of one is a link.
    """
    rows = [" | ".join(("", *row, "")).strip() for row in _rows(model, "", (model,), links)]
    return "\n".join((*_HEADER, *rows)) + "\n" if rows else "This component has no options.\n"


def inherited(model: type[BaseModel], links: Links) -> list[str]:
    """Return the links to the models that a model inherits options from and does not declare all of anew."""
    own = {name for name, _ in _own_options(model, links)}
    parents = [base for base in links if base is not model and issubclass(model, base)]
    return [links[base] for base in parents if not options(base).keys() <= own]


def blocks(model: type[BaseModel], links: Links) -> Iterator[type[BaseModel]]:
    """Iterate over the blocks among a model's options, in lists and maps, too, less those inherited from `links`."""
    for _, field in _own_options(model, links):
        yield from (block for _, block in _blocks(field_shapes(field)))


def _rows(
    model: type[BaseModel], prefix: str, path: tuple[type[BaseModel], ...], links: Links
) -> Iterator[tuple[str, ...]]:
    for name, field in _own_options(model, links):
        allowed = [*field_shapes(field)]
        cells = (f"`{prefix}{name}`", _join(iter(allowed), links), _default(field), _description(field, links))
        yield tuple(cell.replace("|", r"\|") for cell in cells)
        if not has_effect(field):
            continue
        for suffix, block in _blocks(iter(allowed)):
            # A block that contains itself is described where it first stands.
            if block not in path and block not in links:
                yield from _rows(block, f"{prefix}{name}{suffix}.", (*path, block), links)


def _own_options(model: type[BaseModel], links: Links) -> Iterator[tuple[str, FieldInfo]]:
    """Iterate over the options that a model declares, or inherits from models that are not described elsewhere."""
    parents = [base for base in links if base is not model and issubclass(model, base)]
    for name, field in model.model_fields.items():
        declaring = next(parent for parent in model.__mro__ if name in inspect.get_annotations(parent))
        if not any(issubclass(parent, declaring) for parent in parents):
            yield field.alias or name, field


def _description(field: FieldInfo, links: Links) -> str:
    sentences = [(field.description or "").replace("\n", " ")]
    if field.deprecated:
        sentences.append(f"**Deprecated**: {field.deprecated}.")
    more = [link for _, block in _blocks(field_shapes(field)) if block not in links for link in inherited(block, links)]
    if more and has_effect(field):
        sentences.append(f"It takes the options of {' and '.join(more)}, too.")
    return " ".join(sentences)


def _blocks(allowed: Iterator[Shape]) -> Iterator[tuple[str, type[BaseModel]]]:
    """Iterate over the blocks in an option, with what their names add to the option's."""
    for shape in allowed:
        if shape.model:
            yield "", shape.model
        elif shape.items is not None:
            step = ".*" if get_origin(shape.kind) is dict else "[]"
            yield from ((step + suffix, block) for suffix, block in _blocks(shapes(shape.items)))


def _join(allowed: Iterator[Shape], links: Links, *, plural: bool = False) -> str:
    words = dict.fromkeys(word for shape in allowed if (word := _word(shape, links)))
    return " or ".join(map(_plural, words) if plural else words)


def _word(shape: Shape, links: Links) -> str:
    if shape.is_duration:
        return "duration"
    if shape.model:
        return links.get(shape.model, "block")
    if get_origin(shape.kind) is Literal:
        return ", ".join(f"`{json.dumps(value).strip(chr(34))}`" for value in get_args(shape.kind) if value != "")
    if shape.items is not None:
        items = _join(shapes(shape.items), links, plural=True)
        return f"{'map' if get_origin(shape.kind) is dict else 'list'} of {items}"
    return _WORDS.get(shape.kind, getattr(shape.kind, "__name__", str(shape.kind)))


def _plural(words: str) -> str:
    if words in ("any", "true or false") or words[0] in "`[":
        return words
    first, of, rest = words.partition(" of ")
    return f"{first}s{of}{rest}"


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
