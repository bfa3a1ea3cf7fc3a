"""What can go wrong with a text of OTTL: it is none, or it asks for what the telemetry at hand does not give."""

import difflib
from collections.abc import Iterable


class OttlError(ValueError):
    """A text is no OTTL. `position` counts characters from 0; the message counts them from 1."""

    def __init__(self, problem: str, position: int, hint: str = "") -> None:
        super().__init__(f"{problem} at character {position + 1}{f'; {hint}' if hint else ''}")
        self.position = position


class EvaluationError(Exception):
    """A condition cannot be evaluated on some telemetry: a value has another type than its place needs."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a hint that names what is nearest to an unknown word, or the empty text where nothing is near."""
    names = sorted(known)
    by_lower = {name.lower(): name for name in reversed(names)}
    near = difflib.get_close_matches(word.lower(), by_lower, n=1)
    return f'did you mean "{by_lower[near[0]]}"?' if near else ""
