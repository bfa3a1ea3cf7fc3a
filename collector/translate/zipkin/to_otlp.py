"""Zipkin's spans of version 2 as OTLP."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from collector.data.messages import ProtoMessage
from collector.translate.traces import Attributes, Traces, key_values
from collector.translate.zipkin import names
from collector.translate.zipkin.model import Endpoint, ZipkinSpan
from collector.translate.zipkin.packed import parse_event, parse_link
from collector.translate.zipkin.resource_keys import RESOURCE_KEYS
from collector.translate.zipkin.values import Scalar, typed

_KINDS = {"CLIENT": 3, "SERVER": 2, "PRODUCER": 4, "CONSUMER": 5}
_INTERNAL = 1
_ERROR = 2


@dataclass(frozen=True, slots=True)
class Reading:
    """How tags become attributes. `age` chooses the names of attributes whose names have changed over time."""

    parse_string_tags: bool = False
    age: names.Age = "old"

    def value(self, tag: Scalar) -> Scalar:
        """Return the attribute's value for a tag's."""
        return typed(tag) if self.parse_string_tags and isinstance(tag, str) else tag


def to_otlp(spans: Iterable[ZipkinSpan], reading: Reading) -> bytes:
    """Return spans as a serialized OTLP request.

    Raises:
        ValueError: a string is not Unicode.

    """
    traces = Traces()
    for span in spans:
        _add(traces, span, reading)
    return traces.payload()


def _add(traces: Traces, span: ZipkinSpan, reading: Reading) -> None:
    tags = dict(span.tags)
    kind = _KINDS.get(span.kind, 0)
    if not kind and tags.get(names.SPAN_KIND) == "internal":
        del tags[names.SPAN_KIND]
        kind = _INTERNAL
    resource = _take_resource(tags, span.local.service)
    scope, version = names.take_first(tags, names.SCOPE_NAMES), names.take_first(tags, names.SCOPE_VERSIONS)
    trace_state = tags.pop(names.TRACE_STATE, "")
    status = _take_status(tags)
    links = _take_links(tags)
    start, end = span.timestamp * 1000, (span.timestamp + span.duration) * 1000
    message = traces.spans(resource, scope, version).add(
        trace_id=span.trace_id,
        span_id=span.id,
        trace_state=trace_state,
        parent_span_id=span.parent,
        name=span.name,
        kind=kind,
        start_time_unix_nano=start,
        end_time_unix_nano=end,
        attributes=key_values(_attributes(span, tags, reading)),
        status=status,
    )
    _add_events(message, span.annotations)
    message.links.extend(links)


def _take_resource(tags: dict[str, str], service: str) -> Attributes:
    """Take the tags that describe the resource; the rest are the span's."""
    taken: dict[str, str] = {}
    if service and service.lower() != names.NO_SERVICE.lower():
        taken[tags.pop(names.SERVICE_SOURCE, "") or names.SERVICE_NAME] = service
    taken |= {key: tags.pop(key) for key in list(tags) if key in RESOURCE_KEYS}
    return tuple(taken.items())


def _take_status(tags: dict[str, str]) -> dict[str, Any]:
    status: dict[str, Any] = {}
    code = names.status_code(tags.get(names.STATUS_CODE, ""))
    if code is not None:
        del tags[names.STATUS_CODE]
        status = {"code": code, "message": tags.pop(names.STATUS_MESSAGE, "")}
    if (error := tags.get(names.ERROR)) is not None:
        status["code"] = _ERROR
        if error == "true":
            del tags[names.ERROR]
    return status


def _take_links(tags: dict[str, str]) -> list[ProtoMessage]:
    """Take the links; a tag that only looks like one stays."""
    links = []
    for index in range(names.MOST_LINKS):
        key = names.LINK.format(index)
        text = tags.get(key)
        if text is None:
            break
        if (link := parse_link(text)) is not None:
            del tags[key]
            links.append(link)
    return links


def _attributes(span: ZipkinSpan, tags: dict[str, str], reading: Reading) -> dict[str, Scalar]:
    attributes: dict[str, Scalar] = {key: reading.value(value) for key, value in tags.items()}
    attributes |= endpoint_attributes(span.local, span.remote, reading.age)
    if not span.timestamp:
        attributes[names.ABSENT_START] = True
    return attributes


def endpoint_attributes(local: Endpoint, remote: Endpoint, age: names.Age) -> dict[str, Scalar]:
    """Return what attributes say of the two ends of a connection; the local service is the resource's."""
    found: list[tuple[tuple[str, ...], Scalar]] = [
        (names.chosen(names.LOCAL_IPS, age), local.ip),
        ((names.LOCAL_PORT,), local.port),
        (names.chosen(names.PEER_SERVICES, age), remote.service),
        (names.chosen(names.PEER_IPS, age), remote.ip),
        ((names.PEER_PORT,), remote.port),
    ]
    return {key: value for keys, value in found if value for key in keys}


def _add_events(message: ProtoMessage, annotations: list[tuple[int, str]]) -> None:
    for timestamp, text in annotations:
        event = parse_event(text)
        event.time_unix_nano = timestamp * 1000
        message.events.append(event)
