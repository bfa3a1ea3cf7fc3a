"""What compiled attribute actions do to one list of attributes."""

import abc
import itertools
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from collector.data import AttributeValue, set_value, value_of
from collector.data.messages import AnyValue, KeyValue, ProtoMessage
from collector.data.wire import ABSENT, Place, WireKey, text_in, text_value
from collector.processing.hashing import DIGEST_SIZE, hash_attribute, hash_bytes
from collector.processing.patterns import Pattern
from collector.processing.remembering import remembering
from collector.processing.values import as_double, as_integer, as_text

# Serialized messages; in place of one that must be decoded to be changed there is None.
Raws: TypeAlias = "list[bytes | None]"

# Keys are few and repeat from message to message; the bound is for senders that make them up.
_REMEMBERED_KEYS = 4096


class KeyedAttributes:
    """A list of `KeyValue` messages with its keys at hand, for reading a key from a message is what takes time."""

    __slots__ = ("keys", "pairs")

    def __init__(self, pairs: ProtoMessage) -> None:
        self.pairs = pairs
        self.keys: list[str] = [pair.key for pair in pairs]

    def positions(self, key: str) -> list[int]:
        """Return where a key stands: mostly once, but what a sender repeats against the rules is not overlooked."""
        count = self.keys.count(key)
        if count < 2:
            return [self.keys.index(key)] if count else []
        return [index for index, present in enumerate(self.keys) if present == key]

    def append(self, pair: ProtoMessage) -> None:
        """Add a copy of an attribute at the end."""
        self.pairs.append(pair)
        self.keys.append(pair.key)

    def delete(self, index: int) -> None:
        """Remove the attribute at a position."""
        del self.pairs[index]
        del self.keys[index]


class Step(abc.ABC):
    """One action. Both methods see what the steps before it did."""

    @abc.abstractmethod
    def rewrite(self, raws: Raws) -> Raws:
        """Return serialized messages after the step, each None where it must be decoded for that.

        They are the very same where the step does nothing.
        """

    @abc.abstractmethod
    def apply(self, attributes: KeyedAttributes) -> bool:
        """Change the attributes; return whether anything changed."""


class Put(Step):
    """Sets a key to a value, or to another attribute's value where there is a `source`; `value` is its default then.

    `tag` is what stands before each attribute in the serialized messages, empty where the attributes lie deeper.
    """

    def __init__(
        self, key: str, value: AttributeValue, *, source: str, inserts: bool, updates: bool, tag: bytes
    ) -> None:
        self._key, self._wire_key = key, WireKey(key, tag)
        self._source, self._wire_source = source, WireKey(source, tag) if source else None
        self._inserts = inserts
        self._updates = updates
        self._can_append = bool(tag)
        self._pair: ProtoMessage | None = None if value is None else _pair(key, value)
        self._record = None if self._pair is None else self._wire_key.record(self._pair.value.SerializeToString())

    def rewrite(self, raws: Raws) -> Raws:
        """Insert or update the key."""
        records: Iterable[bytes | None] = itertools.repeat(self._record, len(raws))
        if self._wire_source is not None:
            sources = self._wire_source.locate(raws)
            records = [self._record_of(raw, source) for raw, source in zip(raws, sources, strict=True)]
            raws = [raw if source else None for raw, source in zip(raws, sources, strict=True)]
        return list(map(self._put, raws, self._wire_key.locate(raws), records))

    def _record_of(self, raw: bytes | None, source: Place | None) -> bytes | None:
        """Return the attribute to put, or None where there is none."""
        if raw is None or source is None or source is ABSENT:
            return self._record
        return self._wire_key.record(raw[source[1] : source[2]])

    def _put(self, raw: bytes | None, place: Place | None, record: bytes | None) -> bytes | None:
        if raw is None or place is None:
            return None
        if record is None:
            return raw
        if place is ABSENT:
            if not self._inserts:
                return raw
            return raw + record if self._can_append else None
        return place[0] + record + raw[place[2] :] if self._updates else raw

    def apply(self, attributes: KeyedAttributes) -> bool:
        """Insert or update the key."""
        pair = self._current(attributes)
        if pair is None:
            return False
        found = attributes.positions(self._key)
        if found:
            if self._updates:
                for index in found:
                    attributes.pairs[index].value.CopyFrom(pair.value)
            return self._updates
        if self._inserts:
            attributes.append(pair)
        return self._inserts

    def _current(self, attributes: KeyedAttributes) -> ProtoMessage | None:
        """Return the attribute to put, or None where there is none."""
        found = attributes.positions(self._source) if self._source else ()
        return KeyValue(key=self._key, value=attributes.pairs[found[0]].value) if found else self._pair


class Selection:
    """The attributes of one key and those whose keys match a pattern; either may be empty, for none.

    `wire_key` finds them in serialized messages, in which `tag` stands before each attribute. It is None where that
    takes their keys: for patterns, and for the empty key, which may stand for one that was left out.
    """

    def __init__(self, key: str, pattern: str, tag: bytes) -> None:
        self._key = key
        self.wire_key = WireKey(key, tag) if key and not pattern else None
        self._matches = remembering(Pattern(pattern).matches, _REMEMBERED_KEYS) if pattern else None

    def positions(self, attributes: KeyedAttributes) -> list[int]:
        """Return where they stand, in order."""
        matches = self._matches
        if matches is None:
            return attributes.positions(self._key)
        # An empty key is no selection here: it may stand for a key that was left out.
        return [index for index, key in enumerate(attributes.keys) if matches(key) or (key and key == self._key)]


class _OnExisting(Step):
    """A step that does nothing where its attributes are missing."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._wire_key = selection.wire_key

    def rewrite(self, raws: Raws) -> Raws:
        """Change the selected attribute."""
        key, change_at = self._wire_key, self._change_at
        if key is None:
            return [None] * len(raws)
        return [
            raw if place is ABSENT or raw is None else None if place is None else change_at(key, raw, place)
            for raw, place in zip(raws, key.locate(raws), strict=True)
        ]

    def apply(self, attributes: KeyedAttributes) -> bool:
        """Change the selected attributes."""
        found = self._selection.positions(attributes)
        return bool(found) and self._change(attributes, found)

    @abc.abstractmethod
    def _change(self, attributes: KeyedAttributes, found: Sequence[int]) -> bool:
        """Change the attributes at these positions; return whether anything changed."""

    @abc.abstractmethod
    def _change_at(self, key: WireKey, raw: bytes, place: Place) -> bytes | None:
        """Change the attribute of a key at its place; return the message, or None where it must be decoded for that."""


class Delete(_OnExisting):
    """Removes attributes."""

    def _change(self, attributes: KeyedAttributes, found: Sequence[int]) -> bool:
        for index in reversed(found):
            attributes.delete(index)
        return True

    def _change_at(self, key: WireKey, raw: bytes, place: Place) -> bytes:  # noqa: ARG002 - others need it
        before, _, end = place
        return before + raw[end:]


class _OnValues(_OnExisting):
    """A step that changes each of its values by itself."""

    def _change(self, attributes: KeyedAttributes, found: Sequence[int]) -> bool:
        changed = False
        for index in found:
            changed |= self._change_value(attributes.pairs[index].value)
        return changed

    def _change_at(self, key: WireKey, raw: bytes, place: Place) -> bytes:
        before, start, end = place
        value = AnyValue.FromString(raw[start:end])
        if not self._change_value(value):
            return raw
        return before + key.record(value.SerializeToString()) + raw[end:]

    @abc.abstractmethod
    def _change_value(self, value: ProtoMessage) -> bool:
        """Change an `AnyValue`; return whether anything changed."""


class Hash(_OnValues):
    """Replaces values by their SHA-256."""

    def __init__(self, selection: Selection) -> None:
        super().__init__(selection)
        digest = b"0" * DIGEST_SIZE
        self._in_front = b"" if self._wire_key is None else self._wire_key.record(text_value(digest))[:-DIGEST_SIZE]

    def _change_at(self, key: WireKey, raw: bytes, place: Place) -> bytes:
        before, start, end = place
        text = text_in(raw, start, end)
        if not text:
            return super()._change_at(key, raw, place)
        return before + self._in_front + hash_bytes(text) + raw[end:]

    def _change_value(self, value: ProtoMessage) -> bool:
        value.string_value = hash_attribute(value_of(value))
        return True


class Convert(_OnValues):
    """Changes the type of a value, where the value has one of that type."""

    def __init__(self, key: str, target: str, tag: bytes) -> None:
        super().__init__(Selection(key, "", tag))
        self._convert = {"int": as_integer, "double": as_double, "string": as_text}[target]
        self._field = {"int": "int_value", "double": "double_value", "string": "string_value"}[target]

    def _change_value(self, value: ProtoMessage) -> bool:
        converted = None if value.HasField(self._field) else self._convert(value_of(value))
        if converted is not None:
            setattr(value, self._field, converted)
        return converted is not None


class Extract(_OnExisting):
    """Sets a key for each named group of a pattern, from the text of one attribute."""

    def __init__(self, key: str, pattern: Pattern, tag: bytes) -> None:
        super().__init__(Selection(key, "", tag))
        self._pattern = pattern

    def _change(self, attributes: KeyedAttributes, found: Sequence[int]) -> bool:
        value = attributes.pairs[found[0]].value
        groups = self._pattern.groups(value.string_value) if value.HasField("string_value") else None
        for name, text in (groups or {}).items():
            targets = attributes.positions(name)
            for index in targets:
                attributes.pairs[index].value.string_value = text
            if not targets:
                attributes.append(_pair(name, text))
        return groups is not None

    def _change_at(self, key: WireKey, raw: bytes, place: Place) -> None:
        """Leave it to `_change`: there may be several keys to set."""


def _pair(key: str, value: AttributeValue) -> ProtoMessage:
    pair = KeyValue(key=key, value=AnyValue())
    set_value(pair.value, value)
    return pair
