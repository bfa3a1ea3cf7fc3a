"""Policies on an attribute of resources and spans.

As in the collector written in Go, an attribute of another type than the policy looks for counts as that type's zero:
0, false or an empty text. Only spans are looked at in which the bytes of the key occur, and of a text that must be its
value; and of those only the attribute is decoded.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from collector.data.attributes import find_attribute
from collector.data.messages import AnyValue, ProtoMessage, Span
from collector.data.wire import Place, WireKey, field_tag
from collector.processing.patterns import Pattern, PatternSet
from collector.sampling.origin import Origin
from collector.sampling.trace import Trace
from processors.tail_sampling.policy_options import (
    BooleanAttributeConfig,
    NumericAttributeConfig,
    StringAttributeConfig,
)

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_DEFAULT_CACHE_ENTRIES = 128
_REMEMBERED_ORIGINS = 1024
# With more texts to search for, looking at the attribute is sooner done.
_MOST_NEEDLES = 8

# Whether an `AnyValue` is what a policy looks for.
Test: TypeAlias = Callable[[ProtoMessage], bool]


class HasAttribute:
    """Matches the traces in which an attribute of a resource or span passes a test.

    `texts`, where they are given, are those of which one must be the attribute's value to pass.
    """

    def __init__(
        self, key: str, in_span: Test, in_resource: Test | None = None, texts: frozenset[str] | None = None
    ) -> None:
        self._key = key
        self._key_bytes = key.encode()
        self._needles = None if texts is None or len(texts) > _MOST_NEEDLES else [text.encode() for text in texts]
        self._in_span = in_span
        self._in_resource = in_resource or in_span
        self._wire = WireKey(key, field_tag(Span, "attributes")) if key else None
        # Resources repeat in every trace.
        self._resource_matches = lru_cache(_REMEMBERED_ORIGINS)(self._examine_resource)

    def __call__(self, trace: Trace) -> bool:
        """Return whether a trace matches."""
        return any(map(self._origin_matches, trace.distinct_origins)) or self._spans_match(trace.raws)

    def _origin_matches(self, origin: Origin) -> bool:
        return self._key_bytes in origin.resource_head and self._resource_matches(origin)

    def _examine_resource(self, origin: Origin) -> bool:
        attributes = origin.resource.attributes
        index = find_attribute(attributes, self._key)
        return index >= 0 and self._in_resource(attributes[index].value)

    def _spans_match(self, raws: list[bytes]) -> bool:
        key, needles = self._key_bytes, self._needles
        raws = [raw for raw in raws if key in raw]
        if needles is not None:
            raws = [raw for raw in raws if any(needle in raw for needle in needles)]
        if not raws:
            return False
        places: list[Place | None] = [None] * len(raws) if self._wire is None else self._wire.locate(raws)
        return any(map(self._span_matches, raws, places))

    def _span_matches(self, raw: bytes, place: Place | None) -> bool:
        if place is not None:
            _, start, end = place
            return start >= 0 and self._in_span(AnyValue.FromString(raw[start:end]))
        attributes = Span.FromString(raw).attributes
        index = find_attribute(attributes, self._key)
        return index >= 0 and self._in_span(attributes[index].value)


def numeric_attribute(config: NumericAttributeConfig) -> Callable[[Trace], bool]:
    """Match by a whole number; a bound of 0 is none."""
    lowest, highest = config.min_value or _INT64_MIN, config.max_value or _INT64_MAX
    return _maybe_inverted(
        HasAttribute(config.key, lambda value: lowest <= value.int_value <= highest), config.invert_match
    )


def boolean_attribute(config: BooleanAttributeConfig) -> Callable[[Trace], bool]:
    """Match by a truth value."""
    wanted = config.value
    return _maybe_inverted(HasAttribute(config.key, lambda value: value.bool_value is wanted), config.invert_match)


def string_attribute(config: StringAttributeConfig) -> Callable[[Trace], bool]:
    """Match by a text: one of several, or one that a pattern matches."""
    if not config.enabled_regex_matching:
        texts = frozenset(config.values) - {""}
        return _maybe_inverted(
            HasAttribute(config.key, lambda value: value.string_value in texts, texts=texts), config.invert_match
        )
    size = config.cache_max_size if config.cache_max_size > 0 else _DEFAULT_CACHE_ENTRIES
    fits = PatternSet(map(Pattern, dict.fromkeys(config.values)), size).matches

    # An empty text counts in a resource only, where a pattern may match it.
    def in_span(value: ProtoMessage) -> bool:
        return bool(value.string_value) and fits(value.string_value)

    return _maybe_inverted(
        HasAttribute(config.key, in_span, lambda value: fits(value.string_value)), config.invert_match
    )


def _maybe_inverted(matches: Callable[[Trace], bool], invert: bool) -> Callable[[Trace], bool]:
    return (lambda trace: not matches(trace)) if invert else matches
