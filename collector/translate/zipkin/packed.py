"""What a Zipkin span has no place for, packed into one text: events with attributes, and links.

An event is an annotation `name|{JSON of its attributes}|dropped attributes`; without either it is the name alone. A
link is a tag `otlp.link.0` and so on, with `trace id|span id|trace state|{JSON}|dropped attributes`.
"""

import json
import re

from collector.data import AttributeValue, set_value, value_of
from collector.data.messages import ProtoMessage, Span
from collector.processing.values import as_text

_MOST_DROPPED = 2**32 - 1
_DIGITS = re.compile(r"[0-9]{1,10}")
_TRACE_ID, _SPAN_ID = re.compile(r"[0-9a-fA-F]{32}|"), re.compile(r"[0-9a-fA-F]{16}|")


def pack_event(event: ProtoMessage) -> str:
    """Return the text of an event's annotation."""
    name: str = event.name
    if not event.attributes and not event.dropped_attributes_count:
        return name
    return f"{name}|{_attributes_text(event)}|{event.dropped_attributes_count}"


def parse_event(text: str) -> ProtoMessage:
    """Return the event of an annotation, less its time; one that is not packed is an event of that name."""
    name, sign, packed = text.partition("|{")
    if sign:
        event = Span.Event(name=name)
        if _unpack("{" + packed, event):
            return event
    return Span.Event(name=text)


def pack_link(link: ProtoMessage) -> str:
    """Return the text of a link's tag."""
    ids = f"{link.trace_id.hex()}|{link.span_id.hex()}|{link.trace_state}"
    return f"{ids}|{_attributes_text(link)}|{link.dropped_attributes_count}"


def parse_link(text: str) -> ProtoMessage | None:
    """Return the link of a tag, or None where the tag is something else."""
    parts = text.split("|", 3)
    if len(parts) < 4 or not (_TRACE_ID.fullmatch(parts[0]) and _SPAN_ID.fullmatch(parts[1])):
        return None
    link = Span.Link(trace_id=bytes.fromhex(parts[0]), span_id=bytes.fromhex(parts[1]), trace_state=parts[2])
    return link if _unpack(parts[3], link) else None


def _attributes_text(message: ProtoMessage) -> str:
    return as_text({pair.key: value_of(pair.value) for pair in message.attributes})


def _unpack(text: str, target: ProtoMessage) -> bool:
    """Give an event or link the attributes and the count of `{JSON}|count`; return whether the text is that."""
    attributes, _, dropped = text.rpartition("|")
    if not _DIGITS.fullmatch(dropped) or int(dropped) > _MOST_DROPPED:
        return False
    try:
        members = json.loads(attributes)
        if not isinstance(members, dict):
            return False
        for key, value in members.items():
            set_value(target.attributes.add(key=key).value, _whole(value))
    except (ValueError, RecursionError):
        return False
    target.dropped_attributes_count = int(dropped)
    return True


def _whole(value: AttributeValue) -> AttributeValue:
    """Return a number without a fraction as an integer: JSON does not tell them apart."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**63 else value
