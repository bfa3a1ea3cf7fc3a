"""What formats and servers cannot hold of a span: the one table of it, for the comparisons and for the README.

A field that no loss of a way in or out names comes out as it went in; `as_held` says what the others become.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from backends.records import Link, Record

from collector.data import AttributeValue


class Loss(NamedTuple):
    """Something that is lost, as the README says it, and what a span is without it."""

    what: str
    without: Callable[[Record], Record]


def _times(record: Record, shorten: Callable[[int], int]) -> Record:
    return record._replace(
        start=shorten(record.start),
        duration=shorten(record.duration),
        events=tuple(event._replace(time=shorten(event.time)) for event in record.events),
    )


def _rounded(record: Record) -> Record:
    return _times(record, lambda nanoseconds: (nanoseconds + 500) // 1000 * 1000)


def _cut(record: Record) -> Record:
    return _times(record, lambda nanoseconds: nanoseconds // 1000 * 1000)


def _as_json(value: AttributeValue) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _texts(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    return {key: value if isinstance(value, str) else _as_json(value) for key, value in attributes.items()}


def _untyped(record: Record) -> Record:
    return record._replace(attributes=_texts(record.attributes), resource=_texts(record.resource))


def _flat(record: Record) -> Record:
    def values(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
        return {key: _as_json(value) if isinstance(value, list) else value for key, value in attributes.items()}

    return record._replace(attributes=values(record.attributes), resource=values(record.resource))


def _only_references(record: Record) -> Record:
    kind = {"opentracing.ref_type": "follows_from"}
    return record._replace(links=tuple(Link(link.trace_id, link.span_id, attributes=kind) for link in record.links))


def _without_resource(record: Record) -> Record:
    return record._replace(resource={}, attributes={**record.resource, **record.attributes})


def _scope_tags(record: Record) -> dict[str, str]:
    found = {
        "otel.scope.name": record.scope[0],
        "otel.scope.version": record.scope[1],
        "w3c.tracestate": record.trace_state,
    }
    return {key: value for key, value in found.items() if value}


def _scope_in_tags(record: Record) -> Record:
    return record._replace(scope=("", ""), trace_state="", attributes={**record.attributes, **_scope_tags(record)})


def _fields_in_tags(record: Record) -> Record:
    tags: dict[str, AttributeValue] = {
        f"otlp.link.{index}": f"{link.trace_id}|{link.span_id}|{link.trace_state}|{_as_json(dict(link.attributes))}|0"
        for index, link in enumerate(record.links)
    }
    if record.kind == "internal":
        tags["span.kind"] = "internal"
    return _scope_in_tags(record)._replace(
        kind="unspecified" if record.kind == "internal" else record.kind,
        links=(),
        attributes={**_scope_in_tags(record).attributes, **tags},
        events=tuple(
            event._replace(name=f"{event.name}|{_as_json(dict(event.attributes))}|0", attributes={})
            for event in record.events
        ),
    )


def _lower(record: Record) -> Record:
    return record._replace(name=record.name.lower(), service=record.service.lower())


ROUNDED = Loss("fractions of microseconds, rounded", _rounded)
CUT = Loss("fractions of microseconds, cut off", _cut)
UNTYPED = Loss("types of attributes: all are text", _untyped)
FLAT = Loss("lists in attributes: they are JSON", _flat)
ONLY_REFERENCES = Loss("attributes and trace state of links", _only_references)
RESOURCE = Loss("which attributes are of the resource: the span has them", _without_resource)
SCOPE_IN_TAGS = Loss("scope and trace state: they stay tags", _scope_in_tags)
FIELDS_IN_TAGS = Loss(
    "scope, trace state, links, the kind `internal`, attributes of events: they stay the tags and texts that came",
    _fields_in_tags,
)
LOWER = Loss("upper case in names of spans and services", _lower)

# By format on the way in, by exporter on the way out. The server Zipkin is asked in version 2 of its format.
LOST_BY: Mapping[str, tuple[Loss, ...]] = {
    "otlp": (),
    "zipkin v1": (ROUNDED, FLAT, FIELDS_IN_TAGS, RESOURCE),
    "zipkin v2": (ROUNDED, UNTYPED),
    "jaeger proto": (FLAT, ONLY_REFERENCES),
    "jaeger thrift": (FLAT, ONLY_REFERENCES, CUT),
    "to jaeger by thrift": (FLAT, ONLY_REFERENCES, CUT, SCOPE_IN_TAGS),
    "to zipkin": (ROUNDED, UNTYPED, RESOURCE, LOWER),
}


def as_held(records: Iterable[Record], *formats: str) -> list[Record]:
    """Return what is left of spans after a way through formats, one after the other."""
    losses = [loss for name in formats for loss in LOST_BY[name]]
    return [_less(record, losses) for record in records]


def _less(record: Record, losses: Iterable[Loss]) -> Record:
    for loss in losses:
        record = loss.without(record)
    return record
