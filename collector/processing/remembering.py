"""Results that are remembered by text, in a bounded memory."""

import functools
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Names, keys and segments that repeat are short. Long texts are seldom alike, and a sender could fill the memory with
# a few thousand of them.
LONGEST = 256


def remembering(function: Callable[[str], T], entries: int) -> Callable[[str], T]:
    """Return a function of a text with its latest results remembered, except for texts above `LONGEST` characters."""
    recall = functools.lru_cache(entries)(function)

    def call(text: str) -> T:
        return recall(text) if len(text) <= LONGEST else function(text)

    return call
