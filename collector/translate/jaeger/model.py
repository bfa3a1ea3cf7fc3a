"""Jaeger's model (https://github.com/jaegertracing/jaeger-idl), whatever it is encoded in."""

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

Value: TypeAlias = str | bool | int | float | bytes
# Where a sender repeats a key, its last value counts.
Tags: TypeAlias = dict[str, Value]

# Nanoseconds since the Unix epoch that OTLP can say.
MOST_NANOSECONDS = 2**64 - 1
# Tags, logs, their fields and references of one span together. Without a bound a request of many empty ones would take
# hundreds of times its own size to hold.
MOST_MEMBERS = 2**16
# Of a request, for the same reason; clients send some hundreds.
MOST_SPANS = 2**18
SAMPLED = 1


class InvalidSpanError(ValueError):
    """A span that OTLP has no place for. `reason` is the word under which it is counted."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, eq=False)
class Process:
    """Who made spans; the same object for all spans that one process made."""

    service: str = ""
    tags: Tags = field(default_factory=dict)


class Reference(NamedTuple):
    """Another span: what this one is a child of, or what it only follows from."""

    trace_id: bytes
    span_id: bytes
    follows: bool = False


class Log(NamedTuple):
    """Something that happened, at a time in nanoseconds."""

    time: int
    fields: Tags


@dataclass(slots=True, kw_only=True)
class JaegerSpan:
    """A span. Ids are as long as OTLP's, and empty instead of all zero; `start` is a time and `duration` nanoseconds.

    `parent_id` is what Thrift says beside the references.
    """

    process: Process | None = None
    trace_id: bytes
    span_id: bytes
    parent_id: bytes = b""
    name: str = ""
    flags: int = 0
    start: int = 0
    duration: int = 0
    references: list[Reference] = field(default_factory=list)
    tags: Tags = field(default_factory=dict)
    logs: list[Log] = field(default_factory=list)

    @property
    def parent(self) -> bytes:
        """The parent's id, or an empty one: a reference inside of the trace, to what this is a child of if possible."""
        if self.parent_id:
            return self.parent_id
        inside = [reference for reference in self.references if reference.trace_id == self.trace_id]
        first = min(inside, key=lambda reference: reference.follows, default=None)
        return b"" if first is None else first.span_id


def checked_number(spans: int) -> int:
    """Return the number of spans of a request.

    Raises:
        ValueError: it is negative, or larger than anybody needs.

    """
    if not 0 <= spans <= MOST_SPANS:
        raise ValueError(f"a request has {MOST_SPANS} spans at most, not {spans}")
    return spans


def checked_times(span: JaegerSpan) -> JaegerSpan:
    """Return a span whose times OTLP can say.

    Raises:
        InvalidSpanError: they are before the Unix epoch, or end later than OTLP can say, or before they begin.

    """
    if span.duration < 0:
        raise InvalidSpanError(f"duration: {span.duration} ns: a span ends before it begins", "negative_duration")
    times = [span.start, span.start + span.duration, *(log.time for log in span.logs)]
    if min(times) < 0 or max(times) > MOST_NANOSECONDS:
        raise InvalidSpanError("startTime: a time is before 1970 or after 2554", "invalid_time")
    return span
