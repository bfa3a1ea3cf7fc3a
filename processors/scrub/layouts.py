"""Which fields of OTLP's messages hold text to scrub, and how each is scrubbed by itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from google.protobuf.message_factory import GetMessageClass

from collector.data import Signal
from collector.data.messages import InstrumentationScope, LogRecord, Metric, ProtoMessage, Resource, Span
from collector.data.wire import field, field_tag
from processors.scrub.fields import content_of
from processors.scrub.walk import Walk

# Returns what becomes of a serialized field: the very object where it is clean, nothing where it must go.
Edit: TypeAlias = Callable[[Walk, bytes], bytes]


@dataclass(frozen=True, slots=True)
class Layout:
    """A type of message with the edits of its fields, by their tags. `is_attributed` is false for metrics only."""

    type: ProtoMessage
    edits: Mapping[int, Edit]
    is_attributed: bool


def _layout(message: ProtoMessage, **methods: Callable[[Walk, Any], Any]) -> Layout:
    """Return the layout of a type of message from methods of `Walk` by the names of its fields."""
    edits = {}
    for name, method in methods.items():
        [number] = tag = field_tag(message, name)
        declared = message.DESCRIPTOR.fields_by_name[name].message_type
        edits[number] = _edit_of_text(tag, method) if declared is None else _edit_of(tag, declared, method)
    return Layout(message, edits, "attributes" in methods)


def _edit_of_text(tag: bytes, method: Callable[[Walk, str], str]) -> Edit:
    def edit(walk: Walk, raw: bytes) -> bytes:
        text = content_of(raw).decode()
        clean = method(walk, text)
        return raw if clean == text else field(tag, clean.encode())

    return edit


def _edit_of(tag: bytes, declared: Any, method: Callable[[Walk, ProtoMessage], bool | None]) -> Edit:
    decode = GetMessageClass(declared).FromString

    def edit(walk: Walk, raw: bytes) -> bytes:
        message = decode(content_of(raw))
        outcome = method(walk, message)
        if outcome is None:
            return b""
        return field(tag, message.SerializeToString()) if outcome else raw

    return edit


RESOURCE = _layout(Resource, attributes=Walk.attribute)
SCOPE = _layout(InstrumentationScope, attributes=Walk.attribute)
_METRIC = dict.fromkeys(("gauge", "sum", "histogram", "exponential_histogram", "summary"), Walk.data)
LAYOUTS = {
    Signal.TRACES: _layout(
        Span,
        name=Walk.name,
        attributes=Walk.attribute,
        events=Walk.event,
        links=Walk.attributes,
        status=Walk.status,
    ),
    Signal.LOGS: _layout(LogRecord, attributes=Walk.attribute, event_name=Walk.name, body=Walk.body),
    Signal.METRICS: _layout(Metric, **_METRIC),
}
