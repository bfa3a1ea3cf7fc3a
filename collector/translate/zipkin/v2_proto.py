"""Zipkin's protobuf of version 2."""

import ipaddress
from collections.abc import Iterable, Iterator
from functools import lru_cache

from collector.data.messages import DecodeError, ProtoMessage
from collector.translate.zipkin.model import (
    MOST_ANNOTATIONS,
    MOST_PORT,
    NO_ENDPOINT,
    Endpoint,
    ZipkinSpan,
    address,
    checked,
    checked_count,
)
from collector.translate.zipkin.v2_messages import EndpointMessage, ListOfSpans, SpanMessage

# By number, as in `Span.Kind`.
KINDS = ("", "CLIENT", "SERVER", "PRODUCER", "CONSUMER")


def read_proto(payload: bytes) -> Iterator[ZipkinSpan]:
    """Yield the spans of a serialized `ListOfSpans`.

    Raises:
        ValueError: it is none, or a span in it cannot be; the message names the place, such as `spans[2].traceId`.

    """
    try:
        raws = ListOfSpans.FromString(payload).spans
    except DecodeError:
        raise ValueError("not a list of spans in Zipkin's protobuf") from None
    for index, raw in enumerate(raws):
        try:
            span = checked(_read_span(SpanMessage.FromString(raw)))
        except DecodeError:
            raise ValueError(f"spans[{index}]: not valid protobuf") from None
        except ValueError as error:
            raise ValueError(f"spans[{index}].{error}") from None
        yield span


def write_proto(spans: Iterable[ZipkinSpan]) -> bytes:
    """Return spans as a serialized `ListOfSpans`."""
    payload: bytes = ListOfSpans(spans=[_span_message(span).SerializeToString() for span in spans]).SerializeToString()
    return payload


def _read_span(message: ProtoMessage) -> ZipkinSpan:
    checked_count(len(message.annotations), "annotations", MOST_ANNOTATIONS)
    return ZipkinSpan(
        trace_id=_id(message.trace_id, "traceId", 8, 16).rjust(16, b"\0"),
        id=_id(message.id, "id", 8),
        parent_id=_id(message.parent_id, "parentId", 0, 8),
        kind=KINDS[message.kind] if 0 <= message.kind < len(KINDS) else "",
        name=message.name,
        timestamp=checked_count(message.timestamp, "timestamp"),
        duration=checked_count(message.duration, "duration"),
        local=_read_endpoint(message.local_endpoint, "localEndpoint"),
        remote=_read_endpoint(message.remote_endpoint, "remoteEndpoint"),
        annotations=[
            (checked_count(annotation.timestamp, "annotations"), annotation.value) for annotation in message.annotations
        ],
        tags=dict(message.tags),
    )


def _id(value: bytes, field: str, *sizes: int) -> bytes:
    if len(value) not in sizes:
        raise ValueError(f"{field}: expected {' or '.join(map(str, sizes))} bytes, not {len(value)}")
    return value


def _read_endpoint(message: ProtoMessage, field: str) -> Endpoint:
    port = checked_count(message.port, f"{field}.port", MOST_PORT)
    try:
        return Endpoint(message.service_name, address(message.ipv4), address(message.ipv6), port)
    except ValueError as error:
        raise ValueError(f"{field}: {error}") from None


def _span_message(span: ZipkinSpan) -> ProtoMessage:
    return SpanMessage(
        trace_id=span.trace_id,
        parent_id=span.parent_id,
        id=span.id,
        kind=KINDS.index(span.kind),
        name=span.name,
        timestamp=span.timestamp,
        duration=span.duration,
        local_endpoint=_endpoint_message(span.local),
        remote_endpoint=_endpoint_message(span.remote),
        annotations=[{"timestamp": timestamp, "value": value} for timestamp, value in span.annotations],
        tags=span.tags,
    )


def _endpoint_message(endpoint: Endpoint) -> ProtoMessage | None:
    if endpoint == NO_ENDPOINT:
        return None
    return EndpointMessage(
        service_name=endpoint.service,
        ipv4=_packed(endpoint.ipv4),
        ipv6=_packed(endpoint.ipv6),
        port=endpoint.port,
    )


@lru_cache(maxsize=4096)
def _packed(text: str) -> bytes:
    return ipaddress.ip_address(text).packed if text else b""
