"""Hypothesis strategies for OTLP as other senders might write it.

Protobuf lets one message be written in many ways. These strategies write the wire format themselves, from the published
descriptors, to reach those that no library writes: any field order, unknown fields and groups, submessages and scalars
that occur several times, packed and unpacked numbers, overlong varints, empty messages, extreme values.
"""

import struct
from collections.abc import Callable
from functools import cache
from typing import TypeAlias

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import strategies as st

from collector.data import AttributeValue, Signal
from collector.data.messages import REQUESTS

_Wire: TypeAlias = "st.SearchStrategy[bytes]"

_VARINT, _FIXED64, _BYTES, _GROUP, _END_GROUP, _FIXED32 = range(6)
_UNKNOWN_FIELDS = st.sampled_from([999, 2**15, 2**29 - 1])
_ID_SIZES = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}
# Drawn more often than others, or most requests would hold no item.
_TO_ITEMS = {
    *("resource_spans", "scope_spans", "spans", "resource_logs", "scope_logs", "log_records"),
    *("resource_metrics", "scope_metrics", "metrics"),
    *("gauge", "sum", "histogram", "exponential_histogram", "summary", "data_points"),
}
_DEEPEST_VALUE = 3
_MOST_RECORDS = 4

_text = st.text(st.characters(codec="utf-8"), max_size=8)
_int32 = st.integers(-(2**31), 2**31 - 1)
_int64 = st.integers(-(2**63), 2**63 - 1)
_uint32 = st.integers(0, 2**32 - 1)
_uint64 = st.integers(0, 2**64 - 1)

attribute_values: st.SearchStrategy[AttributeValue] = st.recursive(
    st.none() | st.booleans() | _int64 | st.floats(allow_nan=False) | _text | st.binary(max_size=8),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(_text, values, max_size=3),
    max_leaves=6,
)


def requests(signal: Signal) -> _Wire:
    """Return serialized export requests of a signal, as oddly written as protobuf allows."""
    return _message(REQUESTS[signal].DESCRIPTOR, 0)


@cache
def _message(descriptor: Descriptor, depth: int) -> _Wire:
    deep = descriptor.name == "AnyValue" and depth >= _DEEPEST_VALUE
    fields = [field for field in descriptor.fields if not (deep and field.message_type is not None)]
    depth += descriptor.name == "AnyValue"
    to_items = [_field(field, depth) for field in fields if field.name in _TO_ITEMS]
    others = [_field(field, depth) for field in fields if field.name not in _TO_ITEMS]
    kinds = [_any_of(members) for members in (to_items, to_items, to_items, others, [_unknown()]) if members]
    return st.lists(_any_of(kinds), min_size=bool(to_items), max_size=_MOST_RECORDS).map(b"".join)


def _any_of(strategies: list[_Wire]) -> _Wire:
    """Draw one of several, each as likely as the others: `one_of` would flatten what is nested."""
    return st.sampled_from(strategies).flatmap(lambda strategy: strategy)


@cache
def _field(field: FieldDescriptor, depth: int) -> _Wire:
    if field.message_type is not None:
        return _message(field.message_type, depth).map(lambda content: _record(field.number, _BYTES, _sized(content)))
    wire_type, values = _scalar(field)
    if not field.is_repeated or wire_type == _BYTES:
        return values.map(lambda value: _record(field.number, wire_type, value))
    several = st.lists(values, max_size=3)
    return st.one_of(
        several.map(lambda members: _record(field.number, _BYTES, _sized(b"".join(members)))),
        several.map(lambda members: b"".join(_record(field.number, wire_type, member) for member in members)),
    )


def _scalar(field: FieldDescriptor) -> tuple[int, _Wire]:
    if field.type == FieldDescriptor.TYPE_BYTES:
        size = _ID_SIZES.get(field.name)
        content = st.binary(max_size=8) if size is None else st.just(b"") | st.binary(min_size=size, max_size=size)
        return _BYTES, content.map(_sized)
    wire_type, write, values = {
        FieldDescriptor.TYPE_STRING: (_BYTES, lambda value: _sized(value.encode()), _text),
        FieldDescriptor.TYPE_BOOL: (_VARINT, _varint, st.booleans()),
        FieldDescriptor.TYPE_ENUM: (_VARINT, _signed, st.integers(-1, 5) | _int32),
        FieldDescriptor.TYPE_INT32: (_VARINT, _signed, _int32),
        FieldDescriptor.TYPE_INT64: (_VARINT, _signed, _int64),
        FieldDescriptor.TYPE_UINT32: (_VARINT, _varint, _uint32),
        FieldDescriptor.TYPE_UINT64: (_VARINT, _varint, _uint64),
        FieldDescriptor.TYPE_SINT32: (_VARINT, _zigzag, _int32),
        FieldDescriptor.TYPE_FIXED32: (_FIXED32, _packed("<I"), _uint32),
        FieldDescriptor.TYPE_FIXED64: (_FIXED64, _packed("<Q"), _uint64),
        FieldDescriptor.TYPE_SFIXED64: (_FIXED64, _packed("<q"), _int64),
        FieldDescriptor.TYPE_DOUBLE: (_FIXED64, _packed("<d"), st.floats()),
    }[field.type]
    return wire_type, values.map(write)


def _unknown() -> _Wire:
    plain = st.one_of(
        st.builds(_record, _UNKNOWN_FIELDS, st.just(_VARINT), _uint64.map(_varint)),
        st.builds(_record, _UNKNOWN_FIELDS, st.just(_VARINT), st.just(b"\x85\x80\x00")),  # an overlong 5
        st.builds(_record, _UNKNOWN_FIELDS, st.just(_FIXED32), st.binary(min_size=4, max_size=4)),
        st.builds(_record, _UNKNOWN_FIELDS, st.just(_FIXED64), st.binary(min_size=8, max_size=8)),
        st.builds(_record, _UNKNOWN_FIELDS, st.just(_BYTES), st.binary(max_size=5).map(_sized)),
    )
    group = st.builds(
        lambda number, members: _record(number, _GROUP, b"".join(members)) + _record(number, _END_GROUP, b""),
        _UNKNOWN_FIELDS,
        st.lists(plain, max_size=2),
    )
    return plain | group


# --- the wire format -----------------------------------------------------------------------------------------------


def _record(number: int, wire_type: int, content: bytes) -> bytes:
    return _varint(number << 3 | wire_type) + content


def _sized(content: bytes) -> bytes:
    return _varint(len(content)) + content


def _varint(value: int) -> bytes:
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def _signed(value: int) -> bytes:
    return _varint(value & (2**64 - 1))


def _zigzag(value: int) -> bytes:
    return _varint(value << 1 if value >= 0 else -(value << 1) - 1)


def _packed(layout: str) -> Callable[[int | float], bytes]:
    return lambda value: struct.pack(layout, value)
