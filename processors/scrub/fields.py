"""Where the fields of a serialized message begin and end, told without decoding what they hold.

The bytes must be of a message that can be decoded. They are read from left to right, the only way in which protobuf can
be read, so the answer is exact.
"""

from typing import Final, TypeAlias

# The tag of a field, and where it begins and ends.
Field: TypeAlias = tuple[int, int, int]

_MORE: Final = 0x80  # set in every byte of a number but the last
_VARINT, _FIXED64, _LENGTH_DELIMITED, _START_GROUP, _END_GROUP, _FIXED32 = range(6)
_SIZES: Final = {_FIXED64: 8, _FIXED32: 4, _END_GROUP: 0}
_WIRE_TYPE: Final = 7
_IN_ONE_BYTE: Final = _MORE | _WIRE_TYPE


def field_at(raw: bytes, position: int, start: int = 0) -> Field:
    """Return the field that a byte of a message belongs to; `start` is where it or one before it begins."""
    tag, end = 0, start
    while end <= position:
        start = end
        tag, size = raw[start], raw[start + 1]
        # Nearly all have a tag of one byte, and most a length or number of one byte: a call would take longer.
        kind = tag & _IN_ONE_BYTE
        if kind == _LENGTH_DELIMITED and size < _MORE:
            end = start + 2 + size
        elif kind == _FIXED64:
            end = start + 9
        elif kind == _VARINT and size < _MORE:
            end = start + 2
        else:
            tag, end = _field(raw, start)
    return tag, start, end


def content_of(field: bytes) -> bytes:
    """Return the content of a serialized field that is a message or text."""
    if field[0] < _MORE and field[1] < _MORE:
        return field[2:]
    _, length = _number(field, 0)
    _, begin = _number(field, length)
    return field[begin:]


def _field(raw: bytes, start: int) -> tuple[int, int]:
    tag, at = _number(raw, start)
    wire_type = tag & _WIRE_TYPE
    if wire_type == _LENGTH_DELIMITED:
        size, at = _number(raw, at)
        return tag, at + size
    if wire_type == _VARINT:
        return tag, _number(raw, at)[1]
    if wire_type == _START_GROUP:
        return tag, _end_of_group(raw, at)
    return tag, at + _SIZES[wire_type]


def _end_of_group(raw: bytes, end: int) -> int:
    tag = _START_GROUP
    while tag & _WIRE_TYPE != _END_GROUP:
        tag, end = _field(raw, end)
    return end


def _number(raw: bytes, at: int) -> tuple[int, int]:
    """Return a number at a position, and where it ends."""
    number = shift = 0
    while raw[at] >= _MORE:
        number |= (raw[at] & 0x7F) << shift
        shift += 7
        at += 1
    return number | raw[at] << shift, at + 1
