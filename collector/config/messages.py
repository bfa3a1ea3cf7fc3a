"""What pydantic found wrong, in sentences that an operator understands."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# What was expected, by pydantic's name of the error.
_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a map",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "mapping_type": "a map",
    "model_type": "a map of options",
    "none_required": "nothing",
    "set_type": "a list",
    "string_type": "a text",
    "tuple_type": "a list",
}
# How a value that is out of bounds should be; `{name}` stands for pydantic's context of that name.
_BOUNDS = {
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "string_pattern_mismatch": "must match {pattern}",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must have at least {min_length} entries",
    "finite_number": "must be a finite number",
}
_SHOWN = 60
_LISTED = 12


def expectation(error: Mapping[str, Any]) -> str | None:
    """Return what kind of value an error says was expected, or None where it is about something else."""
    return _EXPECTED.get(error["type"])


def sentence(error: Mapping[str, Any], *, secret: bool = False) -> str:
    """Return the text of an error. A secret's value is not shown."""
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    if kind == "missing":
        text = "is required"
    elif kind in _BOUNDS:
        text = f"{_BOUNDS[kind].format(**context)}, got {describe(value, secret=secret)}"
    elif kind in ("literal_error", "enum"):
        text = _choice(context["expected"], value, secret=secret)
    elif kind in ("value_error", "assertion_error"):
        # A validator's words may quote what it was given.
        text = "is not valid (its value is a secret and is not shown)" if secret else str(context["error"])
    elif expected := expectation(error):
        text = mismatch([expected], value, secret=secret)
    else:
        text = error["msg"][:1].lower() + error["msg"][1:]
    return text


def mismatch(expected: Iterable[str], value: object, *, secret: bool = False) -> str:
    """Return that a value is of another kind than any of those expected."""
    return f"expected {' or '.join(dict.fromkeys(expected))}, got {describe(value, secret=secret)}"


def describe(value: object, *, secret: bool = False) -> str:
    """Return a value's kind and, for a short one that is no secret, the value."""
    text = "another value"
    match value:
        case None:
            text = "nothing"
        case dict():
            text = "a map"
        case list():
            text = "a list"
        case str():
            text = "a text" if secret else f'the text "{value if len(value) <= _SHOWN else value[:_SHOWN] + "…"}"'
        case bool() if not secret:
            text = "true" if value else "false"
        case int() | float() if not secret:
            text = f"the number {value}"
    return text


def suggestion(word: str, known: Sequence[str]) -> str:
    """Return the end of a sentence about an unknown word: the nearest known one, else all, where they are few."""
    if near := _nearest(word, known):
        return f': did you mean "{near}"?'
    return f": known are {', '.join(sorted(known))}" if 0 < len(known) <= _LISTED else ""


def unknown_key(key: str, known: Sequence[str]) -> str:
    """Return that no option has this name, and which might be meant."""
    return f'unknown key "{key}"{suggestion(key, known)}'


def _choice(expected: str, value: object, *, secret: bool) -> str:
    text = f"expected {expected.replace(chr(39), chr(34))}, got {describe(value, secret=secret)}"
    words = [part for part in expected.split("'")[1::2] if part]
    near = _nearest(value, words) if isinstance(value, str) else None
    return f'{text}: did you mean "{near}"?' if near else text


def _nearest(word: str, known: Sequence[str]) -> str | None:
    import difflib  # noqa: PLC0415 - a configuration without mistakes does not need it

    by_lower = {name.lower(): name for name in known}
    return next((by_lower[near] for near in difflib.get_close_matches(word.lower(), by_lower, n=1)), None)
