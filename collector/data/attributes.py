"""Attributes: repeated `KeyValue` messages read and changed as Python values.

A Python value is what OTLP's `AnyValue` holds: str, bool, int, float, bytes, a list, a dict with string keys, or None.
Keys are unique in a list of attributes, so OTLP demands; where a sender repeats one, its first occurrence is read.
"""

from collections.abc import Iterator
from typing import TypeAlias

from collector.data.messages import ProtoMessage
from collector.data.signal import Signal

AttributeValue: TypeAlias = "str | bool | int | float | bytes | list[AttributeValue] | dict[str, AttributeValue] | None"

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
# Messages inside of each other that protobuf's readers take are 100 by default; an exemplar's value, which stands
# deepest, is the ninth. A list is two more messages, a map three.
_DEEPEST = 90


def value_of(value: ProtoMessage) -> AttributeValue:
    """Return the Python value of an `AnyValue`."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [value_of(member) for member in value.array_value.values]
    if kind == "kvlist_value":
        return {member.key: value_of(member.value) for member in value.kvlist_value.values}
    scalar: AttributeValue = getattr(value, kind)
    return scalar


def set_value(target: ProtoMessage, value: AttributeValue) -> None:
    """Make an `AnyValue` hold a Python value.

    Raises:
        TypeError: OTLP has no place for a value of this type.
        ValueError: an integer does not fit into 64 bits, or lists and maps are nested so deeply (30 maps fit) that
            nobody could read the request, with everything else in it.

    """
    _set_value(target, value, _DEEPEST)


def _set_value(target: ProtoMessage, value: AttributeValue, room: int) -> None:
    match value:
        case None:
            target.Clear()
        case bool():
            target.bool_value = value
        case str():
            target.string_value = value
        case int():
            if not _INT64_MIN <= value <= _INT64_MAX:
                raise ValueError(f"{value} does not fit into a 64-bit integer attribute")
            target.int_value = value
        case float():
            target.double_value = value
        case bytes():
            target.bytes_value = value
        case list():
            _set_list(target.array_value, value, room - 2)
        case dict():
            _set_map(target.kvlist_value, value, room - 3)
        case _:
            raise TypeError(
                f"an attribute cannot hold a {type(value).__name__}: use str, bool, int, float, bytes, list or dict"
            )


def _set_list(target: ProtoMessage, members: list[AttributeValue], room: int) -> None:
    _begin(target, room)
    for member in members:
        _set_value(target.values.add(), member, room)


def _set_map(target: ProtoMessage, members: dict[str, AttributeValue], room: int) -> None:
    _begin(target, room)
    for key, member in members.items():
        _set_value(target.values.add(key=key).value, member, room)


def _begin(target: ProtoMessage, room: int) -> None:
    if room < 0:
        raise ValueError("the attribute is nested too deeply: use at most 30 maps or 45 lists inside of each other")
    target.Clear()
    target.SetInParent()


def find_attribute(attributes: ProtoMessage, key: str) -> int:
    """Return the position of a key in a list of attributes, or -1."""
    for index, pair in enumerate(attributes):
        if pair.key == key:
            return index
    return -1


def get_attribute(attributes: ProtoMessage, key: str) -> AttributeValue:
    """Return the value of a key, or None where it is missing."""
    index = find_attribute(attributes, key)
    return None if index < 0 else value_of(attributes[index].value)


def set_attribute(attributes: ProtoMessage, key: str, value: AttributeValue) -> None:
    """Set a key, which may be new; its place in the list stays."""
    index = find_attribute(attributes, key)
    pair = attributes[index] if index >= 0 else attributes.add(key=key)
    set_value(pair.value, value)


def delete_attribute(attributes: ProtoMessage, key: str) -> bool:
    """Remove a key, also where a sender repeats it against the rules; return whether it was there."""
    found = [index for index, pair in enumerate(attributes) if pair.key == key]
    for index in reversed(found):
        del attributes[index]
    return bool(found)


def attribute_lists(signal: Signal, item: ProtoMessage) -> Iterator[ProtoMessage]:
    """Yield the attribute lists of an item: a span's or a log record's own, or those of a metric's data points."""
    if signal is not Signal.METRICS:
        yield item.attributes
        return
    kind = item.WhichOneof("data")
    if kind is not None:
        for point in getattr(item, kind).data_points:
            yield point.attributes
