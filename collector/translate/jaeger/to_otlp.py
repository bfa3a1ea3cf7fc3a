"""Jaeger's spans as OTLP."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from collector.data.messages import InstrumentationScope, ProtoMessage, Resource, Span
from collector.data.shell import RequestShell
from collector.translate.jaeger import names
from collector.translate.jaeger.model import SAMPLED, InvalidSpanError, JaegerSpan, Process, Tags, checked_times
from collector.translate.jaeger.status import take_status

T = TypeVar("T")

# Their arguments are plain dicts, which protobuf's stubs do not know.
_Span: ProtoMessage = Span
_Resource: ProtoMessage = Resource

_FIELDS = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value", bytes: "bytes_value"}


@dataclass(frozen=True, slots=True)
class Translated:
    """A serialized OTLP request of so many spans, and those that are left out of it, counted by reason."""

    payload: bytes
    count: int
    invalid: Counter[str] = field(default_factory=Counter)
    # What is wrong with the first of those.
    complaint: str = ""


def to_otlp(raws: Iterable[T], read: Callable[[T], JaegerSpan]) -> Translated:
    """Return what `read` makes of the spans of a request, one by one; the ones that cannot be spoil no others.

    Raises:
        ValueError: the request ends before its last span.

    """
    groups: dict[Process | None, dict[tuple[str, str], list[bytes]]] = {}
    invalid: Counter[str] = Counter()
    complaint = ""
    for index, raw in enumerate(raws):
        try:
            span = checked_times(read(raw))
        except InvalidSpanError as error:
            invalid[error.reason] += 1
            complaint = complaint or f"spans[{index}].{error}"
            continue
        tags = span.tags
        scope = _take_text(tags, names.SCOPE_NAMES), _take_text(tags, names.SCOPE_VERSIONS)
        scopes = groups.setdefault(span.process, {})
        # Serialized at once: spans take several times as much room as messages.
        scopes.setdefault(scope, []).append(_message(span).SerializeToString())
    count = sum(len(spans) for scopes in groups.values() for spans in scopes.values())
    return Translated(_request(groups), count, invalid, complaint)


def _request(groups: dict[Process | None, dict[tuple[str, str], list[bytes]]]) -> bytes:
    resources = [
        {
            "resource": [_resource(process).SerializeToString()],
            "scopes": [
                {"scope": [InstrumentationScope(name=name, version=version).SerializeToString()], "items": spans}
                for (name, version), spans in scopes.items()
            ],
        }
        for process, scopes in groups.items()
    ]
    payload: bytes = RequestShell(resources=resources).SerializeToString()
    return payload


def _resource(process: Process | None) -> ProtoMessage:
    if process is None:
        return _Resource()
    attributes: Tags = {}
    if process.service and process.service != names.NO_SERVICE:
        attributes[names.SERVICE_NAME] = process.service
    attributes |= process.tags
    _rename(attributes, *names.HOST_NAMES)
    version = attributes.get(names.CLIENT_VERSIONS[0])
    if isinstance(version, str) and _rename(attributes, *names.CLIENT_VERSIONS):
        attributes[names.CLIENT_VERSIONS[1]] = f"Jaeger-{version}"
    return _Resource(attributes=_attributes(attributes))


def _rename(tags: Tags, old: str, new: str) -> bool:
    """Give a tag the attribute's name, unless there is one already; return whether that was done."""
    if old not in tags or new in tags:
        return False
    tags[new] = tags.pop(old)
    return True


def _message(span: JaegerSpan) -> ProtoMessage:
    tags = span.tags
    parent = span.parent
    kind = _take_kind(tags)
    status = take_status(tags, kind)
    return _Span(
        trace_id=span.trace_id,
        span_id=span.span_id,
        trace_state=_take_text(tags, (names.TRACE_STATE,)),
        parent_span_id=parent,
        flags=span.flags & SAMPLED,
        name=span.name,
        kind=kind,
        start_time_unix_nano=span.start,
        end_time_unix_nano=span.start + span.duration,
        attributes=_attributes(tags),
        events=[_event(log.time, log.fields) for log in span.logs],
        links=list(_links(span, parent)),
        status=status,
    )


def _take_kind(tags: Tags) -> int:
    word = tags.get(names.SPAN_KIND)
    if not isinstance(word, str) or not word or word not in names.KINDS:
        return 0
    del tags[names.SPAN_KIND]
    return names.KINDS.index(word)


def _take_text(tags: Tags, keys: tuple[str, ...]) -> str:
    """Take the tags of these keys that are text; return the first that says something, or an empty text."""
    found = [str(tags.pop(key)) for key in keys if isinstance(tags.get(key), str)]
    return next(filter(None, found), "")


def _event(time: int, fields: Tags) -> dict[str, Any]:
    name = _take_text(fields, (names.EVENT,))
    return {"time_unix_nano": time, "name": name, "attributes": _attributes(fields)}


def _links(span: JaegerSpan, parent: bytes) -> Iterable[dict[str, Any]]:
    """Yield what the references say besides who the parent is."""
    for reference in span.references:
        is_parent = reference.span_id == parent and reference.trace_id == span.trace_id
        if is_parent and not reference.follows:
            continue
        kind = names.FOLLOWS_FROM if reference.follows else names.CHILD_OF
        yield {
            "trace_id": reference.trace_id,
            "span_id": reference.span_id,
            "attributes": _attributes({names.REFERENCE_TYPE: kind}),
        }


def _attributes(tags: Tags) -> list[dict[str, Any]]:
    """Return attributes as arguments for protobuf, which builds messages of plain dicts quickest."""
    return [{"key": key, "value": {_FIELDS[type(value)]: value}} for key, value in tags.items()]
