"""Jaeger's protobuf, `api_v2`: the requests of its collector.

https://github.com/jaegertracing/jaeger-idl/tree/main/proto/api_v2
"""

from collections.abc import Iterable, Sequence
from functools import partial

from collector.data.messages import DecodeError, ProtoMessage
from collector.data.protobuf import declare
from collector.translate.jaeger.model import (
    MOST_MEMBERS,
    InvalidSpanError,
    JaegerSpan,
    Log,
    Process,
    Reference,
    Tags,
    Value,
    checked_number,
)
from collector.translate.jaeger.to_otlp import Translated, to_otlp

_TIME = {"seconds": (1, "int64"), "nanos": (2, "int32")}
_MESSAGES = declare(
    "spanmill.jaeger",
    {
        "Timestamp": _TIME,
        "Duration": _TIME,
        "KeyValue": {
            "key": (1, "string"),
            "v_type": (2, "int32"),
            "v_str": (3, "string"),
            "v_bool": (4, "bool"),
            "v_int64": (5, "int64"),
            "v_float64": (6, "double"),
            "v_binary": (7, "bytes"),
        },
        "Log": {"timestamp": (1, "Timestamp"), "fields": (2, "KeyValue*")},
        "SpanRef": {"trace_id": (1, "bytes"), "span_id": (2, "bytes"), "ref_type": (3, "int32")},
        "Process": {"service_name": (1, "string"), "tags": (2, "KeyValue*")},
        "Span": {
            "trace_id": (1, "bytes"),
            "span_id": (2, "bytes"),
            "operation_name": (3, "string"),
            "references": (4, "SpanRef*"),
            "flags": (5, "uint32"),
            "start_time": (6, "Timestamp"),
            "duration": (7, "Duration"),
            "tags": (8, "KeyValue*"),
            "logs": (9, "Log*"),
            # A process is read once for all spans that have the same bytes.
            "process": (10, "bytes*"),
        },
        # Spans stay bytes in their list, so that they are decoded one by one.
        "Batch": {"spans": (1, "bytes*"), "process": (2, "bytes*")},
        "PostSpansRequest": {"batch": (1, "Batch")},
    },
)
_Span, _Process = _MESSAGES["Span"], _MESSAGES["Process"]
_PostSpansRequest = _MESSAGES["PostSpansRequest"]

# The kinds of a tag's value, by number.
_FIELDS = ("v_str", "v_bool", "v_int64", "v_float64", "v_binary")
_KINDS = {str: 0, bool: 1, int: 2, float: 3, bytes: 4}
_FOLLOWS_FROM = 1
_GIGA = 1_000_000_000


def translate_post_spans(payload: bytes) -> Translated:
    """Return the OTLP of a serialized `PostSpansRequest`.

    Raises:
        ValueError: the payload is none.

    """
    processes: dict[bytes, Process | None] = {b"": None}
    try:
        batch = _PostSpansRequest.FromString(payload).batch
        common = _process(processes, batch.process)
    except DecodeError:
        raise ValueError("not a PostSpansRequest of jaeger.api_v2") from None
    checked_number(len(batch.spans))
    # A span without any field is none.
    return to_otlp(filter(None, batch.spans), partial(_read_span, processes, common))


def _process(processes: dict[bytes, Process | None], occurrences: Iterable[bytes]) -> Process | None:
    raw = b"".join(occurrences)
    if raw not in processes:
        message = _Process.FromString(raw)
        processes[raw] = Process(message.service_name, _tags(message.tags))
    return processes[raw]


def _read_span(processes: dict[bytes, Process | None], common: Process | None, raw: bytes) -> JaegerSpan:
    try:
        message = _Span.FromString(raw)
        process = _process(processes, message.process) if message.process else common
    except DecodeError:
        raise InvalidSpanError("not valid protobuf", "malformed") from None
    members = len(message.tags) + len(message.references) + sum(1 + len(log.fields) for log in message.logs)
    if members > MOST_MEMBERS:
        raise InvalidSpanError(f"it has more than {MOST_MEMBERS} tags, logs and fields", "too_many_members")
    return JaegerSpan(
        process=process,
        trace_id=_id(message.trace_id, "traceId", 16, 8),
        span_id=_id(message.span_id, "spanId", 8),
        name=message.operation_name,
        flags=message.flags,
        start=_nanoseconds(message.start_time),
        duration=_nanoseconds(message.duration),
        references=[
            Reference(
                _id(reference.trace_id, "references.traceId", 16, 8),
                _id(reference.span_id, "references.spanId", 8),
                reference.ref_type == _FOLLOWS_FROM,
            )
            for reference in message.references
        ],
        tags=_tags(message.tags),
        logs=[Log(_nanoseconds(log.timestamp), _tags(log.fields)) for log in message.logs],
    )


def _id(value: bytes, field: str, *sizes: int) -> bytes:
    """Return an id of the first size, or an empty one; a shorter one gets zeros in front."""
    if not any(value):
        return b""
    if len(value) not in sizes:
        expected = " or ".join(map(str, sorted(sizes)))
        raise InvalidSpanError(f"{field}: expected {expected} bytes, not {len(value)}", "invalid_id")
    return value.rjust(sizes[0], b"\0")


def _nanoseconds(time: ProtoMessage) -> int:
    return int(time.seconds * _GIGA + time.nanos)


def _tags(pairs: ProtoMessage) -> Tags:
    return {pair.key: _value(pair) for pair in pairs}


def _value(pair: ProtoMessage) -> Value:
    if not 0 <= pair.v_type < len(_FIELDS):
        return f'<Unknown Jaeger TagType "{pair.v_type}">'
    value: Value = getattr(pair, _FIELDS[pair.v_type])
    return value


def write_post_spans(spans: Sequence[JaegerSpan]) -> bytes:
    """Return a serialized `PostSpansRequest`; where spans have several processes, each is written with its own."""
    processes = {process: _raw_process(process) for process in {span.process for span in spans}}
    if len(processes) == 1:
        raw_spans = [_message(span).SerializeToString() for span in spans]
        batch = {"spans": raw_spans, "process": processes.popitem()[1]}
    else:
        batch = {"spans": [_message(span, processes[span.process]).SerializeToString() for span in spans]}
    payload: bytes = _PostSpansRequest(batch=batch).SerializeToString()
    return payload


def _raw_process(process: Process | None) -> list[bytes]:
    if process is None:
        return []
    return [_Process(service_name=process.service, tags=_pairs(process.tags)).SerializeToString()]


def _message(span: JaegerSpan, process: Sequence[bytes] = ()) -> ProtoMessage:
    return _Span(
        process=process,
        trace_id=span.trace_id,
        span_id=span.span_id,
        operation_name=span.name,
        references=[
            {"trace_id": reference.trace_id, "span_id": reference.span_id, "ref_type": int(reference.follows)}
            for reference in span.references
        ],
        flags=span.flags,
        start_time=_time(span.start),
        duration=_time(span.duration),
        tags=_pairs(span.tags),
        logs=[{"timestamp": _time(log.time), "fields": _pairs(log.fields)} for log in span.logs],
    )


def _time(nanoseconds: int) -> dict[str, int]:
    return {"seconds": nanoseconds // _GIGA, "nanos": nanoseconds % _GIGA}


def _pairs(tags: Tags) -> list[dict[str, object]]:
    return [
        {"key": key, "v_type": _KINDS[type(value)], _FIELDS[_KINDS[type(value)]]: value} for key, value in tags.items()
    ]
