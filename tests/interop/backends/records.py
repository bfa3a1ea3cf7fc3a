"""Spans as a test compares them: what was sent, and what a backend says that it has."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from collector.data import AttributeValue, Signal, value_of
from collector.data.messages import REQUESTS, ProtoMessage, Span


class Event(NamedTuple):
    """An event; `time` in nanoseconds since the Unix epoch."""

    time: int
    name: str
    attributes: Mapping[str, AttributeValue] = {}


class Link(NamedTuple):
    """A link, with ids in hexadecimal."""

    trace_id: str
    span_id: str
    trace_state: str = ""
    attributes: Mapping[str, AttributeValue] = {}


class Record(NamedTuple):
    """A span with what it belongs to: ids in hexadecimal, `start` and `duration` in nanoseconds.

    The kind is OTLP's name of it in lower case; the status is OTLP's number and its message; the scope its name and
    version. The service is not among the attributes of the resource.
    """

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: str
    start: int
    duration: int
    service: str
    status: tuple[int, str] = (0, "")
    scope: tuple[str, str] = ("", "")
    resource: Mapping[str, AttributeValue] = {}
    attributes: Mapping[str, AttributeValue] = {}
    events: tuple[Event, ...] = ()
    links: tuple[Link, ...] = ()
    trace_state: str = ""


def records_of(payload: bytes) -> list[Record]:
    """Return the spans of serialized OTLP, in the order of their ids."""
    return in_order(
        _record(resource, scope, span)
        for resource in REQUESTS[Signal.TRACES].FromString(payload).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    )


def in_order(records: Iterable[Record]) -> list[Record]:
    """Return records in the order of their ids; one that is there twice stays so."""
    return sorted(records, key=lambda record: (record.trace_id, record.span_id))


def _record(resource: ProtoMessage, scope: ProtoMessage, span: ProtoMessage) -> Record:
    about = _attributes(resource.resource)
    return Record(
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        name=span.name,
        kind=Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_").lower(),
        start=span.start_time_unix_nano,
        duration=span.end_time_unix_nano - span.start_time_unix_nano,
        service=str(about.pop("service.name", "")),
        status=(span.status.code, span.status.message),
        scope=(scope.scope.name, scope.scope.version),
        resource=about,
        attributes=_attributes(span),
        events=tuple(Event(event.time_unix_nano, event.name, _attributes(event)) for event in span.events),
        links=tuple(
            Link(link.trace_id.hex(), link.span_id.hex(), link.trace_state, _attributes(link)) for link in span.links
        ),
        trace_state=span.trace_state,
    )


def _attributes(holder: ProtoMessage) -> dict[str, AttributeValue]:
    return {pair.key: value_of(pair.value) for pair in holder.attributes}
