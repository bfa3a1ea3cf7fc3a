"""The few fields of a span by which most decisions are made, declared so that decoding one makes nothing else.

A `SpanDigest` has the fields of an OTLP span that are named here, and skips attributes, events and links in C.
"""

from collector.data.messages import ProtoMessage
from collector.data.protobuf import declare
from collector.data.shell import ScopeShell
from collector.processing.span_state import AFTER_ID, TRACE_ID_HEAD

# Fields 2 and 4, span_id and parent_span_id, of 8 bytes, and where they begin in a span with the usual order.
_SPAN_ID_HEAD, _PARENT_HEAD = b"\x12\x08", b"\x22\x08"
_SPAN_ID = slice(AFTER_ID, AFTER_ID + 2)
_PARENT = slice(AFTER_ID + 10, AFTER_ID + 12)

_MESSAGES = declare(
    "spanmill.digest",
    {
        "SpanDigest": {
            "trace_id": (1, "bytes"),
            "span_id": (2, "bytes"),
            "trace_state": (3, "string"),
            "parent_span_id": (4, "bytes"),
            "name": (5, "string"),
            "kind": (6, "int32"),
            "start_time_unix_nano": (7, "fixed64"),
            "end_time_unix_nano": (8, "fixed64"),
            "status": (15, "Status"),
            "flags": (16, "fixed32"),
        },
        "Status": {"code": (3, "int32")},
        # The spans of a scope: many are decoded in one call, for half of what a call for each takes.
        "ScopeDigest": {"spans": (2, "SpanDigest*")},
    },
)
SpanDigest: ProtoMessage = _MESSAGES["SpanDigest"]
_ScopeDigest: ProtoMessage = _MESSAGES["ScopeDigest"]


def digests_of(raws: list[bytes]) -> list[ProtoMessage]:
    """Return the `SpanDigest` of each of some serialized spans."""
    return list(_ScopeDigest.FromString(ScopeShell(items=raws).SerializeToString()).spans)


def has_parent(raw: bytes) -> bool:
    """Return whether a serialized span has a parent."""
    # Most have it where encoders write it, behind the trace id and the span's, which is seen without decoding them.
    if raw[_PARENT] == _PARENT_HEAD and raw[_SPAN_ID] == _SPAN_ID_HEAD and raw.startswith(TRACE_ID_HEAD):
        return True
    return bool(SpanDigest.FromString(raw).parent_span_id)
