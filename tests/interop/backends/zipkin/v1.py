"""Writes version 1 of Zipkin's format, which Spanmill only reads: Thrift by code that is generated of its IDL."""

import json
import struct
from collections.abc import Iterable, Iterator
from typing import Any

from backends.records import Record, records_of
from jaeger_client.thrift_gen.zipkincore import ttypes as zipkincore
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TMemoryBuffer

from collector.translate.zipkin.from_otlp import from_otlp
from collector.translate.zipkin.model import ZipkinSpan

# Annotations at the begin and at the end of a span say its kind.
_ENDS = {"SERVER": ("sr", "ss"), "CLIENT": ("cs", "cr"), "PRODUCER": ("ms",), "CONSUMER": ("mr",)}


def v1_json(payload: bytes) -> bytes:
    """Return the JSON of a serialized OTLP request."""
    return json.dumps([_members(*pair) for pair in _with_tags(payload)]).encode()


def _with_tags(payload: bytes) -> Iterator[tuple[ZipkinSpan, dict[str, Any]]]:
    """Yield the spans of version 2 with tags as version 1 has them: with types, but without lists."""
    records = {record.span_id: record for record in records_of(payload)}
    for span in from_otlp(payload).spans:
        yield span, span.tags | _scalars(records[span.id.hex()])


def _scalars(record: Record) -> dict[str, Any]:
    attributes = {**record.resource, **record.attributes}
    return {key: value for key, value in attributes.items() if isinstance(value, bool | int | float)}


def _annotations(span: ZipkinSpan) -> Iterable[tuple[int, str]]:
    """Return the annotations of version 1, those of the request among them."""
    ends = zip((span.timestamp, span.timestamp + span.duration), _ENDS.get(span.kind, ()), strict=False)
    return [*ends, *span.annotations]


def _members(span: ZipkinSpan, tags: dict[str, Any]) -> dict[str, Any]:
    host = {"endpoint": {"serviceName": span.local.service}}
    members = {
        "traceId": span.trace_id.hex(),
        "id": span.id.hex(),
        "name": span.name,
        "timestamp": span.timestamp,
        "duration": span.duration,
        "annotations": [{"timestamp": time, "value": value, **host} for time, value in _annotations(span)],
        "binaryAnnotations": [{"key": key, "value": value, **host} for key, value in tags.items()],
    }
    return members | ({"parentId": span.parent_id.hex()} if span.parent_id else {})


class _BytesProtocol(TBinaryProtocol):
    """Takes bytes where the generated code, which is of Python 2, has a string for them."""

    def writeString(self, str_val: str | bytes) -> None:  # noqa: N802 - the library's name
        self.writeBinary(str_val if isinstance(str_val, bytes) else str_val.encode())


def v1_thrift(payload: bytes) -> bytes:
    """Return the Thrift of a serialized OTLP request: a list in the binary protocol."""
    spans = [_struct(*pair) for pair in _with_tags(payload)]
    buffer = TMemoryBuffer()
    for span in spans:
        span.write(_BytesProtocol(buffer))
    # A list of structs, and their number.
    return b"\x0c" + struct.pack(">i", len(spans)) + buffer.getvalue()


def _struct(span: ZipkinSpan, tags: dict[str, Any]) -> zipkincore.Span:
    host = zipkincore.Endpoint(ipv4=0, port=0, service_name=span.local.service)
    high, low = struct.unpack(">qq", span.trace_id)
    return zipkincore.Span(
        trace_id=low,
        trace_id_high=high,
        id=_number(span.id),
        parent_id=_number(span.parent_id) if span.parent_id else None,
        name=span.name,
        timestamp=span.timestamp,
        duration=span.duration,
        annotations=[zipkincore.Annotation(time, value, host) for time, value in _annotations(span)],
        binary_annotations=[zipkincore.BinaryAnnotation(key, *_value(value), host) for key, value in tags.items()],
    )


def _number(span_id: bytes) -> int:
    return int.from_bytes(span_id, "big", signed=True)


def _value(value: str | bool | float) -> tuple[bytes, int]:
    kinds = zipkincore.AnnotationType
    match value:
        case bool():
            return bytes([value]), kinds.BOOL
        case int():
            return struct.pack(">q", value), kinds.I64
        case float():
            return struct.pack(">d", value), kinds.DOUBLE
    return value.encode(), kinds.STRING
