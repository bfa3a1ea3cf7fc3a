"""Which of many serialized messages may hold something to scrub, and in which of their fields: by their bytes.

The hints of all detectors are one pattern, and the messages one text. A match may begin in one message and end in the
next, where nothing is really found. It hides nothing there, for the search goes on at the end of the message that it
begins in. The same holds for the fields of a message.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from collector.processing.patterns import Pattern, quote
from processors.scrub.addresses import PrivateAddresses
from processors.scrub.fields import Field, field_at
from processors.scrub.finding import Detector


class Suspects:
    """Tells messages that may hold a finding by their bytes.

    `keys` are those of attributes whose values may be findings whatever they look like; `dismissed` are matches that
    need no second look.
    """

    def __init__(
        self, detectors: Iterable[Detector], keys: Iterable[str], dismissed: PrivateAddresses | None = None
    ) -> None:
        hints = [*(detector.hint for detector in detectors), *map(quote, keys)]
        self._pattern = Pattern("|".join(f"(?:{hint})" for hint in dict.fromkeys(hints)) if hints else _NEVER)
        self._everywhere = self._pattern.found_in(b"")
        self._dismissed = dismissed

    def among(self, raws: Sequence[bytes]) -> Iterator[tuple[int, int]]:
        """Yield the numbers of the messages that may hold something, each with where the first sign of it is."""
        together = b"".join(raws)
        ends: list[int] = []
        end = 0
        while (position := self.next(together, end)) is not None:
            ends = ends or list(accumulate(map(len, raws)))
            number = bisect_right(ends, position)
            end = ends[number]
            yield number, position - end + len(raws[number])

    def fields(self, raw: bytes, position: int | None) -> Iterator[Field]:
        """Yield the fields of a message that may hold something; the position is that of the first sign of it."""
        end = 0
        while position is not None:
            field = field_at(raw, position, end)
            yield field
            end = field[2]
            position = self.next(raw, end)

    def next(self, raw: bytes, at: int = 0) -> int | None:
        """Return where the next sign of something is, from a position on."""
        if self._everywhere:
            return at if at < len(raw) else None
        while (match := self._pattern.span(raw, at)) is not None:
            if self._dismissed is None or not self._dismissed.contain(raw, *match):
                return match[0]
            at = match[1] - 1  # its last digit may be the first of something else
        return None


# No text has its end before its beginning.
_NEVER = r"\z.\A"
