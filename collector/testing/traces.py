"""Spans of numbered traces, for tests of what looks at whole traces."""

from collections.abc import Iterable
from typing import Any

from collector.data import Batch, Signal
from collector.data.messages import ITEMS, ProtoMessage
from collector.testing.samples import items_of

_NOON = 1_750_000_000_000_000_000  # nanoseconds since the Unix epoch


def make_span(trace: int, number: int = 1, **fields: Any) -> ProtoMessage:
    """Return span so-and-so of a trace; it has a parent, and takes a microsecond."""
    usual = {
        "trace_id": trace.to_bytes(16, "big"),
        "span_id": number.to_bytes(8, "big"),
        "parent_span_id": b"parentid",
        "name": f"span {number}",
        "start_time_unix_nano": _NOON,
        "end_time_unix_nano": _NOON + 1000,
    }
    return ITEMS[Signal.TRACES](**usual | fields)


def numbers_of(batches: Iterable[Batch]) -> list[tuple[int, int]]:
    """Return the numbers of the trace and the span of each span in some batches, in ascending order."""
    return sorted(
        (int.from_bytes(span.trace_id, "big"), int.from_bytes(span.span_id, "big"))
        for batch in batches
        for span in items_of(batch)
    )
