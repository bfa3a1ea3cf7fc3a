"""Patterns that operators write: RE2 syntax, as in Go, matched in time linear in the text.

The engine is RE2 itself, so what the OpenTelemetry Collector accepts matches the same here, and no pattern that an
operator writes and no text that a sender chooses can stall the collector.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import re2

from collector.processing.remembering import remembering

# Match results that a set of patterns remembers where its configuration asks for a cache but gives no size.
_DEFAULT_CACHE_ENTRIES = 10_000

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False  # the engine would write them to stderr; ours are raised

# What stays of a pattern without these has a position to assert (`^`, `$`) only where it really asserts one.
_ESCAPED = re.compile(r"\\.", re.DOTALL)
_CLASS = re.compile(r"\[\^?\]?(?:\[:\^?\w+:\]|[^\]])*\]")
_POSITIONAL_ESCAPE = re.compile(r"\\[AbBzQ]")
# What asserts a position, perhaps repeatedly, and what is passed over to find it: classes and escapes.
_POSITIONS = re.compile(
    r"""(?P<other>\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\] | \\[^AbBzQ])
    | (?:\\[AbBz] | [$^])(?P<repeated>[*+?{])? | (?P<quoted>\\Q)""",
    re.DOTALL | re.VERBOSE,
)


class Pattern:
    """One compiled pattern. It matches anywhere in a text unless it is anchored.

    Raises:
        ValueError: the text is no RE2 pattern; the message names it and says what RE2 cannot do.

    """

    __slots__ = ("_compiled", "_find", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            self._compiled = re2.compile(text, _OPTIONS)
        except re2.error as error:
            raise ValueError(_explain(text, error)) from None
        # Where a pattern matches, without the objects around it that take three times as long to make as the match.
        self._find = partial(self._compiled._regexp.Match, re2._Anchor.UNANCHORED)  # noqa: SLF001

    def matches(self, text: str) -> bool:
        """Return whether the pattern matches in a text."""
        return self.found_in(text.encode())

    def found_in(self, raw: bytes) -> bool:
        """Return whether the pattern matches in bytes, of which any part may be UTF-8."""
        return self.span(raw) is not None

    def span(self, raw: bytes, start: int = 0) -> tuple[int, int] | None:
        """Return where the first match from a position on begins and ends, or None where there is none."""
        found: tuple[int, int] = self._find(raw, start, len(raw))[0]
        return None if found[0] < 0 else found

    @property
    def group_names(self) -> list[str]:
        """The name of each group in order, empty for a group without a name."""
        names = [""] * self._compiled.groups
        for name, number in self._compiled.groupindex.items():
            names[number - 1] = name
        return names

    def groups(self, text: str) -> dict[str, str] | None:
        """Return the texts of the named groups at the first match, or None where there is none."""
        match = self._compiled.search(text)
        return None if match is None else match.groupdict(default="")

    def replace(self, text: str, replacement: Callable[[str], str]) -> str:
        """Return the text with every match replaced by what `replacement` returns for it.

        As in Go, an empty match right behind another match is none.
        """
        return "".join(self._replaced(text, replacement))

    def _replaced(self, text: str, replacement: Callable[[str], str]) -> Iterator[str]:
        end = 0
        for match in self._compiled.finditer(text):
            start, stop = match.span()
            if start == stop == end and start > 0:
                continue
            yield text[end:start]
            yield replacement(text[start:stop])
            end = stop
        yield text[end:]

    @property
    def is_positional(self) -> bool:
        """Whether a match may depend on what stands around it (`^`, `$`, word boundaries); true where in doubt."""
        if _POSITIONAL_ESCAPE.search(self.text):
            return True
        rest = _CLASS.sub("", _ESCAPED.sub("", self.text))
        return "^" in rest or "$" in rest

    def relaxed(self) -> "Pattern | None":
        """Return a pattern without positions to assert, which matches wherever this one does and maybe elsewhere.

        Where a text is part of a message, it matches in the message as well. None where there is no simple way.
        """
        if not self.is_positional:
            return self
        if any(match["repeated"] or match["quoted"] for match in _POSITIONS.finditer(self.text)):
            return None
        return Pattern(_POSITIONS.sub(lambda match: match["other"] or "", self.text))

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"


class PatternSet:
    """Several patterns matched in one pass. `cache_entries`, where it is not 0, is how many results are remembered."""

    def __init__(self, patterns: Iterable[Pattern], cache_entries: int = 0) -> None:
        self.patterns = tuple(patterns)
        self._together = _together(self.patterns)
        self._everywhere = len(self.patterns)
        self.matches: Callable[[str], bool] = self._match
        if cache_entries:
            self.matches = remembering(self._match, cache_entries)

    def _match(self, text: str) -> bool:
        """Return whether one of the patterns matches in a text."""
        return self.found_in(text.encode())

    def found_in(self, raw: bytes) -> bool:
        """Return whether one of the patterns matches in bytes, of which any part may be UTF-8."""
        return bool(self.matching(raw))

    def replace(self, text: str, replacement: Callable[[str], str]) -> str:
        """Return the text after each pattern in turn had its matches replaced, as by `Pattern.replace`."""
        numbers = self.matching(text.encode())
        while numbers:
            first = min(numbers)
            text = self.patterns[first].replace(text, replacement)
            numbers = [number for number in self.matching(text.encode()) if number > first]
        return text

    def matching(self, raw: bytes) -> list[int]:
        """Return the numbers of the patterns that match, in no order."""
        if self._together is not None and (found := self._together.Match(raw)):
            return [number for number in found if number != self._everywhere] if len(found) > 1 else []
        return [number for number, pattern in enumerate(self.patterns) if pattern.found_in(raw)]

    @property
    def scans_messages(self) -> bool:
        """Whether a pattern that matches a text also matches the serialized message that holds the text."""
        return not any(pattern.is_positional for pattern in self.patterns)

    def __bool__(self) -> bool:
        return bool(self.patterns)


def compile_patterns(texts: Iterable[str]) -> PatternSet:
    """Return a set of patterns; raises as `Pattern` does."""
    return PatternSet(Pattern(text) for text in dict.fromkeys(texts))


def cache_size(enabled: bool, entries: int) -> int:
    """Return the `cache_entries` for the options `cacheenabled` and `cachemaxnumentries`, which is never unbounded."""
    return (entries or _DEFAULT_CACHE_ENTRIES) if enabled else 0


def quote(text: str) -> str:
    """Return a pattern that matches the text itself."""
    quoted: str = re2.escape(text)
    return quoted


def _together(patterns: tuple[Pattern, ...]) -> re2.Set | None:
    """Return the engine for all patterns at once, or None where there are none or they are too large together.

    It has one pattern more, which matches everywhere: where not even that one does, the engine ran out of memory.
    """
    together = re2.Set.SearchSet(_OPTIONS)
    for pattern in patterns:
        together.Add(pattern.text)
    together.Add("")
    try:
        together.Compile()
    except re2.error:
        return None
    return together if patterns else None


def _explain(text: str, error: Exception) -> str:
    reason = error.args[0]
    if isinstance(reason, bytes):
        reason = reason.decode(errors="replace")
    hint = ""
    if "perl operator" in reason:
        hint = "; RE2 has no look-around: write what should match, not what should stand beside it"
    elif re.search(r"escape sequence: \\[1-9]", reason):
        hint = "; RE2 has no backreferences"
    return f'"{text}" is not a valid RE2 pattern: {reason}{hint}'
