"""Converters of lists and maps, and of what may be one."""

import json

from collector.ottl.comparison import equal
from collector.ottl.converters.parameters import Anything, Items, Members, Text
from collector.ottl.errors import EvaluationError
from collector.ottl.values import OttlValue, kind_of

_DEEPEST = 64  # levels of lists and maps in JSON


def length(target: Anything) -> int:
    """Return how many members a list or map has, or how many bytes a text or bytes."""
    if isinstance(target, str):
        return len(target.encode())
    if isinstance(target, list | dict | bytes):
        return len(target)
    raise EvaluationError(f"{kind_of(target)} has no length")


def index(target: Anything, value: Anything) -> int:
    """Return where a text has another, in bytes, or a list a value; -1 where it has not."""
    if isinstance(target, str):
        if not isinstance(value, str):
            raise EvaluationError(f"a text holds texts only, not {kind_of(value)}")
        return target.encode().find(value.encode())
    if not isinstance(target, list):
        raise EvaluationError(f"expected a list or a text, got {kind_of(target)}")
    return next((position for position, member in enumerate(target) if equal(member, value)), -1)


def coalesce(values: Items) -> OttlValue:
    """Return the first value that is not nil."""
    return next((value for value in values if value is not None), None)


def keys(target: Members) -> list[str]:
    """Return the keys of a map."""
    return list(target)


def values(target: Members) -> list[OttlValue]:
    """Return the values of a map."""
    return list(target.values())


def parse_json(target: Text) -> list[OttlValue] | dict[str, OttlValue]:
    """Return the list or map that a text of JSON spells; numbers are floats."""
    try:
        parsed = json.loads(target, parse_int=float, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise EvaluationError(f"the text is no JSON: {error}") from None
    if not isinstance(parsed, list | dict):
        raise EvaluationError(f"the text is JSON of {kind_of(parsed)}, not of a list or a map")
    _check_depth(parsed, _DEEPEST)
    return parsed


def _check_depth(value: list[OttlValue] | dict[str, OttlValue], room: int) -> None:
    if not room:
        raise EvaluationError(f"the text is JSON with more than {_DEEPEST} levels")
    for member in value.values() if isinstance(value, dict) else value:
        if isinstance(member, list | dict):
            _check_depth(member, room - 1)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


CONVERTERS = {
    "Coalesce": coalesce,
    "Index": index,
    "Keys": keys,
    "Len": length,
    "ParseJSON": parse_json,
    "Values": values,
}
