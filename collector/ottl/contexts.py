"""The contexts: what conditions about resources, scopes, spans, span events and log records may name.

A context is a table, so that another one is another table. Paths may begin with the name of their context
(`span.name`) or not (`name`); those of the contexts around it always do (`resource.attributes["key"]`).

Specification: the READMEs of `pkg/ottl/contexts` of the OpenTelemetry Collector.
"""

from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber

from collector.data import value_of
from collector.data.messages import ProtoMessage, Span
from collector.ottl.context import Context, Field, Table
from collector.ottl.record import Record
from collector.ottl.values import Id, OttlValue, Time
from collector.processing.tracestate import parse_members
from collector.processing.values import as_text

_DEEP = 100  # keys of lists and maps inside of each other: more than anybody nests them


def _all_attributes(pairs: ProtoMessage) -> dict[str, OttlValue]:
    return {pair.key: value_of(pair.value) for pair in reversed(pairs)}  # of a repeated key the first one counts


def _attribute(pairs: ProtoMessage, key: str) -> OttlValue:
    for pair in pairs:
        if pair.key == key:
            return value_of(pair.value)
    return None


def _trace_state_member(text: str, key: str) -> str | None:
    """Return a member of a trace state: empty where it is missing, nil where the trace state cannot be read."""
    members = parse_members(text)
    return None if members is None else members.get(key, "")


def _attributes(place: str) -> dict[str, Field]:
    return {
        "attributes": Field(f"{place}.attributes", _all_attributes, _attribute, most_keys=_DEEP),
        "dropped_attributes_count": Field(f"{place}.dropped_attributes_count"),
    }


def _id(place: str, name: str, size: int) -> dict[str, Field]:
    """Return the paths of an id; a missing one is zeros, as in the Go collector."""
    zeros = bytes(size)
    return {
        name: Field(f"{place}.{name}", lambda raw: Id(raw or zeros)),
        f"{name}.string": Field(f"{place}.{name}", lambda raw: (raw or zeros).hex()),
    }


def _time(place: str, name: str) -> dict[str, Field]:
    return {
        f"{name}_unix_nano": Field(f"{place}.{name}_unix_nano"),
        name: Field(f"{place}.{name}_unix_nano", Time),
    }


def _is_root_span(record: Record) -> bool:
    return not any(record.item.parent_span_id)


_KINDS = {number: name for name, number in Span.SpanKind.items()}
_KIND_WORDS = {number: name.removeprefix("SPAN_KIND_").capitalize() for number, name in _KINDS.items()}
_TRACE_SYMBOLS = dict(Span.SpanKind.items()) | {
    "STATUS_CODE_UNSET": 0,
    "STATUS_CODE_OK": 1,
    "STATUS_CODE_ERROR": 2,
}
# The cache of a transformation, in which conditions alone find nothing.
_CACHE = {"cache": Field("item", lambda _: {}, lambda _item, _key: None, most_keys=_DEEP)}

_RESOURCE: Table = {**_attributes("source.resource"), "schema_url": Field("source.resource_schema_url")}
_SCOPE: Table = {
    **_attributes("source.scope"),
    "name": Field("source.scope.name"),
    "version": Field("source.scope.version"),
    "schema_url": Field("source.scope_schema_url"),
}
_SPAN: Table = {
    **_attributes("item"),
    **_id("item", "trace_id", 16),
    **_id("item", "span_id", 8),
    **_id("item", "parent_span_id", 8),
    **_time("item", "start_time"),
    **_time("item", "end_time"),
    "trace_state": Field("item.trace_state", lookup=_trace_state_member, most_keys=1),
    "name": Field("item.name"),
    "kind": Field("item.kind"),
    "kind.string": Field("item.kind", lambda number: _KIND_WORDS.get(number, "")),
    "kind.deprecated_string": Field("item.kind", lambda number: _KINDS.get(number, "")),
    "status.code": Field("item.status.code"),
    "status.message": Field("item.status.message"),
    "flags": Field("item.flags"),
    "events": Field("item.events", list),
    "dropped_events_count": Field("item.dropped_events_count"),
    "links": Field("item.links", list),
    "dropped_links_count": Field("item.dropped_links_count"),
}
_SPAN_EVENT: Table = {
    **_attributes("event"),
    **_time("event", "time"),
    "name": Field("event.name"),
    "event_index": Field("event_index"),
}
_LOG: Table = {
    **_attributes("item"),
    **_id("item", "trace_id", 16),
    **_id("item", "span_id", 8),
    **_time("item", "time"),
    **_time("item", "observed_time"),
    "severity_number": Field("item.severity_number"),
    "severity_text": Field("item.severity_text"),
    "body": Field("item.body", value_of, most_keys=_DEEP),
    "body.string": Field("item.body", lambda body: as_text(value_of(body))),
    "flags": Field("item.flags"),
    "event_name": Field("item.event_name"),
}
_SOURCE = {"scope": _SCOPE, "instrumentation_scope": _SCOPE, "resource": _RESOURCE}

CONTEXTS = {
    context.name: context
    for context in (
        Context("resource", {"resource": {**_RESOURCE, **_CACHE}}),
        Context("scope", {**_SOURCE, "scope": {**_SCOPE, **_CACHE}}),
        Context("span", {"span": {**_SPAN, **_CACHE}, **_SOURCE}, _TRACE_SYMBOLS, {"IsRootSpan": _is_root_span}),
        Context("spanevent", {"spanevent": {**_SPAN_EVENT, **_CACHE}, "span": _SPAN, **_SOURCE}, _TRACE_SYMBOLS),
        Context("log", {"log": {**_LOG, **_CACHE}, **_SOURCE}, dict(SeverityNumber.items())),
    )
}
