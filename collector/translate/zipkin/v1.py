"""Spans of Zipkin's version 1 as OTLP: what version 2 has fields for, these say by annotations."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from collector.translate.traces import Attributes, Traces, key_values
from collector.translate.zipkin import names
from collector.translate.zipkin.model import NO_ENDPOINT, Endpoint, SpanBase
from collector.translate.zipkin.to_otlp import Reading, endpoint_attributes
from collector.translate.zipkin.v1_status import take_status
from collector.translate.zipkin.values import Scalar

_UNKNOWN_SERVICE = "unknown-service"
_LOCAL_COMPONENT = "lc"
_ADDRESSES = ("sa", "ca")  # of the server, as the client sees it, and of the client
_SERVER, _CLIENT, _PRODUCER, _CONSUMER = 2, 3, 4, 5
_KINDS = {"cs": _CLIENT, "cr": _CLIENT, "sr": _SERVER, "ss": _SERVER, "ms": _PRODUCER, "mr": _CONSUMER}


class Annotation(NamedTuple):
    """Something that happened, at a time in microseconds: an event or, for a few words, the begin or end of a half."""

    timestamp: int
    value: str
    endpoint: Endpoint = NO_ENDPOINT


class BinaryAnnotation(NamedTuple):
    """A tag."""

    key: str
    value: Scalar
    endpoint: Endpoint = NO_ENDPOINT


@dataclass(slots=True)
class SpanV1(SpanBase):
    """A span of version 1."""

    annotations: list[Annotation] = field(default_factory=list)
    tags: list[BinaryAnnotation] = field(default_factory=list)


def v1_to_otlp(spans: Iterable[SpanV1], reading: Reading, now: int) -> bytes:
    """Return spans as a serialized OTLP request; one that does not say when it was is given `now`, in nanoseconds.

    Raises:
        ValueError: a text is not Unicode.

    """
    traces = Traces()
    for span in spans:
        _add(traces, span, reading, now)
    return traces.payload()


def _add(traces: Traces, span: SpanV1, reading: Reading, now: int) -> None:
    annotations = [annotation for annotation in span.annotations if annotation.value]
    tags = [tag for tag in span.tags if not _is_address(tag)]
    attributes = {_key(tag): tag.value for tag in tags}
    status = take_status(attributes)
    _rename_http_status(attributes, reading.age)
    for tag in span.tags:
        if _is_address(tag):
            attributes |= endpoint_attributes(NO_ENDPOINT, tag.endpoint, reading.age)
    start, end = _times(span, annotations)
    if not start:
        start = end = now
        attributes[names.ABSENT_START] = True
    traces.spans(_resource(annotations, tags)).add(
        trace_id=span.trace_id,
        span_id=span.id,
        parent_span_id=span.parent,
        name=span.name,
        kind=next((_KINDS[annotation.value] for annotation in annotations if annotation.value in _KINDS), 0),
        start_time_unix_nano=start,
        end_time_unix_nano=end,
        attributes=key_values(attributes),
        events=[
            {"time_unix_nano": annotation.timestamp * 1000, "name": annotation.value}
            for annotation in annotations
            if annotation.value not in _KINDS
        ],
        status=status,
    )


def _is_address(tag: BinaryAnnotation) -> bool:
    return tag.key in _ADDRESSES and tag.endpoint != NO_ENDPOINT


def _key(tag: BinaryAnnotation) -> str:
    return "component" if tag.key == _LOCAL_COMPONENT else tag.key


def _rename_http_status(attributes: dict[str, Scalar], age: names.Age) -> None:
    status = attributes.pop(names.HTTP_STATUSES[1], None)
    if status is not None:
        attributes |= dict.fromkeys(names.chosen(names.HTTP_STATUSES, age), status)


def _times(span: SpanV1, annotations: list[Annotation]) -> tuple[int, int]:
    """Return start and end in nanoseconds: those of the span or else of its annotations, 0 where there are none."""
    if span.timestamp:
        return span.timestamp * 1000, (span.timestamp + span.duration) * 1000
    times = [annotation.timestamp * 1000 for annotation in annotations]
    return min(times, default=0), max(times, default=0)


def _resource(annotations: list[Annotation], tags: list[BinaryAnnotation]) -> Attributes:
    """Return the resource: the node that recorded the request, or as much as is known of it."""
    home = next((a.endpoint for a in annotations if a.value in _KINDS and a.endpoint.service), None)
    if home is None:
        return ((names.SERVICE_NAME, _service_of(annotations, tags) or _UNKNOWN_SERVICE),)
    found = (
        (names.SERVICE_NAME, home.service),
        ("ipv4", home.ipv4),
        ("ipv6", home.ipv6),
        ("port", str(home.port or "")),
    )
    return tuple((key, value) for key, value in found if value)


def _service_of(annotations: list[Annotation], tags: list[BinaryAnnotation]) -> str:
    """Return the service of a span without a request: the last of its tags', its component or that of an event."""
    named = [tag.endpoint.service for tag in tags if tag.endpoint.service]
    component = [str(tag.value) for tag in tags if tag.key == _LOCAL_COMPONENT]
    events = [annotation.endpoint.service for annotation in annotations if annotation.endpoint.service]
    return next(iter(named[-1:] + component[-1:] + events), "")
