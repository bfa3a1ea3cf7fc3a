"""`${...}` in configuration values, by the rules of the OpenTelemetry Collector.

`${env:NAME}`, `${NAME}`, `${env:NAME:-default}`, `${file:path}` and `${yaml:text}` are replaced, what comes out is
searched again, and `$$` is a literal `$`. A value that is one reference and nothing else takes the type that YAML gives
to the text behind it; within a longer text the text itself is put in. `$NAME` without braces stays as it is.

https://github.com/open-telemetry/opentelemetry-collector/blob/main/docs/rfcs/env-vars.md
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from collector.config.errors import ConfigError, ConfigWarning
from collector.config.nodes import Keys, Node, Origin, Value, format_keys
from collector.config.yaml_nodes import YamlError, parse

_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)
_ENV_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
# References within what a reference stands for; as many within one text.
_MAX_DEPTH = 30
_MAX_REPLACEMENTS = 100


class ExpansionError(Exception):
    """A reference that stands for nothing."""


@dataclasses.dataclass(frozen=True, slots=True)
class Retrieved:
    """The text that a reference stands for, what to call its source, and the file it came from, if any."""

    text: str
    via: str
    file: Path | None = None


class Retriever:
    """Finds the text behind a URI. `unset` remembers the variables that it did not find."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self.unset: list[str] = []

    def retrieve(self, uri: str) -> Retrieved:
        """Return what `scheme:rest` stands for; without a scheme, the environment variable of that name.

        Raises:
            ExpansionError: there is no such scheme or file, or the name is none that a variable can have.

        """
        scheme, rest = self._split(uri)
        match scheme:
            case "env":
                return self._variable(rest)
            case "file":
                # Editors end a file with a line break, which no token or password has.
                return Retrieved(read_text(Path(rest)).removesuffix("\n"), f"file {rest}", Path(rest))
            case "yaml":
                return Retrieved(rest, "")
            case "http" | "https":
                raise ExpansionError(
                    f'scheme "{scheme}" is not supported for uri "{uri}": fetch it first, then use file:path'
                )
            case _:
                raise ExpansionError(f'scheme "{scheme}" is not supported for uri "{uri}": use env, file or yaml')

    @staticmethod
    def _split(uri: str) -> tuple[str, str]:
        # A variable's default makes `NAME:-default` look as if it had a scheme.
        if ":" not in uri or _ENV_NAME.fullmatch(uri.partition(":-")[0]):
            return "env", uri
        parts = _URI.fullmatch(uri)
        if not parts:
            raise ExpansionError(
                f'"{uri}" is no reference: write ${{env:NAME}}, ${{file:path}} or $${{ for a literal ${{'
            )
        return parts[1], parts[2]

    def _variable(self, text: str) -> Retrieved:
        name, has_default, default = text.partition(":-")
        if not _ENV_NAME.fullmatch(name):
            raise ExpansionError(
                f'environment variable "{name}" has invalid name: it may have letters, digits and _ and must not start '
                "with a digit; write $${ for a literal ${"
            )
        if name not in self._env and not has_default:
            self.unset.append(name)
        return Retrieved(self._env.get(name, default), f"environment {name}")


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file.

    Raises:
        ExpansionError: the file cannot be read, or is not UTF-8.

    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ExpansionError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from None
    except UnicodeDecodeError:
        raise ExpansionError(f"cannot read {path}: it is not UTF-8 text") from None


class Expander:
    """Replaces references in trees of nodes, collecting what is wrong instead of stopping at it."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._retriever = Retriever(env)
        self.errors: list[ConfigError] = []
        self.warnings: list[ConfigWarning] = []

    def expand(self, node: Node, keys: Keys = ()) -> Node:
        """Return the node with every reference in it replaced; one with an error stays as it was written."""
        if isinstance(node.value, str):
            return self._expand_written(node, node.value, keys)
        return _map_children(node, lambda key, inner: self.expand(inner, (*keys, key)))

    def _expand_written(self, node: Node, text: str, keys: Keys) -> Node:
        if "$" not in text:
            return node
        self._retriever.unset.clear()
        try:
            expanded = _unescape(self._expand_text(node, text, 0))
        except ExpansionError as error:
            self.errors.append(ConfigError(format_keys(keys), str(error), node.origin))
            return node
        for name in dict.fromkeys(self._retriever.unset):
            message = (
                f"environment variable {name} is not set, so this is empty: set it or write ${{env:{name}:-default}}"
            )
            self.warnings.append(ConfigWarning(format_keys(keys), message, node.origin))
        return expanded

    def _expand_node(self, node: Node, depth: int) -> Node:
        if isinstance(node.value, str):
            return self._expand_text(node, node.value, depth)
        return _map_children(node, lambda _, inner: self._expand_node(inner, depth))

    def _expand_text(self, node: Node, text: str, depth: int) -> Node:
        """Return the node that a text stands for, `$$` still doubled."""
        found = _find_reference(text)
        if found == (0, len(text)):
            return self._expand_whole(node, text, depth)
        spliced, vias = self._splice(text)
        return dataclasses.replace(node, value=spliced, origin=_via(node.origin, vias))

    def _expand_whole(self, node: Node, text: str, depth: int) -> Node:
        if depth == _MAX_DEPTH:
            raise ExpansionError("too many recursive expansions: does a reference lead back to itself?")
        retrieved = self._retrieve(text)
        origin = _via(node.origin, [retrieved.via])
        typed = _parse_retrieved(retrieved, origin)
        if isinstance(typed.value, str):
            return self._expand_text(dataclasses.replace(node, origin=origin), typed.value, depth + 1)
        expanded = self._expand_node(typed, depth + 1)
        return dataclasses.replace(expanded, key=node.key, text=self._original(retrieved.text))

    def _original(self, text: str) -> str | None:
        """Return the text of a typed value, or None where only its comments refer to what does not exist."""
        known = len(self._retriever.unset)
        try:
            return self._splice(text)[0]
        except ExpansionError:
            return None
        finally:
            del self._retriever.unset[known:]

    def _retrieve(self, reference: str) -> Retrieved:
        uri = reference[2:-1]
        if "$" in uri:
            raise ExpansionError(f'the reference "{uri}" contains a $, which no reference may')
        return self._retriever.retrieve(uri)

    def _splice(self, text: str) -> tuple[str, list[str]]:
        vias: list[str] = []
        for _ in range(_MAX_REPLACEMENTS):
            found = _find_reference(text)
            if found is None:
                return text, vias
            start, end = found
            retrieved = self._retrieve(text[start:end])
            vias.append(retrieved.via)
            text = text[:start] + retrieved.text + text[end:]
        raise ExpansionError("too many recursive expansions: does a reference lead back to itself?")


def _find_reference(text: str) -> tuple[int, int] | None:
    """Return where the first reference starts and ends, innermost first; one after an odd number of `$` is escaped."""
    begin = 0
    while (close := text.find("}", begin)) >= 0:
        start = text.rfind("${", begin, close)
        if start >= 0 and (start - len(text[:start].rstrip("$"))) % 2 == 0:
            return start, close + 1
        begin = close + 1
    return None


def _parse_retrieved(retrieved: Retrieved, origin: Origin) -> Node:
    """Return what YAML makes of a text; what it reads as a text, or cannot read, is the text as it stands."""
    source = str(retrieved.file) if retrieved.file else ""

    def locate(line: int, column: int) -> Origin:
        return Origin(source, line, column, directory=retrieved.file.absolute().parent) if retrieved.file else origin

    try:
        node = parse(retrieved.text, locate)
    except YamlError:
        return Node(retrieved.text, origin)
    if isinstance(node.value, str):
        return Node(retrieved.text, origin)
    return node if isinstance(node.value, dict | list) else dataclasses.replace(node, origin=origin)


def _via(origin: Origin, vias: list[str]) -> Origin:
    names = [name for name in dict.fromkeys([origin.via, *vias]) if name]
    return dataclasses.replace(origin, via=", ".join(names))


def _map_children(node: Node, change: Callable[[str | int, Node], Node]) -> Node:
    """Return the node with its children changed; the same node where there are none."""
    value: Value
    if isinstance(node.value, dict):
        value = {key: change(key, inner) for key, inner in node.value.items()}
    elif isinstance(node.value, list):
        value = [change(index, inner) for index, inner in enumerate(node.value)]
    else:
        return node
    return dataclasses.replace(node, value=value)


def _unescape(node: Node) -> Node:
    """Return the node with `$$` written as `$`, in texts that were expanded or might have been."""
    text = None if node.text is None else node.text.replace("$$", "$")
    value = node.value.replace("$$", "$") if isinstance(node.value, str) else node.value
    return _map_children(dataclasses.replace(node, value=value, text=text), lambda _, child: _unescape(child))
