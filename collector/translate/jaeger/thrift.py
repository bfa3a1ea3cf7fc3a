"""Jaeger's Thrift: batches by HTTP, and the agent's packets by UDP.

The structs have the numbers of the published IDL (https://github.com/jaegertracing/jaeger-idl/tree/main/thrift). A span
is read by itself and bounded in its members, so that a large batch is never held as objects.
"""

import struct
from collections.abc import Iterable, Iterator
from itertools import groupby

from thrift.Thrift import TType

from collector.translate import thrift
from collector.translate.jaeger.model import (
    MOST_MEMBERS,
    JaegerSpan,
    Log,
    Process,
    Reference,
    Tags,
    Value,
    checked_number,
)
from collector.translate.jaeger.to_otlp import Translated, to_otlp
from collector.translate.thrift_protocols import (
    DOUBLE,
    Protocol,
    Reader,
    Room,
    bounded,
    enter_call,
    next_field,
    open_reader,
    read_struct,
    reading,
    write,
)

_room = Room()

# Texts are read as bytes, so that one which is no Unicode spoils nothing else.
_Tag = thrift.declare(
    "Tag",
    key=(1, thrift.BINARY),
    type=(2, thrift.I32),
    text=(3, thrift.BINARY),
    double=(4, DOUBLE),
    bool=(5, thrift.BOOL),
    long=(6, thrift.I64),
    binary=(7, thrift.BINARY),
)
_tags = thrift.list_of(bounded(_Tag, _room))
_Log = thrift.declare("Log", timestamp=(1, thrift.I64), fields=(2, _tags))
_Reference = thrift.declare(
    "SpanRef",
    type=(1, thrift.I32),
    trace_id_low=(2, thrift.I64),
    trace_id_high=(3, thrift.I64),
    span_id=(4, thrift.I64),
)
_Span = thrift.declare(
    "Span",
    trace_id_low=(1, thrift.I64),
    trace_id_high=(2, thrift.I64),
    span_id=(3, thrift.I64),
    parent_span_id=(4, thrift.I64),
    operation_name=(5, thrift.BINARY),
    references=(6, thrift.list_of(bounded(_Reference, _room))),
    flags=(7, thrift.I32),
    start_time=(8, thrift.I64),
    duration=(9, thrift.I64),
    tags=(10, _tags),
    logs=(11, thrift.list_of(bounded(_Log, _room))),
)
_Process = thrift.declare("Process", service_name=(1, thrift.BINARY), tags=(2, _tags))
_Batch = thrift.declare("Batch", process=(1, thrift.struct_of(_Process)), spans=(2, thrift.list_of(_Span)))

_PROCESS, _SPANS = 1, 2
# The kinds of a tag's value, by number.
_STRING, _DOUBLE, _BOOL, _LONG, _BINARY = range(5)
_FIELDS = {_STRING: "text", _DOUBLE: "double", _BOOL: "bool", _LONG: "long", _BINARY: "binary"}
_EMPTY: dict[int, Value] = {_DOUBLE: 0.0, _BOOL: False, _LONG: 0, _BINARY: b""}
_KINDS = {str: _STRING, float: _DOUBLE, bool: _BOOL, int: _LONG, bytes: _BINARY}
_FOLLOWS_FROM = 1
_IDS, _ID = struct.Struct(">qq"), struct.Struct(">q")


def translate_batch(payload: bytes) -> Translated:
    """Return the OTLP of a `Batch` in the binary protocol, the body of an HTTP request.

    Raises:
        ValueError: the payload is none; the message says where it ceases to be one.

    """
    return _translate(open_reader(payload, "binary"))


def translate_packet(payload: bytes, protocol: Protocol) -> Translated:
    """Return the OTLP of a call of the agent's `emitBatch`.

    Raises:
        ValueError: the payload is none; the message says where it ceases to be one.

    """
    reader = open_reader(payload, protocol)
    with reading():
        enter_call(reader, "emitBatch")
    return _translate(reader)


def _translate(reader: Reader) -> Translated:
    with reading():
        process, count = _read_head(reader)
    return to_otlp(_raw_spans(reader, count), lambda raw: _span(raw, process))


def _read_head(reader: Reader) -> tuple[Process | None, int]:
    """Read up to the first span; return the process and how many spans are announced.

    What a batch has behind its spans is not read. All of Jaeger's clients write its fields in the order of the IDL.
    """
    process = None
    reader.readStructBegin()
    while True:
        number, kind = next_field(reader)
        if (number, kind) == (_SPANS, TType.LIST):
            return process, _length(reader)
        if kind == TType.STOP:
            return process, 0
        if (number, kind) != (_PROCESS, TType.STRUCT):
            raise ValueError(f"expected the process and the spans of a batch, not a field {number}")
        _room.left = MOST_MEMBERS
        raw = read_struct(reader, _Process)
        process = Process(_text(raw.service_name), _tags_of(raw.tags))
        reader.readFieldEnd()


def _length(reader: Reader) -> int:
    kind, length = reader.readListBegin()
    if length and kind != TType.STRUCT:
        raise ValueError("expected a list of spans")
    return checked_number(int(length))


def _raw_spans(reader: Reader, count: int) -> Iterator[thrift.ThriftStruct]:
    for _ in range(count):
        _room.left = MOST_MEMBERS
        with reading():
            raw = read_struct(reader, _Span)
        # Some clients pad their batches.
        if any(vars(raw).values()):
            yield raw


def _span(raw: thrift.ThriftStruct, process: Process | None) -> JaegerSpan:
    return JaegerSpan(
        process=process,
        trace_id=_trace_id(raw),
        span_id=_span_id(raw.span_id),
        parent_id=_span_id(raw.parent_span_id),
        name=_text(raw.operation_name),
        flags=raw.flags or 0,
        start=(raw.start_time or 0) * 1000,
        duration=(raw.duration or 0) * 1000,
        references=[
            Reference(_trace_id(reference), _span_id(reference.span_id), reference.type == _FOLLOWS_FROM)
            for reference in raw.references or ()
        ],
        tags=_tags_of(raw.tags),
        logs=[Log((log.timestamp or 0) * 1000, _tags_of(log.fields)) for log in raw.logs or ()],
    )


def _trace_id(raw: thrift.ThriftStruct) -> bytes:
    high, low = raw.trace_id_high or 0, raw.trace_id_low or 0
    return _IDS.pack(high, low) if high or low else b""


def _span_id(number: int | None) -> bytes:
    return _ID.pack(number) if number else b""


def _text(raw: bytes | None) -> str:
    return raw.decode("utf-8", "replace") if raw else ""


def _tags_of(raws: list[thrift.ThriftStruct] | None) -> Tags:
    return {_text(raw.key): _value(raw) for raw in raws or ()}


def _value(raw: thrift.ThriftStruct) -> Value:
    kind = raw.type or _STRING
    if kind == _STRING:
        return _text(raw.text)
    if kind not in _FIELDS:
        return f'<Unknown Jaeger TagType "{kind}">'
    value = getattr(raw, _FIELDS[kind])
    return _EMPTY[kind] if value is None else value


def write_batches(spans: Iterable[JaegerSpan], protocol: Protocol = "binary") -> Iterator[bytes]:
    """Yield a `Batch` for each process."""
    for process, members in groupby(spans, lambda span: span.process):
        raw_process = None if process is None else _raw_process(process)
        yield write(_made(_Batch, process=raw_process, spans=[_raw_span(span) for span in members]), protocol)


def _raw_process(process: Process) -> thrift.ThriftStruct:
    return _made(_Process, service_name=process.service.encode(), tags=_raw_tags(process.tags))


def _made(struct_type: thrift.ThriftStruct, **fields: object) -> thrift.ThriftStruct:
    made = struct_type()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def _raw_span(span: JaegerSpan) -> thrift.ThriftStruct:
    high, low = _IDS.unpack(span.trace_id)
    parent = span.parent_id
    return _made(
        _Span,
        trace_id_low=low,
        trace_id_high=high,
        span_id=_ID.unpack(span.span_id)[0],
        parent_span_id=_ID.unpack(parent)[0] if parent else 0,
        operation_name=span.name.encode(),
        references=[_raw_reference(reference) for reference in span.references],
        flags=span.flags,
        start_time=span.start // 1000,
        duration=span.duration // 1000,
        tags=_raw_tags(span.tags),
        logs=[_made(_Log, timestamp=log.time // 1000, fields=_raw_tags(log.fields)) for log in span.logs],
    )


def _raw_reference(reference: Reference) -> thrift.ThriftStruct:
    high, low = _IDS.unpack(reference.trace_id)
    return _made(
        _Reference,
        type=int(reference.follows),
        trace_id_low=low,
        trace_id_high=high,
        span_id=_ID.unpack(reference.span_id)[0],
    )


def _raw_tags(tags: Tags) -> list[thrift.ThriftStruct]:
    return [_raw_tag(key, value) for key, value in tags.items()]


def _raw_tag(key: str, value: Value) -> thrift.ThriftStruct:
    kind = _KINDS[type(value)]
    tag = _Tag()
    tag.key, tag.type = key.encode(), kind
    setattr(tag, _FIELDS[kind], value.encode() if isinstance(value, str) else value)
    return tag
