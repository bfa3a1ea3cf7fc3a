"""Zipkin's Thrift of version 1: a list of spans in the binary protocol.

The structs have the numbers of the published IDL
(https://github.com/openzipkin/zipkin-api/blob/master/thrift/zipkinCore.thrift).
"""

import base64
import ipaddress
import struct
from collections.abc import Iterator

from collector.translate import thrift
from collector.translate.zipkin.model import (
    MOST_ANNOTATIONS,
    NO_ENDPOINT,
    Endpoint,
    address,
    checked,
    checked_count,
)
from collector.translate.zipkin.v1 import Annotation, BinaryAnnotation, SpanV1
from collector.translate.zipkin.values import Scalar

_Endpoint = thrift.declare(
    "Endpoint",
    ipv4=(1, thrift.I32),
    port=(2, thrift.I16),
    service_name=(3, thrift.TEXT),
    ipv6=(4, thrift.BINARY),
)
_Annotation = thrift.declare(
    "Annotation",
    timestamp=(1, thrift.I64),
    value=(2, thrift.TEXT),
    host=(3, thrift.struct_of(_Endpoint)),
)
_BinaryAnnotation = thrift.declare(
    "BinaryAnnotation",
    key=(1, thrift.TEXT),
    value=(2, thrift.BINARY),
    annotation_type=(3, thrift.I32),
    host=(4, thrift.struct_of(_Endpoint)),
)
_Span = thrift.declare(
    "Span",
    trace_id=(1, thrift.I64),
    name=(3, thrift.TEXT),
    id=(4, thrift.I64),
    parent_id=(5, thrift.I64),
    annotations=(6, thrift.list_of(_Annotation)),
    binary_annotations=(8, thrift.list_of(_BinaryAnnotation)),
    debug=(9, thrift.BOOL),
    timestamp=(10, thrift.I64),
    duration=(11, thrift.I64),
    trace_id_high=(12, thrift.I64),
)

# The kinds of a binary annotation's value, by number.
_BOOL, _BYTES, _I16, _I32, _I64, _DOUBLE, _STRING = range(7)
_LAYOUTS = {
    _I16: struct.Struct(">h"),
    _I32: struct.Struct(">i"),
    _I64: struct.Struct(">q"),
    _DOUBLE: struct.Struct(">d"),
}


def read_v1_thrift(payload: bytes) -> Iterator[SpanV1]:
    """Yield the spans of a list.

    Raises:
        ValueError: the payload is no list of spans; the message says where it ceases to be one.

    """
    for index, raw in enumerate(thrift.read_list(payload, _Span, MOST_ANNOTATIONS)):
        try:
            span = checked(_read_span(raw))
        except ValueError as error:
            raise ValueError(f"spans[{index}].{error}") from None
        yield span


def _read_span(raw: thrift.ThriftStruct) -> SpanV1:
    return SpanV1(
        trace_id=_id(raw.trace_id_high) + _id(raw.trace_id),
        id=_id(raw.id),
        parent_id=_id(raw.parent_id),
        name=raw.name or "",
        timestamp=checked_count(raw.timestamp or 0, "timestamp"),
        duration=checked_count(raw.duration or 0, "duration"),
        annotations=[
            Annotation(
                checked_count(annotation.timestamp or 0, "annotations"),
                annotation.value or "",
                _read_endpoint(annotation.host),
            )
            for annotation in raw.annotations or ()
        ],
        tags=[
            BinaryAnnotation(tag.key or "", _value(tag.annotation_type, tag.value or b""), _read_endpoint(tag.host))
            for tag in raw.binary_annotations or ()
        ],
    )


def _id(number: int | None) -> bytes:
    return struct.pack(">q", number or 0)


def _read_endpoint(raw: thrift.ThriftStruct | None) -> Endpoint:
    if raw is None:
        return NO_ENDPOINT
    # Thrift has signed numbers only.
    ipv4 = str(ipaddress.IPv4Address(raw.ipv4 & 0xFFFFFFFF)) if raw.ipv4 else ""
    try:
        return Endpoint(raw.service_name or "", ipv4, address(raw.ipv6 or b""), (raw.port or 0) & 0xFFFF)
    except ValueError as error:
        raise ValueError(f"endpoint: {error}") from None


def _value(kind: int | None, raw: bytes) -> Scalar:
    """Return the value of a tag; bytes, and what is not of the size of its kind, as base64."""
    layout = _LAYOUTS.get(-1 if kind is None else kind)
    if layout is not None and len(raw) == layout.size:
        number: int | float = layout.unpack(raw)[0]
        return number
    if kind == _BOOL:
        return raw == b"\x01"
    if kind == _STRING:
        return raw.decode(errors="replace")
    return base64.b64encode(raw).decode()
