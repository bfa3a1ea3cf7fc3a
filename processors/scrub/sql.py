"""Literals of SQL statements, found in one pass over the text and without a parser: any dialect, any damage.

Where dialects differ, what may be a literal is one:

- A backslash in front of a closing quote escapes it in some dialects only. From there on, nobody can tell what is
  inside of quotes, so everything up to the last quote of the statement is taken for one literal.
- Text in double quotes is an identifier in standard SQL and a literal in MySQL. It is taken for an identifier where it
  looks like one and does not stand where only values are compared or listed.
- `#` begins a comment in MySQL and is an operator in PostgreSQL. Quotes behind it count as everywhere, unless there is
  an odd number of them: then nobody can tell either what is inside of quotes.
- A literal without its end reaches to the end: statements may be cut off.
"""

import re
from collections.abc import Iterator

from processors.scrub.finding import Finding

_WORD = rb"[A-Za-z_\x80-\xff][0-9A-Za-z_$\x80-\xff]*+"
# Every alternative is possessive, so that no character is looked at twice.
_TOKEN = re.compile(
    rb"""
      (?P<comment>  --[^\n]*+ | /\*(?:[^*]++|\*(?!/))*+(?:\*/)? )
    | (?P<hash>     \#[^\n#]*+ )
    | (?P<dollar>   \$(?:[A-Za-z_][0-9A-Za-z_]*+)?\$ )
    | (?P<mark>     [:@$?][0-9A-Za-z_]++ | %%[sd] | %%\([^)\s]*+\)s )  # a parameter: $1 :name @p1 %%s
    | (?P<quoted>   (?:[EeNnBbXx]|[Uu]&|_[0-9A-Za-z]++)?'(?:[^']++|'')*+'? )
    | (?P<double>   "(?:[^"]++|"")*+"? )
    | (?P<name>     `[^`]*+`? | \[%(word)b(?:[ -]++%(word)b)*+\] | %(word)b )
    | (?P<number>   0[xX][0-9A-Fa-f]++ | (?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][+-]?[0-9]++)? )
    | (?P<operator> [=<>!~]++ )
    | (?P<bracket>  [(),] )
    """
    % {b"word": _WORD},
    re.VERBOSE,
)
_IDENTIFIER = re.compile(rb'"[A-Za-z_\x80-\xff][0-9A-Za-z_ $\x80-\xff-]{0,62}"')
_QUOTES = (b"'", b'"', b"`")
_BEFORE_VALUES = frozenset({b"LIKE", b"ILIKE", b"RLIKE", b"REGEXP", b"BETWEEN"})
_SIGNS = (b"+", b"-")
_BEFORE_LISTS = frozenset({b"IN", b"VALUES", b"ANY", b"ALL"})


def literals(statement: bytes) -> Iterator[Finding]:
    """Yield the literals of a statement in UTF-8, in order."""
    scanner = _Scanner(statement)
    at = 0
    while (token := _TOKEN.search(statement, at)) is not None:
        at = scanner.end_of(token)
        if scanner.is_literal(token):
            yield scanner.start_of(token), at, "sql"
        scanner.note(token)


def _leaves_quote_open(text: bytes) -> bool:
    return any(text.count(quote) % 2 for quote in _QUOTES)


class _Scanner:
    """Knows what stood before a token: enough to tell identifiers and values in double quotes apart."""

    def __init__(self, statement: bytes) -> None:
        self._statement = statement
        self._expects_value = False
        self._compares = False
        # For each open parenthesis whether it began a list of values.
        self._lists: list[bool] = []
        self._list_may_begin = False

    def end_of(self, token: re.Match[bytes]) -> int:
        """Return where a token ends, which the pattern cannot tell of every quoted text."""
        match token.lastgroup:
            case "quoted" if b"\\'" in token[0]:
                return max(token.end(), self._statement.rfind(b"'") + 1)
            case "double" if b'\\"' in token[0]:
                return max(token.end(), self._statement.rfind(b'"') + 1)
            case "hash":
                last = max(map(self._statement.rfind, _QUOTES))
                return max(token.end(), last + 1) if _leaves_quote_open(token[0]) else token.start() + 1
            case "dollar":
                close = self._statement.find(token[0], token.end())
                return len(self._statement) if close < 0 else close + len(token[0])
        return token.end()

    def start_of(self, token: re.Match[bytes]) -> int:
        """Return where a literal begins: with its sign, where a value is expected."""
        start = token.start()
        is_signed = token.lastgroup == "number" and self._expects_value and self._statement[start - 1 : start] in _SIGNS
        return start - is_signed

    def is_literal(self, token: re.Match[bytes]) -> bool:
        """Return whether a token is a literal."""
        if token.lastgroup == "hash":
            return _leaves_quote_open(token[0])
        if token.lastgroup != "double":
            return token.lastgroup in ("quoted", "number", "dollar")
        is_value = self._compares or self._in_list
        is_qualifier = self._statement.startswith(b".", token.end())
        return not _IDENTIFIER.fullmatch(token[0]) or (is_value and not is_qualifier)

    def note(self, token: re.Match[bytes]) -> None:
        """Remember a token for those behind it."""
        match token.lastgroup:
            case "comment" | "hash":
                return
            case "bracket":
                self._note_bracket(token[0])
                return
        word = token[0].upper() if token.lastgroup == "name" else b""
        if word == b"SELECT" and self._lists:
            self._lists[-1] = False
        self._compares = self._expects_value = token.lastgroup == "operator" or word in _BEFORE_VALUES
        self._list_may_begin = word in _BEFORE_LISTS

    def _note_bracket(self, bracket: bytes) -> None:
        self._compares = False
        self._expects_value = bracket in (b"(", b",")
        if bracket == b"(":
            self._lists.append(self._list_may_begin or self._in_list)
            self._list_may_begin = False
        elif bracket == b")":
            # Another row may follow: VALUES (1, 2), (3, 4).
            self._list_may_begin = bool(self._lists) and self._lists.pop()

    @property
    def _in_list(self) -> bool:
        return bool(self._lists) and self._lists[-1]
