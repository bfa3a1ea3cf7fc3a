"""The list of components, as `spanmill components` prints it."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import yaml

from collector.api import AnyFactory
from collector.config.component_reference import component_reference, purpose, signals

Format = Literal["table", "json", "yaml", "markdown"]


def render_components(factories: Sequence[AnyFactory], *, format: Format = "table") -> str:  # noqa: A002 - the option
    """Return what there is to say about components; as Markdown it is the whole reference, with every option."""
    if format == "markdown":
        return component_reference(factories)
    rows = [_describe(factory) for factory in factories]
    if format == "json":
        return json.dumps(rows, indent=2) + "\n"
    if format == "yaml":
        return yaml.safe_dump(rows, sort_keys=False)
    return "".join(f"{line}\n" for line in _table(rows))


def _describe(factory: AnyFactory) -> dict[str, Any]:
    return {
        "kind": factory.kind.value,
        "type": factory.type,
        "aliases": list(factory.aliases),
        "signals": list(signals(factory)),
        "stability": factory.stability.value,
        "description": purpose(factory),
    }


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    header = {name: name.upper() for name in ("kind", "type", "aliases", "signals", "stability", "description")}
    cells = [
        {name: ", ".join(cell) if isinstance(cell, list) else cell for name, cell in row.items()}
        for row in [header, *rows]
    ]
    widths = {name: max(len(row[name]) for row in cells) for name in header}
    for row in cells:
        yield "  ".join(cell.ljust(widths[name]) for name, cell in row.items()).rstrip()
