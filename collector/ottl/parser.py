"""The parser of OTTL conditions: recursive descent, one method for each precedence, linear in the length of the text.

The grammar is that of the OpenTelemetry Collector's `pkg/ottl`. Parentheses may also stand around single values.
"""

import math
from collections.abc import Callable

from collector.ottl.errors import OttlError
from collector.ottl.syntax import (
    And,
    Argument,
    Arithmetic,
    Call,
    Comparison,
    ListOf,
    Literal,
    MapOf,
    Negative,
    Node,
    Not,
    Or,
    Path,
    Symbol,
)
from collector.ottl.tokens import Kind, Token, tokenize, unquote

# How deep parentheses, lists, maps, calls and keys may stand inside of each other.
DEEPEST = 32

_COMPARISONS = ("==", "!=", "<", ">", "<=", ">=")
_CONSTANTS = {"true": True, "false": False, "nil": None}
# What to write instead of words and signs of other languages.
_INSTEAD = {
    "=": "write == to compare",
    "AND": "write and",
    "OR": "write or",
    "contains": 'write IsMatch(target, "pattern")',
    "in": "write ContainsValue([...], value)",
    "is": "write == to compare",
    "like": 'write IsMatch(target, "pattern")',
    "matches": 'write IsMatch(target, "pattern")',
}


def parse_condition(text: str) -> Node:
    """Return the syntax tree of a condition.

    Raises:
        OttlError: the text is none; the message says where, and what was expected.

    """
    return _Parser(text).condition()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = tokenize(text)
        self._index = 0
        self._depth = 0

    def condition(self) -> Node:
        node = self._disjunction()
        if self._next.kind is not Kind.END:
            is_value = not isinstance(node, Comparison | Not | And | Or)
            raise self._expected('an operator such as "=="' if is_value else '"and", "or" or the end')
        return _as_condition(node)

    # From the loosest operator to the tightest.

    def _disjunction(self) -> Node:
        return self._joined("or", Or, self._conjunction)

    def _conjunction(self) -> Node:
        return self._joined("and", And, self._negation)

    def _joined(self, word: str, make: type[And | Or], operand: Callable[[], Node]) -> Node:
        first = operand()
        if self._next.text != word:
            return first
        operands = [_as_condition(first)]
        while self._take(word):
            operands.append(_as_condition(operand()))
        return make(tuple(operands), first.position)

    def _negation(self) -> Node:
        token = self._next
        if self._take("not"):
            return Not(_as_condition(self._comparison()), token.position)
        return self._comparison()

    def _comparison(self) -> Node:
        left = self._sum()
        operator = self._next
        if operator.text not in _COMPARISONS:
            return left
        self._advance()
        return Comparison(_as_value(left), operator.text, _as_value(self._sum()), left.position)

    def _sum(self) -> Node:
        return self._calculated(("+", "-"), self._product)

    def _product(self) -> Node:
        return self._calculated(("*", "/"), self._signed)

    def _calculated(self, signs: tuple[str, str], operand: Callable[[], Node]) -> Node:
        first = operand()
        operator = self._next
        if operator.text not in signs:
            return first
        _as_number(first, operator)
        rest = []
        while (operator := self._next).text in signs:
            self._advance()
            rest.append((operator.text, _as_number(operand(), operator)))
        return Arithmetic(first, tuple(rest), first.position)

    def _signed(self) -> Node:
        sign = self._next
        if sign.text not in ("+", "-"):
            return self._primary()
        self._advance()
        operand = _as_number(self._primary(), sign)
        if sign.text == "+":
            return operand
        if isinstance(operand, Literal) and isinstance(operand.value, int | float):
            return Literal(-operand.value, sign.position)
        return Negative(operand, sign.position)

    def _primary(self) -> Node:
        token = self._next
        match token.kind:
            case Kind.NAME if token.text not in ("and", "or", "not"):
                return self._named()
            case Kind.OPERATOR if token.text in _BRACKETS:
                return _BRACKETS[token.text](self)
            case Kind.STRING | Kind.INTEGER | Kind.FLOAT | Kind.BYTES:
                return _LITERALS[token.kind](self._advance())
        raise self._expected("a value or a condition")

    def _named(self) -> Node:
        token = self._advance()
        if token.text in _CONSTANTS:
            return Literal(_CONSTANTS[token.text], token.position)
        if self._next.text == "(":
            return self._call(token)
        if token.text[0].isupper():
            return Symbol(token.text, token.position)
        return self._path(token)

    def _path(self, token: Token) -> Path:
        names = [token.text]
        while self._take("."):
            if self._next.kind is not Kind.NAME:
                raise self._expected("the name of a field")
            names.append(self._advance().text)
        return Path(tuple(names), self._keys(), token.position)

    def _call(self, token: Token) -> Call:
        self._enter("(")
        arguments: list[Argument] = []
        while self._next.text != ")":
            arguments.append(self._argument(named=bool(arguments and arguments[-1].name)))
            if not self._take(","):
                break
            if self._next.text == ")":
                raise self._expected("an argument")
        self._leave(")", '"," or ")"')
        return Call(token.text, tuple(arguments), self._keys(), token.position)

    def _argument(self, *, named: bool) -> Argument:
        token, after = self._next, self._tokens[min(self._index + 1, len(self._tokens) - 1)]
        if token.kind is Kind.NAME and after.text == "=":
            self._advance()
            self._advance()
            return Argument(_as_value(self._sum()), token.text)
        if named:
            raise self._expected("a named argument, as all behind a named one are,")
        return Argument(_as_value(self._sum()))

    def _keys(self) -> tuple[Node, ...]:
        keys = []
        while self._next.text == "[":
            self._enter("[")
            keys.append(_as_value(self._sum()))
            self._leave("]", '"]"')
        return tuple(keys)

    def _group(self) -> Node:
        self._enter("(")
        inner = self._disjunction()
        self._leave(")", '")"')
        return inner

    def _list(self) -> ListOf:
        opening = self._enter("[")
        members = []
        if self._next.text != "]":
            members.append(_as_value(self._sum()))
            while self._take(","):
                members.append(_as_value(self._sum()))
        self._leave("]", '"," or "]"')
        return ListOf(tuple(members), opening.position)

    def _map(self) -> MapOf:
        opening = self._enter("{")
        members = []
        while self._next.text != "}":
            if self._next.kind is not Kind.STRING:
                raise self._expected('a key in double quotes or "}"')
            key = unquote(self._advance())
            if not self._take(":"):
                raise self._expected('":"')
            members.append((key, _as_value(self._sum())))
            self._take(",")
        self._leave("}", '"," or "}"')
        return MapOf(tuple(members), opening.position)

    # Tokens.

    @property
    def _next(self) -> Token:
        return self._tokens[self._index]

    def _advance(self) -> Token:
        token = self._tokens[self._index]
        self._index += 1
        return token

    def _take(self, text: str) -> bool:
        """Consume the next token where it is this one; return whether it was. No literal has an operator's text."""
        if self._next.text != text:
            return False
        self._index += 1
        return True

    def _enter(self, opening: str) -> Token:
        self._depth += 1
        if self._depth > DEEPEST:
            raise OttlError(
                f'"{opening}" is nested too deeply', self._next.position, f"at most {DEEPEST} levels are read"
            )
        return self._advance()

    def _leave(self, closing: str, expected: str) -> None:
        if not self._take(closing):
            raise self._expected(expected)
        self._depth -= 1

    def _expected(self, what: str) -> OttlError:
        token = self._next
        return OttlError(f"expected {what}, got {token}", token.position, _INSTEAD.get(token.text, ""))


_BRACKETS = {"(": _Parser._group, "[": _Parser._list, "{": _Parser._map}  # noqa: SLF001 - of this module


def _text(token: Token) -> Literal:
    return Literal(unquote(token), token.position)


def _integer(token: Token) -> Literal:
    number = int(token.text) if len(token.text) <= 1000 else 2**63
    if number >= 2**63:
        raise OttlError("the integer does not fit into 64 bits", token.position)
    return Literal(number, token.position)


def _float(token: Token) -> Literal:
    number = float(token.text)
    if not math.isfinite(number):
        raise OttlError("the number is too large", token.position)
    return Literal(number, token.position)


def _bytes(token: Token) -> Literal:
    if len(token.text) % 2:
        raise OttlError("bytes have an even number of hexadecimal digits", token.position)
    return Literal(bytes.fromhex(token.text[2:]), token.position)


_LITERALS = {Kind.STRING: _text, Kind.INTEGER: _integer, Kind.FLOAT: _float, Kind.BYTES: _bytes}


def _as_condition(node: Node) -> Node:
    """Return a node that is true or false, by its form at least."""
    match node:
        case Comparison() | Not() | And() | Or() | Call() | Literal(value=bool()):
            return node
    hint = f"call it: {node}()" if isinstance(node, Symbol) else f"compare it: {node} != nil"
    raise OttlError(f"{node} is no condition", node.position, hint)


def _as_value(node: Node) -> Node:
    """Return a node that has a value which is not only true or false."""
    if isinstance(node, Comparison | Not | And | Or):
        raise OttlError(f"the condition ({node}) stands where a value is expected", node.position)
    return node


def _as_number(node: Node, operator: Token) -> Node:
    """Return a node that may be a number, a time or a duration."""
    match node:
        case Literal(value=int() | float()) if not isinstance(node.value, bool):
            return node
        case Symbol() | Path() | Call() | Arithmetic() | Negative():
            return node
    raise OttlError(f"{operator} takes numbers, times and durations, not {node}", operator.position)
