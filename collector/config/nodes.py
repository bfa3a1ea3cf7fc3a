"""Configuration values that remember where they came from."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

Scalar = str | int | float | bool | None
Value: TypeAlias = "Scalar | list[Node] | dict[str, Node]"
# From the top of a configuration down to one value: keys of maps, indexes of lists.
Keys = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was written.

    `source` is a file as the user named it, `--set`, or the URI of another source; lines and columns count from 1, and
    0 means that the source has none. `via` tells what stood between, such as `environment API_KEY`. What the value
    names relative to itself (user code, more files) is found from `directory`.
    """

    source: str
    line: int = 0
    column: int = 0
    via: str = ""
    directory: Path = field(default=Path(), compare=False)

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}" if self.line else self.source
        return f"{place} ({self.via})" if self.via else place


@dataclass(frozen=True, slots=True)
class Node:
    """A scalar, a list of nodes or a map of nodes, with the places of the value and of its key.

    `text` is set where the value is the outcome of a `${...}`: the text before YAML gave it a type, which is what an
    option that wants a text receives (`0123` stays `0123`).
    """

    value: Value
    origin: Origin
    key: Origin | None = None
    text: str | None = None

    @property
    def declared(self) -> Origin:
        """Where a reader finds the value first: at its key, where it has one."""
        return self.key or self.origin

    def child(self, key: str | int) -> "Node | None":
        """Return the node one step down, or None."""
        if isinstance(self.value, dict) and isinstance(key, str):
            return self.value.get(key)
        if isinstance(self.value, list) and isinstance(key, int) and -1 < key < len(self.value):
            return self.value[key]
        return None

    def items(self) -> Iterator[tuple[str | int, "Node"]]:
        """Iterate over what is one step down; a scalar has nothing there."""
        if isinstance(self.value, dict):
            yield from self.value.items()
        elif isinstance(self.value, list):
            yield from enumerate(self.value)

    def find(self, keys: Keys) -> "Node | None":
        """Return the node at the end of a path, or None."""
        node: Node | None = self
        for key in keys:
            if node is None:
                return None
            node = node.child(key)
        return node

    def nearest(self, keys: Keys) -> "Node":
        """Return the deepest node there is on the way along a path."""
        node = self
        for key in keys:
            inner = node.child(key)
            if inner is None:
                return node
            node = inner
        return node

    def plain(self) -> Any:
        """Return the value as dicts, lists and scalars that know nothing of their places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


def merge(earlier: Node, later: Node) -> Node:
    """Return both in one: maps merge key by key; anything else of the later one, null included, replaces."""
    if not isinstance(earlier.value, dict) or not isinstance(later.value, dict):
        return later
    merged = dict(earlier.value)
    for key, node in later.value.items():
        merged[key] = merge(merged[key], node) if key in merged else node
    return Node(merged, earlier.origin, earlier.key)


def format_keys(keys: Keys) -> str:
    """Return a path as people write it: `service.pipelines.traces.receivers[0]`."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}"
    return text.removeprefix(".")
