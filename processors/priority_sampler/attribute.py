"""One attribute of many spans, read from their bytes."""

import enum
from typing import Final, Literal, TypeAlias

from collector.data import AttributeValue, find_attribute, value_of
from collector.data.messages import AnyValue, ProtoMessage, Span
from collector.data.wire import ABSENT, Place, WireKey, field_tag, text_in


class _Missing(enum.Enum):
    MISSING = enum.auto()


# What stands for the value of an attribute that a span has not; None is a value.
MISSING: Final = _Missing.MISSING
Found: TypeAlias = AttributeValue | Literal[_Missing.MISSING]

_TAG = field_tag(Span, "attributes")


class SpanAttribute:
    """The attribute of a key, which must not be empty. Spans that do not mention it are not decoded."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._wire = WireKey(key, _TAG)

    def read(self, raws: list[bytes]) -> list[Found]:
        """Return the value in each of some serialized spans."""
        places = self._wire.locate(raws)
        return [MISSING if place is ABSENT else self._at(raw, place) for raw, place in zip(raws, places, strict=True)]

    def _at(self, raw: bytes, place: Place | None) -> Found:
        if place is None:
            return self.of(Span.FromString(raw).attributes)
        _, start, end = place
        if text := text_in(raw, start, end):
            return text.decode()
        return value_of(AnyValue.FromString(raw[start:end]))

    def of(self, attributes: ProtoMessage) -> Found:
        """Return the value in decoded attributes, of a span or a resource."""
        index = find_attribute(attributes, self.key)
        return MISSING if index < 0 else value_of(attributes[index].value)
