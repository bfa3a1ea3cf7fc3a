"""Converters of texts. Positions and lengths count bytes of UTF-8, as on the Go collector."""

from typing import Annotated
from uuid import uuid4

from collector.ottl.converters.declaration import Impure
from collector.ottl.converters.parameters import Case, Integer, Text, TextLike, TextLikes, WrittenBoolean, WrittenText
from collector.ottl.errors import EvaluationError


def string(target: TextLike) -> str | None:
    """Return the text of a value, nil for nil."""
    return target


def concat(vals: TextLikes, delimiter: Text) -> str:
    """Return the texts of values, one behind the other."""
    return delimiter.join("<nil>" if value is None else value for value in vals)


def split(target: Text, delimiter: Text) -> list[str]:
    """Return the parts of a text between delimiters, or its characters where the delimiter is empty."""
    return target.split(delimiter) if delimiter else list(target)


def substring(target: Text, start: Integer, length: Integer, utf8_safe: WrittenBoolean = False) -> str:
    """Return a part of a text. `utf8_safe` leaves out characters that are cut through."""
    raw = target.encode()
    if start < 0 or length <= 0 or start + length > len(raw):
        raise EvaluationError(f"there are no {length} bytes from {start} in a text of {len(raw)}")
    return raw[start : start + length].decode(errors="ignore" if utf8_safe else "replace")


def convert_case(target: Text, to_case: Case) -> str:
    """Return a text in lower or upper case."""
    return target.lower() if to_case == "lower" else target.upper()


def to_lower_case(target: Text) -> str:
    """Return a text in lower case."""
    return target.lower()


def to_upper_case(target: Text) -> str:
    """Return a text in upper case."""
    return target.upper()


def trim(target: Text, replacement: WrittenText = " ") -> str:
    """Return a text without certain characters at its ends."""
    return target.strip(replacement) if replacement else target


def trim_prefix(target: Text, prefix: Text) -> str:
    """Return a text without another at its beginning."""
    return target.removeprefix(prefix)


def trim_suffix(target: Text, suffix: Text) -> str:
    """Return a text without another at its end."""
    return target.removesuffix(suffix)


def uuid() -> Annotated[str, Impure]:
    """Return a random UUID."""
    return str(uuid4())


CONVERTERS = {
    "Concat": concat,
    "ConvertCase": convert_case,
    "Split": split,
    "String": string,
    "Substring": substring,
    "ToLowerCase": to_lower_case,
    "ToUpperCase": to_upper_case,
    "Trim": trim,
    "TrimPrefix": trim_prefix,
    "TrimSuffix": trim_suffix,
    "UUID": uuid,
}
