"""Percentages as options have them: `5`, `5%` or `0.5%`."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from collector.api import Caveat

_PERCENTAGE = re.compile(r"(\d+\.?\d*(?:e-?\d+)?|\.\d+) ?%")


def _parse_percentage(value: Any) -> Any:
    """Return the number in front of a percent sign; what is a number already stays."""
    if not isinstance(value, str):
        return value
    match = _PERCENTAGE.fullmatch(value)
    if match is None:
        raise ValueError(f'"{value}" is not a percentage: write a number from 0 to 100, such as 5 or 5%')
    return float(match[1])


def format_percentage(percentage: float) -> str:
    """Return a percentage as configurations have it."""
    return f"{percentage!r}%".replace(".0%", "%")


def _doubt(value: Any) -> str | None:
    if isinstance(value, float) and 0 < value < 1:
        return (
            f"{value:g} is a percentage and keeps one trace in {round(100 / value)}: "
            f"write {value:g}% if that is meant, or {100 * value:g}"
        )
    return None


# From 0 to 100. `0.05` alone is doubted, as it is often meant to be 5 %; with its sign it is not.
Percentage = Annotated[
    float,
    Field(ge=0, le=100),
    BeforeValidator(_parse_percentage),
    PlainSerializer(format_percentage, return_type=str),
    Caveat(_doubt),
    WithJsonSchema({"type": ["number", "string"], "examples": [5, "5%"], "title": "Percentage"}),
]
