"""Zipkin's JSON of version 2."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from collector.translate.json_objects import JsonObject, read_objects
from collector.translate.zipkin.model import (
    MOST_ANNOTATIONS,
    MOST_MICROSECONDS,
    MOST_PORT,
    NO_ENDPOINT,
    Endpoint,
    ZipkinSpan,
    address,
    checked,
)


def read_json(text: bytes) -> Iterator[ZipkinSpan]:
    """Yield the spans of an array.

    Raises:
        ValueError: the text is no array of spans; the message names the place, such as `spans[2].timestamp`.

    """
    return map(_read_span, read_objects(text, "spans", MOST_ANNOTATIONS))


def write_json(spans: Iterable[ZipkinSpan]) -> bytes:
    """Return spans as an array; members that are empty are left out."""
    members = [_filled(_span_members(span)) for span in spans]
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")).encode()


def read_endpoint(members: JsonObject | None) -> Endpoint:
    """Return an endpoint, which versions 1 and 2 write alike."""
    if members is None:
        return NO_ENDPOINT
    return Endpoint(
        members.text("serviceName"),
        address(members.text("ipv4")),
        address(members.text("ipv6")),
        members.count("port", MOST_PORT),
    )


def _read_span(members: JsonObject) -> ZipkinSpan:
    span = ZipkinSpan(
        trace_id=members.hexadecimal("traceId", 16),
        id=members.hexadecimal("id", 8),
        parent_id=members.hexadecimal("parentId", 8),
        kind=members.text("kind"),
        name=members.text("name"),
        timestamp=members.count("timestamp", MOST_MICROSECONDS),
        duration=members.count("duration", MOST_MICROSECONDS),
        local=read_endpoint(members.object("localEndpoint")),
        remote=read_endpoint(members.object("remoteEndpoint")),
        annotations=[
            (annotation.count("timestamp", MOST_MICROSECONDS), annotation.text("value"))
            for annotation in members.objects("annotations")
        ],
        tags=members.texts("tags"),
    )
    try:
        return checked(span)
    except ValueError as error:
        raise members.wrong(error) from None


def _span_members(span: ZipkinSpan) -> dict[str, Any]:
    return {
        # One of 64 bits has 16 digits, so that servers find it as its own sender wrote it.
        "traceId": span.trace_id.hex().removeprefix("0" * 16),
        "parentId": span.parent_id.hex(),
        "id": span.id.hex(),
        "kind": span.kind,
        "name": span.name,
        "timestamp": span.timestamp,
        "duration": span.duration,
        "localEndpoint": _endpoint_members(span.local),
        "remoteEndpoint": _endpoint_members(span.remote),
        "annotations": [{"timestamp": timestamp, "value": value} for timestamp, value in span.annotations],
        "tags": span.tags,
    }


def _endpoint_members(endpoint: Endpoint) -> dict[str, Any]:
    return _filled(
        {
            "serviceName": endpoint.service,
            "ipv4": endpoint.ipv4,
            "ipv6": endpoint.ipv6,
            "port": endpoint.port,
        }
    )


def _filled(members: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in members.items() if value}
