"""Edits of one attribute in serialized spans, log records or resources, by cutting their bytes: nothing is decoded.

`WireKey.locate` tells where the attribute of a key stands, that there is none, or that it cannot tell and the message
must be decoded; for many messages at once, for a call each takes as long as the search. The bytes must be of messages
that can be decoded. The answer is exact, for these reasons:

- A key is written as its length and its bytes. So where it is a key, the byte in front is its length, or the last of
  several that are, of which the one before has its high bit set. Where the key's bytes occur behind anything else, they
  are part of another key, of a value or of an event. No occurrence that may be a key means that the key is absent. With
  several outside of the attribute's own value it may be repeated, or be that of an event: that is left to the decoder.
- The attribute must hold the key and one value, in this order, and nothing else, with all lengths in their shortest
  form. A second key (it would be the one that counts), a value in several parts and unknown fields are left to the
  decoder.
- Protobuf is read from left to right, one field after the other, in one way only. So if the bytes in front of the
  attribute are a whole sequence of fields by themselves, what follows is read as the attribute; and outside of any
  group, for those before it are closed. `Empty` has no fields: decoding it is this check, and skips all content in C.

What an edit does not touch keeps its bytes, and an attribute that stays keeps its place.
"""

import sys
from collections.abc import Iterable
from typing import Final, TypeAlias

from google.protobuf.empty_pb2 import Empty

from collector.data.messages import DecodeError, ProtoMessage

# The bytes in front of the attribute, the position where its serialized `AnyValue` begins, and that where both end.
Place: TypeAlias = tuple[bytes, int, int]
ABSENT: Final[Place] = (b"", -1, -1)

_KEY_TAG, _VALUE_TAG, _TEXT_TAG = 0x0A, 0x12, 0x0A
_LENGTH_DELIMITED = 2
# Lengths below take one byte, which says all. A longer one has this bit set in every byte but the last.
_MORE = 0x80
# More occurrences than that are sooner decoded than looked at one by one.
_MOST_OCCURRENCES = 16
# Lengths of attributes whose headers are kept: comparing is sooner done than reading.
_REMEMBERED_LENGTHS = 512
_CHECKED_WITH_ONE_MESSAGE = 2**16  # bytes


def field_tag(message: ProtoMessage, field: str) -> bytes:
    """Return what stands in front of each occurrence of a field that is a message or text."""
    return _varint(message.DESCRIPTOR.fields_by_name[field].number << 3 | _LENGTH_DELIMITED)


def text_in(raw: bytes, start: int, end: int) -> bytes:
    """Return the text of the serialized `AnyValue` at a place; empty where that takes decoding: it is long or no text."""
    size = end - start - 2
    return raw[start + 2 : end] if 0 < size < _MORE and raw[start] == _TEXT_TAG and raw[start + 1] == size else b""


def text_value(text: bytes) -> bytes:
    """Return the serialized `AnyValue` of a text in UTF-8."""
    return field(bytes([_TEXT_TAG]), text)


class WireKey:
    """An attribute's key as it is looked for in the serialized messages of one type; it must not be empty.

    `tag` is the one-byte tag of the messages' attributes. It is empty where they lie deeper, as a metric's: there the
    key can only be found absent.
    """

    __slots__ = ("_decode", "_head", "_headers", "_key", "_lead", "_size", "_tag", "_unchecked")

    def __init__(self, key: str, tag: bytes) -> None:
        self._key = key.encode()
        self._size = len(self._key)
        self._tag = tag
        self._head = field(bytes([_KEY_TAG]), self._key)
        self._headers = _Headers(tag, self._head)
        # From the tag of an attribute, if its length takes one byte, to its key.
        self._lead = len(self._head) - self._size + 2
        self._renew()

    def locate(self, raws: Iterable[bytes | None]) -> list[Place | None]:
        """Return for each message where the attribute stands, `ABSENT`, or None where that takes decoding.

        What is None already stays so.
        """
        key, lead, headers = self._key, self._lead, self._headers
        places: list[Place | None] = []
        for raw in raws:
            if raw is None:
                places.append(None)
                continue
            at = raw.find(key)
            if at < 0:
                places.append(ABSENT)
                continue
            # What follows is `_place` again, for short attributes only: a call for each would cost as much as the rest.
            start = at - lead
            if start >= 0:
                header, skip, whole = headers[raw[start + 1]]
                end = start + whole
                # Nearly always the key's bytes occur once, or else in the attribute's own value.
                if end <= len(raw) and raw.startswith(header, start) and raw.find(key, end) < 0:
                    before = raw[:start]
                    self._unchecked -= start
                    if self._unchecked < 0:
                        self._renew()
                    try:
                        self._decode(before)
                    except DecodeError:
                        pass
                    else:
                        places.append((before, start + skip, end))
                        continue
            places.append(self._examine(raw, at))
        return places

    def _examine(self, raw: bytes, at: int) -> Place | None:
        """Return what `locate` does, of a message in which the key's bytes occur, first at a position."""
        place = self._place(raw, at)
        if place is not None and raw.find(self._key, place[2]) < 0:
            return place
        candidates = self._candidates(raw, at)
        if len(candidates) == 1:
            return self._place(raw, candidates[0])
        return None if candidates else ABSENT

    def record(self, value: bytes) -> bytes:
        """Return the attribute with a serialized value as it stands in a message."""
        return field(self._tag, self._head + field(bytes([_VALUE_TAG]), value))

    def _candidates(self, raw: bytes, at: int) -> list[int]:
        """Return where the key may stand as a key; more than one position where its bytes occur too often to tell."""
        found = []
        for _ in range(_MOST_OCCURRENCES):
            if at > 1 and (raw[at - 1] == self._size or raw[at - 2] >= _MORE):
                found.append(at)
            at = raw.find(self._key, at + 1)
            if at < 0:
                return found
        return [at, at]

    def _place(self, raw: bytes, at: int) -> Place | None:
        """Return the place of the attribute with its key at a position, if it is one of the message's own."""
        start = at - self._lead
        if start < 0:
            return None
        size = raw[start + 1]
        if raw[start] >= _MORE:
            size = size << 7 | raw[start] & 0x7F
            start -= 1
        header, skip, whole = self._headers[size]
        end = start + whole
        if end > len(raw) or not raw.startswith(header, start):
            return None
        before = raw[:start]
        self._unchecked -= start
        if self._unchecked < 0:
            self._renew()
        try:
            self._decode(before)
        except DecodeError:
            return None
        return before, start + skip, end

    def _renew(self) -> None:
        """Begin a new message to check with: one serves often, for making it takes longer than the check.

        It keeps all that it has read, so not for ever.
        """
        self._decode, self._unchecked = Empty().MergeFromString, _CHECKED_WITH_ONE_MESSAGE


class _Headers(dict[int, tuple[bytes, int, int]]):
    """By length of attributes: all of their field up to the value, how long that is, and how long with the value.

    That is longer than any message where no attribute of such a length has the form that is looked for.
    """

    def __init__(self, tag: bytes, head: bytes) -> None:
        super().__init__()
        self._tag = tag
        self._head = head

    def __missing__(self, size: int) -> tuple[bytes, int, int]:
        header = self._header(size)
        if size < _REMEMBERED_LENGTHS:
            self[size] = header
        return header

    def _header(self, size: int) -> tuple[bytes, int, int]:
        front = self._tag + _varint(size)
        room = size - len(self._head) - 1
        for width in (1, 2):
            length = _varint(max(room - width, 0))
            if self._tag and room >= width and len(length) == width:
                header = b"%b%b%c%b" % (front, self._head, _VALUE_TAG, length)
                return header, len(header), len(front) + size
        return b"", 0, sys.maxsize


def field(tag: bytes, content: bytes) -> bytes:
    """Return a field that is a message or text, serialized: its tag, the length of its content, and that."""
    size = len(content)
    return b"%b%c%b" % (tag, size, content) if size < _MORE else b"".join((tag, _varint(size), content))


def _varint(number: int) -> bytes:
    """Return a number as protobuf writes lengths: seven bits a byte, the lowest first."""
    written = bytearray()
    while number >= _MORE:
        written.append(number & 0x7F | _MORE)
        number >>= 7
    written.append(number)
    return bytes(written)
