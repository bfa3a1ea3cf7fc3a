"""YAML text to nodes with places, typed as the Go collector's reader (yaml.v3) types it.

What differs from PyYAML's own reading: `yes`, `no`, `on`, `off` and timestamps are texts; `0o17`, `017` and `0x1f` are
whole numbers; a key that stands twice in a map is an error.
"""

import re
from collections.abc import Callable

import yaml

try:
    from yaml import CSafeLoader as _BaseLoader
except ImportError:  # PyYAML was built without libyaml: slower, otherwise the same
    from yaml import SafeLoader as _BaseLoader  # type: ignore[assignment]

from collector.config.nodes import Node, Origin, Scalar, Value

# Line and column, both from 1, to the origin of what stands there.
Locate = Callable[[int, int], Origin]

_TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9_]*|0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO]?[0-7_]+)")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_OCTAL = re.compile(r"([-+]?)0[oO]?([0-7]+)")
_RULES = (
    ("merge", re.compile(r"<<"), "<"),
    ("null", re.compile(r"|~|null|Null|NULL"), "~nN"),
    ("bool", re.compile(r"true|True|TRUE|false|False|FALSE"), "tTfF"),
    ("int", _INT, "-+0123456789"),
    ("float", _FLOAT, "-+.0123456789"),
)
_MAX_NODES = 200_000


class YamlError(Exception):
    """The text is no YAML that a configuration can use; `line` counts from 1, or is 0 where it is not known."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class _Loader(_BaseLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's interface


for _name, _pattern, _first in _RULES:
    # PyYAML asks by the first character and matches from the start only; the empty text has none and is null.
    _whole = re.compile(rf"(?:{_pattern.pattern})\Z")
    _Loader.add_implicit_resolver(_TAG + _name, _whole, [*_first, ""] if _name == "null" else list(_first))


def parse(text: str, locate: Locate) -> Node:
    """Return the first document in a text as nodes; a text without any is null.

    Raises:
        YamlError: the text is malformed, a key stands twice, or an alias contains itself.

    """
    loader = _Loader(text)
    try:
        root = loader.get_node() if loader.check_node() else None
        return Node(None, locate(1, 1)) if root is None else _Builder(locate).build(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise YamlError(f"not YAML: {_problem(error, text, line)}", line, column) from None
    except yaml.YAMLError as error:
        raise YamlError(f"not YAML: {error}") from None
    except RecursionError:
        raise YamlError("not a usable configuration: it is nested too deeply") from None
    finally:
        loader.dispose()


def _problem(error: yaml.MarkedYAMLError, text: str, line: int) -> str:
    """Return what is wrong at a line, with a hint where the cause is one that editors do not show."""
    problem = str(error.problem or error.context)
    written = text.splitlines()[line - 1] if 0 < line <= len(text.splitlines()) else ""
    return (
        f"{problem}: indent with spaces, not with tabs"
        if "\t" in written[: len(written) - len(written.lstrip())]
        else problem
    )


def parse_scalar(text: str) -> Scalar:
    """Return the value that a plain (unquoted) scalar stands for."""
    for name, pattern, _ in _RULES[1:]:
        if pattern.fullmatch(text):
            return _scalar(_TAG + name, text)
    return text


class _Builder:
    """Turns PyYAML's nodes into ours, keeping count so that aliases cannot multiply without bound."""

    def __init__(self, locate: Locate) -> None:
        self._locate = locate
        self._open: set[int] = set()
        self._count = 0

    def build(self, node: yaml.Node, key: Origin | None = None) -> Node:
        self._count += 1
        if self._count > _MAX_NODES:
            raise YamlError("too many values: do aliases (*name) multiply?", *_position(node))
        if id(node) in self._open:
            raise YamlError("an alias (*name) contains itself", *_position(node))
        self._open.add(id(node))
        value = self._value(node)
        self._open.discard(id(node))
        return Node(value, self._locate(*_position(node)), key)

    def _value(self, node: yaml.Node) -> Value:
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item) for item in node.value]
        if isinstance(node, yaml.MappingNode):
            return self._map(node)
        try:
            return _scalar(node.tag, node.value)
        except ValueError:
            raise YamlError(f'"{node.value}" does not fit its tag {node.tag}', *_position(node)) from None

    def _map(self, node: yaml.MappingNode) -> dict[str, Node]:
        own: dict[str, Node] = {}
        inherited: dict[str, Node] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise YamlError("a key must be a text", *_position(key))
            if key.tag == f"{_TAG}merge":
                inherited |= self._inherited(value)
                continue
            line, column = _position(key)
            if key.value in lines:
                raise YamlError(
                    f'key "{key.value}" stands twice in one map, in lines {lines[key.value]} and {line}', line, column
                )
            lines[key.value] = line
            own[key.value] = self.build(value, self._locate(line, column))
        return {**{name: inner for name, inner in inherited.items() if name not in own}, **own}

    def _inherited(self, node: yaml.Node) -> dict[str, Node]:
        """Return what `<<` brings in: of several maps, the first that has a key wins."""
        if isinstance(node, yaml.MappingNode):
            return self._map(node)
        if not isinstance(node, yaml.SequenceNode):
            raise YamlError("<< takes a map or a list of maps", *_position(node))
        result: dict[str, Node] = {}
        for item in reversed(node.value):
            result |= self._inherited(item)
        return result


def _position(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _scalar(tag: str, text: str) -> Scalar:
    match tag.removeprefix(_TAG):
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            return _int(text.replace("_", ""))
        case "float":
            return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
        case _:
            return text


def _int(text: str) -> int:
    octal = _OCTAL.fullmatch(text)
    return int(octal[1] + octal[2], 8) if octal else int(text, 0)
