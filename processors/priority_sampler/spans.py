"""Choosing among spans: each condition of a span, as a function from spans of a group to those that meet it.

What a condition asks for is read where that is cheapest: a resource once for all of its spans, names and times from
digests, attributes from the bytes of the spans that mention the key.
"""

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any, TypeAlias

from collector.data import get_attribute
from collector.data.messages import ProtoMessage
from collector.processing.values import as_text
from collector.sampling.origin import Origin
from processors.priority_sampler.attribute import MISSING, SpanAttribute
from processors.priority_sampler.conditions import KINDS, STATUSES, Attribute, SpanConditions, ValueTest
from processors.priority_sampler.group import Group
from processors.priority_sampler.values import duration_test, text_test, value_test

Indices: TypeAlias = Sequence[int]
Choice: TypeAlias = Callable[[Group, Indices], Indices]

_SAMPLED = 1
_MOST_ORIGINS = 10_000


def choices(wanted: SpanConditions) -> Iterator[Choice]:
    """Yield a function for each condition, those that cost least first."""
    if wanted.service is not None:
        service = text_test(wanted.service)
        yield _by_resource(lambda resource: service(as_text(get_attribute(resource.attributes, "service.name"))))
    if wanted.status is not None:
        yield _by_field("status.code", status_codes(wanted.status).__contains__)
    if wanted.kind is not None:
        yield _by_field("kind", _numbers(KINDS, wanted.kind).__contains__)
    if wanted.duration is not None:
        yield _by_duration(duration_test(wanted.duration))
    if wanted.name is not None:
        yield _by_field("name", text_test(wanted.name))
    if wanted.sampled is not None:
        yield _by_field("flags", _is_sampled if wanted.sampled else _is_left_out)
    for key, value in wanted.attributes.items():
        yield _by_attribute(key, value)


def status_codes(wanted: str | Sequence[str]) -> frozenset[int]:
    """Return OTLP's numbers of statuses."""
    return _numbers(STATUSES, wanted)


def _is_sampled(flags: int) -> bool:
    """Return whether W3C's sampled flag is set."""
    return bool(flags & _SAMPLED)


def _is_left_out(flags: int) -> bool:
    """Return whether W3C's sampled flag says no; flags that are all 0 may not have been filled in."""
    return bool(flags) and not _is_sampled(flags)


def _by_field(field: str, holds: Callable[[Any], bool]) -> Choice:
    read = attrgetter(field)

    def choose(group: Group, indices: Indices) -> Indices:
        values = map(read, group.digests(indices))
        return [index for index, value in zip(indices, values, strict=True) if holds(value)]

    return choose


def _by_duration(holds: Callable[[int], bool]) -> Choice:
    def choose(group: Group, indices: Indices) -> Indices:
        return [
            index
            for index, span in zip(indices, group.digests(indices), strict=True)
            if holds(span.end_time_unix_nano - span.start_time_unix_nano)
        ]

    return choose


def _by_resource(holds: Callable[[ProtoMessage], bool]) -> Choice:
    known = _Resources(holds)

    def choose(group: Group, indices: Indices) -> Indices:
        chosen = {origin for origin in group.distinct_origins if known[origin]}
        if not chosen:
            return ()
        origins = group.origins
        return [index for index in indices if origins[index] in chosen]

    return choose


def _by_attribute(key: str, wanted: Attribute) -> Choice:
    attribute, holds = SpanAttribute(key), value_test(wanted)
    absence_holds = isinstance(wanted, ValueTest) and wanted.exists is False

    def holds_of_resource(resource: ProtoMessage) -> bool:
        value = attribute.of(resource.attributes)
        return absence_holds if value is MISSING else holds(value)

    known, by_resource = _Resources(holds_of_resource), _by_resource(holds_of_resource)
    needle = key.encode()

    def choose(group: Group, indices: Indices) -> Indices:
        if not group.mentions(needle):
            return by_resource(group, indices)
        raws, origins = group.raws, group.origins
        values = attribute.read([raws[index] for index in indices])
        return [
            index
            for index, value in zip(indices, values, strict=True)
            if (known[origins[index]] if value is MISSING else holds(value))
        ]

    return choose


class _Resources(dict[Origin, bool]):
    """Whether a condition holds of resources, each of which is looked at once. Forgets all where there are many."""

    def __init__(self, holds: Callable[[ProtoMessage], bool]) -> None:
        super().__init__()
        self._holds = holds

    def __missing__(self, origin: Origin) -> bool:
        if len(self) >= _MOST_ORIGINS:
            self.clear()
        held = self[origin] = self._holds(origin.resource)
        return held


def _numbers(words: Sequence[str], wanted: str | Sequence[str]) -> frozenset[int]:
    """Return the numbers of an enumeration's words."""
    return frozenset(words.index(word) for word in ([wanted] if isinstance(wanted, str) else wanted))
