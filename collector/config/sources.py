"""Where configuration is read from, and how several sources become one."""

import dataclasses
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from collector.config.errors import ConfigError, ConfigErrors, ConfigWarning
from collector.config.expansion import Expander, ExpansionError, Retriever, read_text
from collector.config.nodes import Node, Origin, format_keys, merge
from collector.config.yaml_nodes import YamlError, parse

_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):.*", re.DOTALL)
_DELIMITER = "::"


@dataclass(frozen=True, slots=True)
class Document:
    """A whole configuration: merged, expanded, not yet checked against any component. `root` is a map of sections."""

    root: Node
    warnings: tuple[ConfigWarning, ...] = ()


def load(sources: Sequence[str], sets: Sequence[str] = (), env: Mapping[str, str] = os.environ) -> Document:
    """Read the sources and make one configuration of them: a later source wins over an earlier one, `sets` over all.

    A source is a path, `file:path`, `env:NAME`, or `yaml:` with a text in which `::` parts the keys
    (`yaml:exporters::debug::verbosity: detailed`). A set is `exporters.debug.verbosity=detailed`, its value YAML.

    Raises:
        ConfigErrors: a source cannot be read, is not YAML, or refers to what does not exist.

    """
    merger = _Merger(env, Origin(_name(sources[0]) if sources else ""))
    for source in sources:
        merger.add_source(source)
    for item in sets:
        merger.add_set(item)
    expander = Expander(env)
    root = expander.expand(merger.root)
    if errors := merger.errors + expander.errors:
        raise ConfigErrors(errors)
    return Document(root, (*merger.warnings, *expander.warnings))


class _Merger:
    """Merges one source after another, collecting what is wrong with them."""

    def __init__(self, env: Mapping[str, str], origin: Origin) -> None:
        self._env = env
        self.root = Node({}, origin)
        self.errors: list[ConfigError] = []
        self.warnings: list[ConfigWarning] = []

    def add_source(self, source: str) -> None:
        retriever = Retriever(self._env)
        try:
            text, first = _read(source, retriever)
        except ExpansionError as error:
            self.errors.append(ConfigError("", str(error), Origin(_name(source))))
            return
        for name in retriever.unset:
            self.warnings.append(ConfigWarning("", f"environment variable {name} is not set", first))
        self._add(text, first, ())

    def add_set(self, item: str) -> None:
        path, equals, value = item.partition("=")
        if equals and path.strip():
            self._add(value, _SET, path.strip().split("."))
        else:
            message = f'"{item}" is not path=value: write --set exporters.debug.verbosity=detailed'
            self.errors.append(ConfigError("", message, _SET))

    def _add(self, text: str, first: Origin, keys: Sequence[str]) -> None:
        def locate(line: int, column: int) -> Origin:
            return dataclasses.replace(first, line=line, column=column) if first.line else first

        try:
            self.root = merge(self.root, _sections(_nest(keys, parse(text, locate))))
        except YamlError as error:
            self.errors.append(ConfigError("", str(error), locate(error.line, error.column)))


def plugin_files(document: Document) -> list[Path]:
    """Return the Python files that `plugins` names, which add components; `bind` reports what is wrong with it."""
    return [path for _, _, path in _plugins(document) if path is not None]


def plugin_errors(document: Document) -> list[ConfigError]:
    """Return what is wrong with the section `plugins`."""
    return [
        ConfigError(path, f"expected a Python file that exists, such as ./mine.py, got {node.value!r}", node.origin)
        for path, node, file in _plugins(document)
        if file is None
    ]


def _plugins(document: Document) -> Iterator[tuple[str, Node, Path | None]]:
    section = document.root.child("plugins")
    if section is None or section.value is None:
        return
    if not isinstance(section.value, list):
        yield "plugins", section, None
    for key, node in section.items():
        file = node.origin.directory / node.value if isinstance(node.value, str) else None
        yield format_keys(("plugins", key)), node, file if file and file.is_file() else None


_SET = Origin("--set")


def _name(source: str) -> str:
    """Return what messages call a source: itself, unless it is the whole text."""
    return "yaml" if source.startswith("yaml:") else source.removeprefix("file:")


def _read(source: str, retriever: Retriever) -> tuple[str, Origin]:
    """Return a source's text and the origin of its first line; line 0 where it has no lines worth naming."""
    scheme = _URI.fullmatch(source)
    if scheme is None or scheme[1] == "file":
        path = source.removeprefix("file:")
        return read_text(Path(path)), Origin(path, 1, directory=Path(path).absolute().parent)
    retrieved = retriever.retrieve(source)
    return retrieved.text, Origin(retrieved.via, 1) if retrieved.via else Origin("yaml")


def _sections(root: Node) -> Node:
    """Return the map of sections, each key with `::` turned into the maps that it is short for."""
    if root.value is None:
        return Node({}, root.origin)
    if not isinstance(root.value, dict):
        raise YamlError("expected sections such as receivers: and service:", root.origin.line, root.origin.column)
    result = Node({}, root.origin)
    for key, node in root.value.items():
        result = merge(result, _nest(key.split(_DELIMITER), node))
    return result


def _nest(keys: Sequence[str], node: Node) -> Node:
    """Return a node inside the maps that a path of keys is short for."""
    for key in reversed(keys):
        node = Node({key: dataclasses.replace(node, key=node.declared)}, node.declared)
    return node
