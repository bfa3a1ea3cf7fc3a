"""Tags that are meant as numbers or bools."""

import re
from typing import TypeAlias

Scalar: TypeAlias = "str | bool | int | float"

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_DOUBLE = re.compile(r"-?[0-9]+\.[0-9]+")
_BOOLS = {"true": True, "false": False}
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1


def typed(text: str) -> Scalar:
    """Return the integer, double or bool that a text spells in plain notation, or else the text itself."""
    if _INTEGER.fullmatch(text):
        number = int(text)
        return number if _INT64_MIN <= number <= _INT64_MAX else text
    if _DOUBLE.fullmatch(text):
        return float(text)
    return _BOOLS.get(text, text)
