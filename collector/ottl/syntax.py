"""The syntax tree of OTTL conditions. `str` of a node is OTTL again, which parses to an equal tree."""

import json
from dataclasses import dataclass, field
from typing import TypeAlias

# Positions count characters from 0 and are no part of what a tree means.
_Position: TypeAlias = int


@dataclass(frozen=True, slots=True)
class Literal:
    """A value that is written down."""

    value: str | int | float | bool | bytes | None
    position: _Position = field(default=0, compare=False)

    def __str__(self) -> str:
        match self.value:
            case None:
                return "nil"
            case bool():
                return "true" if self.value else "false"
            case str():
                return json.dumps(self.value, ensure_ascii=False)
            case bytes():
                return f"0x{self.value.hex()}"
            case float():
                mantissa, mark, exponent = repr(self.value).partition("e")
                return f"{mantissa}{'' if '.' in mantissa else '.0'}{mark}{exponent}"
        return str(self.value)


@dataclass(frozen=True, slots=True)
class Symbol:
    """The name of an enumeration's value, such as `STATUS_CODE_ERROR`."""

    name: str
    position: _Position = field(default=0, compare=False)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of values."""

    members: tuple["Node", ...]
    position: _Position = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.members))}]"


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map of values by texts."""

    members: tuple[tuple[str, "Node"], ...]
    position: _Position = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{{{', '.join(f'{Literal(key)}: {value}' for key, value in self.members)}}}"


@dataclass(frozen=True, slots=True)
class Path:
    """Where a value is in the telemetry: `resource.attributes["key"]` has two names and a key.

    Keys stand behind the last name only: OTTL's grammar allows them behind each, and no context has a use for that.
    """

    names: tuple[str, ...]
    keys: tuple["Node", ...] = ()
    position: _Position = field(default=0, compare=False)

    @property
    def name(self) -> str:
        """The path without its keys."""
        return ".".join(self.names)

    def __str__(self) -> str:
        return self.name + _keys(self.keys)


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a call; its name is empty where it is given by its place."""

    value: "Node"
    name: str = ""

    def __str__(self) -> str:
        return f"{self.name} = {self.value}" if self.name else str(self.value)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a converter, and the keys of what is wanted of its result."""

    name: str
    arguments: tuple[Argument, ...] = ()
    keys: tuple["Node", ...] = ()
    position: _Position = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.arguments))}){_keys(self.keys)}"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Operands with operators of one precedence between them, from left to right."""

    first: "Node"
    rest: tuple[tuple[str, "Node"], ...]
    position: _Position = field(default=0, compare=False)

    def __str__(self) -> str:
        return _operand(self.first) + "".join(f" {operator} {_operand(node)}" for operator, node in self.rest)


@dataclass(frozen=True, slots=True)
class Negative:
    """A value with a minus in front."""

    operand: "Node"
    position: _Position = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"-{_operand(self.operand)}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two values with one of the six operators of comparison between them."""

    left: "Node"
    operator: str
    right: "Node"
    position: _Position = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    operand: "Node"
    position: _Position = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"not {_condition(self.operand)}"


@dataclass(frozen=True, slots=True)
class And:
    """Conditions that must all hold; evaluated from the left, as far as needed."""

    operands: tuple["Node", ...]
    position: _Position = field(default=0, compare=False)

    def __str__(self) -> str:
        return " and ".join(map(_condition, self.operands))


@dataclass(frozen=True, slots=True)
class Or:
    """Conditions of which one must hold; evaluated from the left, as far as needed."""

    operands: tuple["Node", ...]
    position: _Position = field(default=0, compare=False)

    def __str__(self) -> str:
        return " or ".join(map(_condition, self.operands))


Value: TypeAlias = Literal | Symbol | ListOf | MapOf | Path | Call | Arithmetic | Negative
Node: TypeAlias = Value | Comparison | Not | And | Or


def _keys(keys: tuple[Node, ...]) -> str:
    return "".join(f"[{key}]" for key in keys)


def _operand(node: Node) -> str:
    return f"({node})" if isinstance(node, Arithmetic | Negative) else str(node)


def _condition(node: Node) -> str:
    return f"({node})" if isinstance(node, Not | And | Or) else str(node)
