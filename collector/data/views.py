"""What the friendly records are made of: attributes as mappings, fields as Python attributes."""

from collections.abc import Iterator, Mapping, MutableMapping
from typing import Generic, TypeVar, cast

from collector.data.attributes import AttributeValue, delete_attribute, find_attribute, set_value, value_of
from collector.data.messages import AnyValue, ProtoMessage

T = TypeVar("T")


class AttributesView(Mapping[str, AttributeValue]):
    """Attributes to read: a mapping from keys to Python values."""

    __slots__ = ("_pairs",)

    def __init__(self, pairs: ProtoMessage) -> None:
        self._pairs = pairs

    def __getitem__(self, key: str) -> AttributeValue:
        index = find_attribute(self._pairs, key)
        if index < 0:
            raise KeyError(key)
        return value_of(self._pairs[index].value)

    def __contains__(self, key: object) -> bool:
        return any(pair.key == key for pair in self._pairs)

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys(pair.key for pair in self._pairs))

    def __len__(self) -> int:
        return len({pair.key for pair in self._pairs})

    def __repr__(self) -> str:
        return repr(dict(self))


class View:
    """Shows a message. `proto` is the message itself: call `touch` before you change it."""

    __slots__ = ("proto",)

    def __init__(self, proto: ProtoMessage) -> None:
        self.proto = proto

    def touch(self) -> None:
        """Tell the record that it is about to be changed."""
        raise NotImplementedError


class Attributes(AttributesView, MutableMapping[str, AttributeValue]):
    """Attributes to read and to change."""

    __slots__ = ("_owner",)

    def __init__(self, pairs: ProtoMessage, owner: View) -> None:
        super().__init__(pairs)
        self._owner = owner

    def __setitem__(self, key: str, value: AttributeValue) -> None:
        converted = AnyValue()
        set_value(converted, value)
        self._owner.touch()
        index = find_attribute(self._pairs, key)
        pair = self._pairs.add(key=key) if index < 0 else self._pairs[index]
        pair.value.CopyFrom(converted)

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        self._owner.touch()
        delete_attribute(self._pairs, key)


class Field(Generic[T]):
    """A field of the message that is shown as it is."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, view: View, owner: type[View]) -> T:
        return cast(T, getattr(view.proto, self._name))

    def __set__(self, view: View, value: T) -> None:
        view.touch()
        setattr(view.proto, self._name, value)


class Id:
    """An id: hex text, empty where there is none."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, view: View, owner: type[View]) -> str:
        return cast(bytes, getattr(view.proto, self._name)).hex()


class Word:
    """An enumeration of OTLP, shown as a word."""

    def __init__(self, name: str, *words: str) -> None:
        self._name = name
        self._words = words

    def __get__(self, view: View, owner: type[View]) -> str:
        number: int = getattr(view.proto, self._name)
        return self._words[number] if 0 <= number < len(self._words) else str(number)

    def __set__(self, view: View, word: str) -> None:
        if word not in self._words:
            raise ValueError(f"{word!r} is no {self._name}: use one of {', '.join(self._words)}")
        view.touch()
        setattr(view.proto, self._name, self._words.index(word))


class Attributed(View):
    """Something with attributes: `record["key"]` is short for `record.attributes["key"]`."""

    __slots__ = ()

    @property
    def attributes(self) -> Attributes:
        """The attributes, to read and to change."""
        return Attributes(self.proto.attributes, self)

    def __getitem__(self, key: str) -> AttributeValue:
        return self.attributes[key]

    def __setitem__(self, key: str, value: AttributeValue) -> None:
        self.attributes[key] = value

    def __delitem__(self, key: str) -> None:
        del self.attributes[key]

    def __contains__(self, key: object) -> bool:
        return key in self.attributes

    def get(self, key: str, default: AttributeValue = None) -> AttributeValue:
        """Return the value of an attribute, or the default where it is missing."""
        return self.attributes.get(key, default)


class Part(View):
    """Shows a message inside that of a record."""

    __slots__ = ("_record",)

    def __init__(self, proto: ProtoMessage, record: View) -> None:
        super().__init__(proto)
        self._record = record

    def touch(self) -> None:
        """Tell the record that it is about to be changed."""
        self._record.touch()
