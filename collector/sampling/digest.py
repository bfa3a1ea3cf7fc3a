"""The few fields of a span by which most decisions are made, declared so that decoding one makes nothing else.

A `SpanDigest` has the fields of an OTLP span that are named here, and skips attributes, events and links in C.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from collector.data.messages import ProtoMessage
from collector.data.shell import ScopeShell
from collector.processing.span_state import AFTER_ID, TRACE_ID_HEAD

_Field = descriptor_pb2.FieldDescriptorProto

# Fields 2 and 4, span_id and parent_span_id, of 8 bytes, and where they begin in a span with the usual order.
_SPAN_ID_HEAD, _PARENT_HEAD = b"\x12\x08", b"\x22\x08"
_SPAN_ID = slice(AFTER_ID, AFTER_ID + 2)
_PARENT = slice(AFTER_ID + 10, AFTER_ID + 12)

_FIELDS = (
    ("trace_id", 1, _Field.TYPE_BYTES),
    ("span_id", 2, _Field.TYPE_BYTES),
    ("trace_state", 3, _Field.TYPE_STRING),
    ("parent_span_id", 4, _Field.TYPE_BYTES),
    ("name", 5, _Field.TYPE_STRING),
    ("kind", 6, _Field.TYPE_INT32),
    ("start_time_unix_nano", 7, _Field.TYPE_FIXED64),
    ("end_time_unix_nano", 8, _Field.TYPE_FIXED64),
    ("flags", 16, _Field.TYPE_FIXED32),
)


def _declare() -> tuple[ProtoMessage, ProtoMessage]:
    file = descriptor_pb2.FileDescriptorProto(name="spanmill/digest.proto", package="spanmill.digest", syntax="proto3")
    digest = file.message_type.add(name="SpanDigest")
    for name, number, kind in _FIELDS:
        digest.field.add(name=name, number=number, type=kind, label=_Field.LABEL_OPTIONAL)
    digest.field.add(
        name="status",
        number=15,
        type=_Field.TYPE_MESSAGE,
        type_name=".spanmill.digest.Status",
        label=_Field.LABEL_OPTIONAL,
    )
    file.message_type.add(name="Status").field.add(
        name="code", number=3, type=_Field.TYPE_INT32, label=_Field.LABEL_OPTIONAL
    )
    # The spans of a scope: many are decoded in one call, for half of what a call for each takes.
    file.message_type.add(name="ScopeDigest").field.add(
        name="spans",
        number=2,
        type=_Field.TYPE_MESSAGE,
        type_name=".spanmill.digest.SpanDigest",
        label=_Field.LABEL_REPEATED,
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    span, scope = (
        message_factory.GetMessageClass(pool.FindMessageTypeByName(f"spanmill.digest.{name}"))
        for name in ("SpanDigest", "ScopeDigest")
    )
    return span, scope


SpanDigest: ProtoMessage
SpanDigest, _ScopeDigest = _declare()


def digests_of(raws: list[bytes]) -> list[ProtoMessage]:
    """Return the `SpanDigest` of each of some serialized spans."""
    return list(_ScopeDigest.FromString(ScopeShell(items=raws).SerializeToString()).spans)


def has_parent(raw: bytes) -> bool:
    """Return whether a serialized span has a parent."""
    # Most have it where encoders write it, behind the trace id and the span's, which is seen without decoding them.
    if raw[_PARENT] == _PARENT_HEAD and raw[_SPAN_ID] == _SPAN_ID_HEAD and raw.startswith(TRACE_ID_HEAD):
        return True
    return bool(SpanDigest.FromString(raw).parent_span_id)
