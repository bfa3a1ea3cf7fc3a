"""What takes the place of a finding: a mask in its shape, or a keyed hash.

A mask shows the kind and nothing of the value, unless `reveal` leaves a part readable. No mask is a finding itself, so
a second processor down the line leaves it alone.
"""

import re
import string
from collections.abc import Callable, Mapping
from typing import TypeAlias

from collector.processing.hashing import MASK, replacement

Replace: TypeAlias = Callable[[str], str]

_DIGIT_OR_LETTER = re.compile(r"[0-9A-Za-z]")
_STARS = str.maketrans(dict.fromkeys(string.digits + string.ascii_letters, "*"))
_SEPARATORS = re.compile(r"[ .()-]")
_AT = re.compile("@|%40|\uff20|\ufe6b")


def _always(mask: str) -> Replace:
    return lambda _: mask


def _starred(text: str) -> str:
    """Mask each digit and letter, and keep what is between them."""
    return text.translate(_STARS)


def _but_last(count: int) -> Replace:
    """Mask all but the last digits and letters."""

    def mask(text: str) -> str:
        positions = [match.start() for match in _DIGIT_OR_LETTER.finditer(text)]
        at = positions[-count] if len(positions) > count else len(text)
        return _starred(text[:at]) + text[at:]

    return mask


def _domain(text: str) -> str:
    return f"{MASK}@{_AT.split(text)[-1]}"


def _network(text: str) -> str:
    """Keep the first half of a version 4 address, and the first two groups of a longer one."""
    if ":" in text:
        return ":".join([*text.split(":")[:2], "*"])
    return ".".join([*text.split(".")[:2], "*", "*"])


_MASKS: Mapping[str, Replace] = {
    "email": _always(f"{MASK}@{MASK}"),
    "credit_card": _starred,
    "iban": _starred,
    "phone": _starred,
    "us_ssn": _starred,
    "ip": lambda text: "*:*" if ":" in text else "*.*.*.*",
    "url_credentials": _always(f"{MASK}:{MASK}"),
    "sql": _always("?"),
}
_REVEALING: Mapping[str, Replace] = {
    "email": _domain,
    "credit_card": _but_last(4),
    "iban": lambda text: text[:2] + _starred(text[2:]),
    "phone": _but_last(2),
    "us_ssn": _but_last(4),
    "ip": _network,
    "api_key": lambda text: text[:4] + MASK,
    "url_credentials": lambda text: f"{text.partition(':')[0]}:{MASK}",
}

# Ways to write the same value, which are to have the same hash.
_NORMAL: Mapping[str, Replace] = {
    "email": lambda text: _AT.sub("@", text).lower(),
    "credit_card": lambda text: _SEPARATORS.sub("", text),
    "iban": lambda text: _SEPARATORS.sub("", text),
    "phone": lambda text: _SEPARATORS.sub("", text),
    "ip": str.lower,
}


def mask_of(kind: str, *, reveal: bool) -> Replace:
    """Return the function that masks values of a kind."""
    plain = _MASKS.get(kind, _always(MASK))
    return _REVEALING.get(kind, plain) if reveal else plain


def hash_of(kind: str, key: str) -> Replace:
    """Return the function that hashes values of a kind: 64 hexadecimal digits, quoted where they stand in SQL."""
    digest = replacement("hmac-sha256", key)
    normal = _NORMAL.get(kind, str)
    if kind == "sql":
        return lambda text: f"'{digest(text)}'"
    return lambda text: digest(normal(text))
