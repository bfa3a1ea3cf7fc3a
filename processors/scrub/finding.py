"""What detectors are made of, and the search of a text by all of them at once.

A detector has two RE2 patterns. `pattern` matches candidates in the UTF-8 of a text; `check` looks at each with what
stands around it and refuses it, or narrows it to what must go. `hint` matches in every text that holds a finding, and
because it asserts no position also in every message that holds such a text: one pass over the bytes of many spans tells
which of them may hold anything.

Every search is linear in the text: RE2 for candidates, and checks that look at a bounded part of the text or only go
forward.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from collector.processing.patterns import Pattern, PatternSet

# Where something begins and ends in the UTF-8 of a text.
Span: TypeAlias = tuple[int, int]
# A part of a text that must go: where it begins and ends in the UTF-8, and its kind.
Finding: TypeAlias = tuple[int, int, str]
Check: TypeAlias = Callable[[bytes, int, int], Span | None]


def accept(text: bytes, start: int, end: int) -> Span:  # noqa: ARG001 - the shape of a check
    """Check nothing: every candidate is a finding."""
    return start, end


@dataclass(frozen=True, kw_only=True)
class Detector:
    """Finds one kind, or one shape of a kind.

    `step` is how far behind the beginning of a refused candidate the search goes on; 0 for the candidate's end.
    """

    kind: str
    hint: str
    pattern: str
    check: Check = accept
    step: int = 0


class Finder:
    """Searches texts with several detectors; where findings overlap, the one counts that begins first or is longer."""

    def __init__(self, detectors: Iterable[Detector]) -> None:
        self._detectors = [(Pattern(detector.pattern), detector) for detector in detectors]
        self._together = PatternSet(pattern for pattern, _ in self._detectors)

    def find(self, text: bytes) -> list[Finding]:
        """Return what must go from a text, in order and without overlaps."""
        found: list[Finding] = []
        for number in sorted(self._together.matching(text)):
            found += self._found(*self._detectors[number], text)
        return found if len(found) < 2 else without_overlaps(found)

    def _found(self, pattern: Pattern, detector: Detector, text: bytes) -> list[Finding]:
        found: list[Finding] = []
        at, size = 0, len(text)
        while at < size and (candidate := pattern.span(text, at)) is not None:
            start, at = candidate
            span = detector.check(text, start, at)
            if span is not None:
                at = span[1]
                found.append((*span, detector.kind))
            elif detector.step:
                at = start + detector.step
        return found


def without_overlaps(found: list[Finding]) -> list[Finding]:
    """Return findings in order, each cut to what none before it covers; of equal ones the first stays."""
    kept: list[Finding] = []
    covered = 0
    for start, end, kind in sorted(found, key=lambda finding: (finding[0], -finding[1])):
        if end > covered:
            kept.append((max(start, covered), end, kind))
            covered = end
    return kept
