"""The `trace_state` of serialized spans, found and written without decoding the span.

OTLP's encoders write a span's fields in ascending order, so the trace id stands at a known place, and behind it the
byte that would begin a `trace_state` tells by its absence that there is none. A `trace_state` is given to a span by
appending the field, which protobuf reads as if it stood in its place.
"""

from collector.data.messages import Span
from collector.data.shell import SpanShell

TRACE_ID_HEAD = b"\n\x10"
"""What stands in front of the trace id of a span whose fields are in the order of their numbers."""

TRACE_STATE = b"\x1a"
"""What a `trace_state` begins with; other fields have this byte in them, too."""

AFTER_ID = 18
"""Where the trace id ends in a span that begins with `TRACE_ID_HEAD`."""


def trace_state_field(text: str) -> bytes:
    """Return a `trace_state` as a field of a span; nothing where the text is empty."""
    encoded: bytes = Span(trace_state=text).SerializeToString()
    return encoded


def trace_state_of(raw: bytes) -> str:
    """Return the `trace_state` of a serialized span; empty where it has none."""
    if raw.find(TRACE_STATE, AFTER_ID if raw.startswith(TRACE_ID_HEAD) else 0) < 0:
        return ""
    texts = SpanShell.FromString(raw).trace_state
    text: str = texts[-1].decode() if texts else ""
    return text


def with_trace_state(raw: bytes, text: str) -> bytes:
    """Return a serialized span with another `trace_state`, none where the text is empty; all else keeps its order."""
    shell = SpanShell.FromString(raw)
    shell.ClearField("trace_state")
    rest: bytes = shell.SerializeToString()
    return rest + trace_state_field(text)
