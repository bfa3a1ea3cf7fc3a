"""A few fields of many spans in one decode, without a message for each span.

Serialized spans that stand one behind the other are, to protobuf, one span in which every field occurs several times.
`SpanColumns` declares the fields that are wanted as repeated, so that each becomes a list that is made in C, and no
others, so that they are skipped. What remains is to know which value is which span's: between the spans stand fields
with values of no span's. Where one value of each span lies between two of these, a column is as long as there are
spans, and exact. Where a span has a field twice or not at all, or has the value that separates, `columns_of` gives up
and the spans are decoded one by one.

The values of a column of status codes and of trace states are told apart by traces only: they are all that occur in
the spans of a trace, where a span repeats one also those that do not count.
"""

from itertools import accumulate, pairwise
from typing import Any, NamedTuple, TypeVar

from collector.data.messages import ProtoMessage, Span
from collector.data.protobuf import declare

_Value = TypeVar("_Value", int, bytes)

# Nanoseconds that are nobody's time; small, for Python has one object of each small number, which is compared at once.
_NO_TIME = 251
_NO_CODE = 127
_NO_STATE = b""


SpanColumns: ProtoMessage = declare(
    "spanmill.columns",
    {
        "SpanColumns": {
            "trace_states": (3, "bytes*"),
            "starts": (7, "fixed64*"),
            "ends": (8, "fixed64*"),
            "status": (15, "Status"),
        },
        "Status": {"codes": (3, "int32*")},
    },
)["SpanColumns"]


def _separators() -> tuple[bytes, bytes]:
    span: ProtoMessage = Span(start_time_unix_nano=_NO_TIME, end_time_unix_nano=_NO_TIME)
    of_spans: bytes = span.SerializeToString()
    span.status.code = _NO_CODE
    # A span leaves out an empty text, the list of them does not.
    return of_spans, span.SerializeToString() + SpanColumns(trace_states=[_NO_STATE]).SerializeToString()


_BETWEEN_SPANS, _BETWEEN_TRACES = _separators()


class Columns(NamedTuple):
    """What the spans of some traces say, one value for each trace.

    Their earliest start and latest end in nanoseconds since the Unix epoch, and the status codes and trace states that
    occur in them.
    """

    starts: list[int]
    ends: list[int]
    codes: list[list[int]]
    trace_states: list[list[bytes]]


def columns_of(traces: list[list[bytes]]) -> Columns | None:
    """Return the columns of traces, each a list of serialized spans that is not empty; None where they cannot tell."""
    decoded = SpanColumns.FromString(_BETWEEN_TRACES.join([_BETWEEN_SPANS.join(raws) for raws in traces]))
    bounds = list(accumulate(map(len, traces), initial=0))
    starts = _one_each(decoded.starts[:], bounds[-1])
    ends = _one_each(decoded.ends[:], bounds[-1])
    codes = _by_trace(decoded.status.codes[:], _NO_CODE, len(traces))
    trace_states = _by_trace(decoded.trace_states[:], _NO_STATE, len(traces))
    if starts is None or ends is None or codes is None or trace_states is None:
        return None
    return Columns(
        [min(starts[begin:end]) for begin, end in pairwise(bounds)],
        [max(ends[begin:end]) for begin, end in pairwise(bounds)],
        codes,
        trace_states,
    )


def _one_each(values: list[int], spans: int) -> list[int] | None:
    """Return the values of a column without what separates them, None where not every span has exactly one."""
    between, found = values[1::2], values[::2]
    if len(found) != spans or between != [_NO_TIME] * (spans - 1) or _NO_TIME in found:
        return None
    return found


def _by_trace(values: list[_Value], separator: _Value, traces: int) -> list[list[Any]] | None:
    """Return the values of each trace, None where the separator is the value of a span."""
    if values.count(separator) != traces - 1:
        return None
    if len(values) == traces - 1:
        return [[]] * traces
    found: list[list[Any]] = [[]]
    for value in values:
        if value == separator:
            found.append([])
        else:
            found[-1].append(value)
    return found
