"""OTLP's spans as Jaeger's."""

from typing import NamedTuple

from collector.data import Signal, get_attribute, value_of
from collector.data.messages import REQUESTS, ProtoMessage
from collector.processing.values import as_text
from collector.translate.jaeger import names
from collector.translate.jaeger.model import SAMPLED, JaegerSpan, Log, Process, Reference, Tags

_NO_TRACE_ID, _NO_SPAN_ID = bytes(16), bytes(8)


class Untranslated(NamedTuple):
    """The spans of a request, each with its process, and how many had an id of a wrong size and are left out."""

    spans: list[JaegerSpan]
    invalid: int


def from_otlp(payload: bytes) -> Untranslated:
    """Return the spans of a serialized OTLP request; those of one resource have one process."""
    spans, invalid = [], 0
    for resource in REQUESTS[Signal.TRACES].FromString(payload).resource_spans:
        process = _process(resource.resource)
        for scope in resource.scope_spans:
            scope_tags = _scope_tags(scope.scope)
            for span in scope.spans:
                if all(map(_has_valid_ids, (span, *span.links))):
                    spans.append(_span(span, process, dict(scope_tags)))
                else:
                    invalid += 1
    return Untranslated(spans, invalid)


def _has_valid_ids(holder: ProtoMessage) -> bool:
    return len(holder.trace_id) in (0, len(_NO_TRACE_ID)) and len(holder.span_id) in (0, len(_NO_SPAN_ID))


def _process(resource: ProtoMessage) -> Process:
    tags = _tags(resource)
    service = tags.pop(names.SERVICE_NAME, None)
    if service is None:
        return Process("" if tags else names.NO_SERVICE, tags)
    return Process(service if isinstance(service, str) else as_text(service), tags)


def _tags(holder: ProtoMessage) -> Tags:
    """Return the attributes of a resource, scope, span or event; of a key that is repeated the first."""
    tags: Tags = {}
    for pair in holder.attributes:
        value = value_of(pair.value)
        tags.setdefault(pair.key, value if isinstance(value, str | bool | int | float | bytes) else as_text(value))
    return tags


def _scope_tags(scope: ProtoMessage) -> Tags:
    tags: Tags = {}
    if scope.name:
        tags[names.SCOPE_NAMES[0]] = scope.name
    if scope.version:
        tags[names.SCOPE_VERSIONS[0]] = scope.version
    return tags


def _span(span: ProtoMessage, process: Process, tags: Tags) -> JaegerSpan:
    tags |= _tags(span)
    if 0 < span.kind < len(names.KINDS):
        tags[names.SPAN_KIND] = names.KINDS[span.kind]
    _put_status(tags, span.status)
    if span.trace_state:
        tags[names.TRACE_STATE] = span.trace_state
    trace_id = span.trace_id or _NO_TRACE_ID
    return JaegerSpan(
        process=process,
        trace_id=trace_id,
        span_id=span.span_id or _NO_SPAN_ID,
        name=span.name,
        flags=span.flags & SAMPLED,
        start=span.start_time_unix_nano,
        duration=max(span.end_time_unix_nano - span.start_time_unix_nano, 0),
        references=_references(span, trace_id),
        tags=tags,
        logs=[_log(event) for event in span.events],
    )


def _put_status(tags: Tags, status: ProtoMessage) -> None:
    if names.UNSET < status.code < len(names.STATUSES):
        tags[names.STATUS_CODE] = names.STATUSES[status.code]
    if status.code == names.ERRED:
        tags[names.ERROR] = True
    if status.message:
        tags[names.STATUS_MESSAGE] = status.message


def _references(span: ProtoMessage, trace_id: bytes) -> list[Reference]:
    """Return the parent first, for that is where Jaeger looks for it, and the links."""
    parent = span.parent_span_id
    has_parent = len(parent) == len(_NO_SPAN_ID) and any(parent)
    references = [Reference(trace_id, parent)] if has_parent else []
    for link in span.links:
        follows = get_attribute(link.attributes, names.REFERENCE_TYPE) != names.CHILD_OF
        reference = Reference(link.trace_id or _NO_TRACE_ID, link.span_id or _NO_SPAN_ID, follows)
        if has_parent and reference[:2] == references[0][:2]:
            # It says of which kind the reference to the parent is.
            references[0] = reference
        else:
            references.append(reference)
    return references


def _log(event: ProtoMessage) -> Log:
    fields = _tags(event)
    if event.name:
        fields.setdefault(names.EVENT, event.name)
    return Log(event.time_unix_nano, fields)
