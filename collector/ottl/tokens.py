"""The tokens of OTTL: names, literals and operators, with their positions."""

import re
from enum import Enum
from typing import NamedTuple

from collector.ottl.errors import OttlError


class Kind(Enum):
    """What a token is."""

    BYTES = "bytes"
    FLOAT = "float"
    INTEGER = "integer"
    STRING = "string"
    NAME = "name"
    OPERATOR = "operator"
    END = "end"


class Token(NamedTuple):
    """A token as it was written, and where its first character is, counted from 0."""

    kind: Kind
    text: str
    position: int

    def __str__(self) -> str:
        return f'"{self.text}"' if self.text else "the end"


_TOKEN = re.compile(
    r"""(?P<BYTES>0x[0-9a-fA-F]+)
    |(?P<FLOAT>(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)
    |(?P<INTEGER>[0-9]+)
    |(?P<STRING>"(?:\\.|[^\\"])*")
    |(?P<NAME>[A-Za-z][A-Za-z0-9_]*)
    |(?P<OPERATOR>[=!<>]=|[<>=+\-*/(){}\[\]:,.])""",
    re.VERBOSE | re.DOTALL,
)
_SPACE = re.compile(r"[ \t\n\f\r]*")
_ESCAPE = re.compile(
    rb"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|.)", re.DOTALL
)  # those of Go's double-quoted strings
# What to write instead of characters that other languages use, and typographic quotes.
_INSTEAD = dict.fromkeys("'`\u2018\u2019\u201c\u201d", 'texts stand in double quotes: "like this"') | {
    "!": "write not",
    "&": "write and",
    "|": "write or",
}
_ESCAPED = dict(zip(b'abfnrtv\\"', b'\a\b\f\n\r\t\v\\"', strict=True))


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a text, an `END` behind them, in time linear in its length.

    Raises:
        OttlError: something in the text is no token.

    """
    tokens = []
    position = _skip_space(text, 0)
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unknown(text, position)
        tokens.append(Token(Kind[match.lastgroup or ""], match.group(), position))
        position = _skip_space(text, match.end())
    return [*tokens, Token(Kind.END, "", len(text))]


def unquote(token: Token) -> str:
    """Return the text that a `STRING` token spells.

    Raises:
        OttlError: it has an escape that Go's strings do not know, or a line break.

    """
    content = token.text[1:-1]
    if (broken := content.find("\n")) >= 0:
        raise OttlError("a line break stands in a text", token.position + 1 + broken, r"write \n for it")
    try:
        return _ESCAPE.sub(_unescape, content.encode()).decode()
    except UnicodeError:
        raise OttlError("the escapes in a text spell no UTF-8", token.position) from None
    except ValueError as error:
        raise OttlError(f"unknown escape {error} in a text", token.position, r"write \\ for a backslash") from None


def _skip_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _unescape(match: re.Match[bytes]) -> bytes:
    code = match.group(1)
    if len(code) == 1:
        if code[0] not in _ESCAPED:
            raise ValueError("\\" + code.decode(errors="replace"))
        return bytes([_ESCAPED[code[0]]])
    if code[:1] in b"uU":
        number = int(code[1:], 16)
        if number > 0x10FFFF:
            raise ValueError("\\" + code.decode())
        return chr(number).encode()
    return bytes([int(code[1:], 16) if code[:1] == b"x" else int(code, 8)])


def _unknown(text: str, position: int) -> OttlError:
    if text[position] == '"':
        return OttlError("a text is not closed", position, 'end it with "')
    return OttlError(f'unexpected "{text[position]}"', position, _INSTEAD.get(text[position], ""))
