"""What compiled attribute actions do to one list of attributes."""

import abc
import functools
from collections.abc import Sequence

from collector.data import AttributeValue, set_value, value_of
from collector.data.messages import AnyValue, KeyValue, ProtoMessage
from collector.processing.hashing import hash_attribute
from collector.processing.patterns import Pattern
from collector.processing.values import as_double, as_integer, as_text

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
    def addition(self, raw: bytes) -> bytes | None:
        """Return the attribute that the step appends to a serialized message, `b""` where it does nothing to it.

        None means that the attributes must be read to know. Where the bytes of a key do not occur in those of the
        message, the key is not among its attributes.
        """

    @abc.abstractmethod
    def apply(self, attributes: KeyedAttributes) -> bool:
        """Change the attributes; return whether anything changed."""


class Put(Step):
    """Sets a key to a value, or to another attribute's value where there is a `source`; `value` is its default then."""

    def __init__(self, key: str, value: AttributeValue, *, source: str, inserts: bool, updates: bool) -> None:
        self._key, self._raw_key = key, key.encode()
        self._source, self._raw_source = source, source.encode()
        self._inserts = inserts
        self._updates = updates
        self._pair: ProtoMessage | None = None if value is None else _pair(key, value)
        self._addition = b"" if self._pair is None or not inserts else self._pair.SerializeToString()

    def addition(self, raw: bytes) -> bytes | None:
        """Return the new attribute where neither the key nor the source can be there."""
        if self._source:
            if self._raw_source in raw:
                return None
            if self._pair is None:
                return b""
        return None if self._raw_key in raw else self._addition

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
    """The attributes of one key and those whose keys match a pattern; either may be empty, for none."""

    def __init__(self, key: str, pattern: str) -> None:
        self._key, self._raw_key = key, key.encode()
        self._matches = functools.lru_cache(_REMEMBERED_KEYS)(Pattern(pattern).matches) if pattern else None

    def absent_from(self, raw: bytes) -> bool:
        """Return whether a serialized message certainly has none of them."""
        return self._matches is None and self._raw_key not in raw

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

    def addition(self, raw: bytes) -> bytes | None:
        """Return nothing to append where the attributes are missing."""
        return b"" if self._selection.absent_from(raw) else None

    def apply(self, attributes: KeyedAttributes) -> bool:
        """Change the selected attributes."""
        found = self._selection.positions(attributes)
        return bool(found) and self._change(attributes, found)

    @abc.abstractmethod
    def _change(self, attributes: KeyedAttributes, found: Sequence[int]) -> bool:
        """Change the attributes at these positions; return whether anything changed."""


class Delete(_OnExisting):
    """Removes attributes."""

    def _change(self, attributes: KeyedAttributes, found: Sequence[int]) -> bool:
        for index in reversed(found):
            attributes.delete(index)
        return True


class Hash(_OnExisting):
    """Replaces values by their SHA-256."""

    def _change(self, attributes: KeyedAttributes, found: Sequence[int]) -> bool:
        for index in found:
            value = attributes.pairs[index].value
            value.string_value = hash_attribute(value_of(value))
        return True


class Extract(_OnExisting):
    """Sets a key for each named group of a pattern, from the text of one attribute."""

    def __init__(self, key: str, pattern: Pattern) -> None:
        super().__init__(Selection(key, ""))
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


class Convert(_OnExisting):
    """Changes the type of a value, where the value has one of that type."""

    def __init__(self, key: str, target: str) -> None:
        super().__init__(Selection(key, ""))
        self._convert = {"int": as_integer, "double": as_double, "string": as_text}[target]
        self._field = {"int": "int_value", "double": "double_value", "string": "string_value"}[target]

    def _change(self, attributes: KeyedAttributes, found: Sequence[int]) -> bool:
        changed = False
        for index in found:
            value = attributes.pairs[index].value
            converted = None if value.HasField(self._field) else self._convert(value_of(value))
            if converted is not None:
                setattr(value, self._field, converted)
                changed = True
        return changed


def _pair(key: str, value: AttributeValue) -> ProtoMessage:
    pair = KeyValue(key=key, value=AnyValue())
    set_value(pair.value, value)
    return pair
