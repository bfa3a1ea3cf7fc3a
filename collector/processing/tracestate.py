"""The W3C `tracestate` of a span, with OpenTelemetry's own member `ot` opened.

What others wrote is kept as it came, in its order. The member `ot` moves to the front when the text is written again,
as the W3C wants of a member that was changed; inside it, `rv` comes first, then `th`, then what else there was.

Specifications: https://www.w3.org/TR/trace-context/#tracestate-header (the grammar of keys is that of Level 1, as the
OpenTelemetry Collector reads it) and https://opentelemetry.io/docs/specs/otel/trace/tracestate-handling/.
"""

import re
from typing import Self

from collector.processing.probability import format_randomness, format_threshold, parse_randomness, parse_threshold

MAX_LENGTH = 1024
MAX_MEMBERS = 32
MAX_OT_LENGTH = 256

_KEY = re.compile(r"[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13}")
_VALUE = re.compile(r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]")
_MEMBER = re.compile(rf"[ \t]*({_KEY.pattern})=({_VALUE.pattern})[ \t]*")
_OT_FIELD = re.compile(r"([a-z][a-z0-9]*):([a-zA-Z0-9._\-]*)")


class OtelTraceState:
    """The value of the member `ot`: `rv`, `th` and fields that we only pass on."""

    __slots__ = ("_rv", "_th", "extra", "randomness", "threshold")

    def __init__(self) -> None:
        self.randomness: int | None = None
        self.threshold: int | None = None
        self.extra: list[str] = []
        # As they were written: digits in upper case and zeros at the end are passed on.
        self._rv = self._th = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the state that a text spells, such as `th:c;rv:d29d6a7215ced0`.

        Raises:
            ValueError: the text is not by the specification; the message says where.

        """
        if len(text) > MAX_OT_LENGTH:
            raise ValueError(f"the tracestate member ot has more than {MAX_OT_LENGTH} characters")
        state = cls()
        for field in text.split(";"):
            match = _OT_FIELD.fullmatch(field)
            if match is None:
                raise ValueError(f"the tracestate member ot has invalid syntax: {field!r}")
            key, value = match.groups()
            if key == "rv":
                state.randomness, state._rv = parse_randomness(value), value
            elif key == "th":
                state.threshold, state._th = parse_threshold(value), value
            else:
                state.extra.append(field)
        return state

    def set_randomness(self, randomness: int | None) -> None:
        """Set `rv`, or take it out."""
        self.randomness = randomness
        self._rv = "" if randomness is None else format_randomness(randomness)

    def set_threshold(self, threshold: int | None) -> None:
        """Set `th`, or take it out."""
        self.threshold = threshold
        self._th = "" if threshold is None else format_threshold(threshold)

    def raise_threshold(self, threshold: int) -> None:
        """Set `th` unless a higher one stands there: what was sampled away does not come back."""
        if self.threshold is None or self.threshold <= threshold:
            self.set_threshold(threshold)

    def __str__(self) -> str:
        fields = [f"{key}:{value}" for key, value in (("rv", self._rv), ("th", self._th)) if value]
        return ";".join(fields + self.extra)


class TraceState:
    """A whole `tracestate`: the member `ot` and the members of others, as `key=value` texts in their order."""

    __slots__ = ("ot", "others")

    def __init__(self) -> None:
        self.ot = OtelTraceState()
        self.others: list[str] = []

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the state that a header or a span's `trace_state` spells.

        Raises:
            ValueError: the text is not by the specification; the message says where.

        """
        if len(text) > MAX_LENGTH:
            raise ValueError(f"the tracestate has more than {MAX_LENGTH} characters")
        members = [stripped for member in text.split(",") if (stripped := member.strip(" \t"))]
        if len(members) > MAX_MEMBERS:
            raise ValueError(f"the tracestate has more than {MAX_MEMBERS} members")
        state = cls()
        for member in members:
            key, _, value = member.partition("=")
            if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
                raise ValueError(f"the tracestate has invalid syntax: {member!r}")
            if key == "ot":
                state.ot = OtelTraceState.parse(value)
            else:
                state.others.append(member)
        return state

    def __str__(self) -> str:
        ot = str(self.ot)
        return ",".join(([f"ot={ot}"] if ot else []) + self.others)


def parse_members(text: str) -> dict[str, str] | None:
    """Return the values of all members by key, or None where the text is not by the specification.

    As OpenTelemetry's library for Go reads it: a key that stands there twice is a mistake, and the whole may be long.
    """
    found: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        member = _MEMBER.fullmatch(part)
        if member is None or member[1] in found or len(found) == MAX_MEMBERS:
            return None
        found[member[1]] = member[2]
    return found
