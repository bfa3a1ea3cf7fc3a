"""Which spans, log records and metrics a processor touches: `include` and `exclude` of the OpenTelemetry Collector.

What depends on the resource and the scope is decided once a scope, so that most items are never decoded to be matched.
"""

from collections.abc import Callable, Iterable
from typing import Any, Literal, Self, TypeAlias

import structlog
from pydantic import model_validator

from collector.api import ComponentConfig, StartError, option
from collector.data import AttributeValue, OpenResource, OpenScope, Signal, find_attribute, value_of
from collector.data.messages import ProtoMessage, Span
from collector.processing.patterns import Pattern, PatternSet, cache_size
from collector.processing.values import as_text, format_double

# A test of a decoded item, and the parts that it is made of.
Test: TypeAlias = Callable[[ProtoMessage], bool]
_TextTest: TypeAlias = Callable[[str], bool]

_KINDS = tuple(f"SPAN_KIND_{kind}" for kind in ("CLIENT", "CONSUMER", "INTERNAL", "PRODUCER", "SERVER"))
_NO_SERVICE = "<nil-service-name>"

_EVERYWHERE = ("libraries", "resources")
_FIELDS = {
    Signal.TRACES: ("services", "span_names", "span_kinds", "attributes", *_EVERYWHERE),
    Signal.LOGS: ("log_bodies", "log_severity_texts", "log_severity_number", "attributes", *_EVERYWHERE),
    Signal.METRICS: ("metric_names", "services", *_EVERYWHERE),
}
_ITEMS = {Signal.TRACES: "trace spans", Signal.LOGS: "log records", Signal.METRICS: "metrics"}
# The fields of the other signals that the Go collector refuses; it passes over the rest.
_REFUSED = {
    Signal.TRACES: ("log_bodies", "log_severity_texts", "log_severity_number"),
    Signal.LOGS: ("services", "span_names", "span_kinds"),
    Signal.METRICS: (),
}


class RegexpConfig(ComponentConfig):
    """How match results of patterns are remembered."""

    cacheenabled: bool = option(False, "Remember the results of pattern matches.")
    cachemaxnumentries: int = option(0, "How many results to remember; 0 for 10000.", ge=0)


class AttributeMatch(ComponentConfig):
    """An attribute that must be there."""

    key: str = option(..., "Key of the attribute.", min_length=1)
    value: Any = option(None, "Value that it must have; any value where this is left out.")


class LibraryMatch(ComponentConfig):
    """An instrumentation scope."""

    name: str = option(..., "Name of the instrumentation scope.")
    version: str | None = option(None, "Version of the scope; any version where this is left out.")


class SeverityMatch(ComponentConfig):
    """A range of log severities."""

    min: int = option(0, "Lowest severity number that matches, from 1 (TRACE) to 24 (FATAL4).")
    match_undefined: bool = option(False, "Match log records without a severity number.")


class MatchProperties(ComponentConfig):
    """What must hold for an item to match; all the fields that are given, and in each list one member."""

    match_type: Literal["strict", "regexp"] = option(..., "Compare texts as they are, or by RE2 patterns.")
    regexp: RegexpConfig | None = option(None, "Cache of pattern matches, for `match_type: regexp`.")
    services: list[str] = option([], "Values of the resource attribute `service.name`.")
    span_names: list[str] = option([], "Names of spans.")
    span_kinds: list[str] = option([], "Kinds of spans, such as `SPAN_KIND_SERVER`.")
    log_bodies: list[str] = option([], "Texts of log bodies.")
    log_severity_texts: list[str] = option([], "Severity texts of log records.")
    log_severity_number: SeverityMatch | None = option(None, "Severity numbers of log records.")
    metric_names: list[str] = option([], "Names of metrics.")
    attributes: list[AttributeMatch] = option([], "Attributes of the span or log record, all of which must match.")
    resources: list[AttributeMatch] = option([], "Attributes of the resource, all of which must match.")
    libraries: list[LibraryMatch] = option([], "Instrumentation scopes, one of which must match.")

    @model_validator(mode="after")
    def _matchable(self) -> Self:
        if self.match_type == "strict":
            if unknown := [kind for kind in self.span_kinds if kind not in _KINDS]:
                raise ValueError(
                    f'span_kinds: "{unknown[0]}" is none of the standard span kinds '
                    f"that match_type strict takes: {', '.join(_KINDS)}"
                )
            return self
        for attribute in (*self.attributes, *self.resources):
            if not isinstance(attribute.value, str | None):
                raise ValueError(  # noqa: TRY004 - pydantic wants a ValueError
                    f'match_type regexp needs a text as the value of "{attribute.key}": put it in quotes'
                )
        for text in self._patterns():
            Pattern(text)
        return self

    def _patterns(self) -> Iterable[str]:
        yield from (*self.services, *self.span_names, *self.span_kinds, *self.log_bodies, *self.log_severity_texts)
        yield from self.metric_names
        yield from (match.value for match in (*self.attributes, *self.resources) if match.value is not None)
        yield from (library.name for library in self.libraries)
        yield from (library.version for library in self.libraries if library.version is not None)

    def check(self, signal: Signal, logger: structlog.typing.FilteringBoundLogger) -> bool:
        """Return whether anything here selects among the items of a signal.

        Raises:
            StartError: a field is for another signal, or none of those for this one is given.

        """
        given = {
            name for name in type(self).model_fields if name not in ("match_type", "regexp") and getattr(self, name)
        }
        for name in _REFUSED[signal]:
            if name in given:
                raise StartError(f"{name} should not be specified for {_ITEMS[signal]}: remove it")
        if ignored := sorted(given.difference(_FIELDS[signal])):
            logger.warning(
                "include and exclude fields of other signals are ignored", signal=signal.value, fields=ignored
            )
        useful = not given.isdisjoint(_FIELDS[signal])
        if not useful and signal is not Signal.METRICS:
            raise StartError(f"at least one of {', '.join(_FIELDS[signal])} must be specified for {_ITEMS[signal]}")
        return useful


class MatchConfig(ComponentConfig):
    """Which items a processor touches, and which it leaves alone."""

    include: MatchProperties | None = option(None, "Touch only what matches this; checked before `exclude`.")
    exclude: MatchProperties | None = option(None, "Leave alone what matches this.")


class Matcher:
    """Decides for the items of one signal whether a processor touches them.

    Raises:
        StartError: a block has a field of another signal, or none of this one.

    """

    def __init__(self, config: MatchConfig, signal: Signal, logger: structlog.typing.FilteringBoundLogger) -> None:
        self._include, self._exclude = (
            _Block(properties, signal) if properties is not None and properties.check(signal, logger) else None
            for properties in (config.include, config.exclude)
        )

    def select(self, resource: OpenResource, scope: OpenScope) -> Test | bool:
        """Return whether a scope's items are selected: all, none, or those for which the returned test holds."""
        include = True if self._include is None else self._include.narrow(resource, scope)
        exclude = False if self._exclude is None else self._exclude.narrow(resource, scope)
        if include is False or exclude is True:
            return False
        if include is True and exclude is False:
            return True
        return lambda item: _holds(include, item) and not _holds(exclude, item)


def _holds(test: Test | bool, item: ProtoMessage) -> bool:
    return test if isinstance(test, bool) else test(item)


class _Block:
    """A compiled `include` or `exclude`."""

    def __init__(self, properties: MatchProperties, signal: Signal) -> None:
        self._services = _texts(properties, properties.services) if properties.services else None
        self._resources = _attribute_tests(properties, properties.resources)
        self._libraries = [_library_test(properties, library) for library in properties.libraries]
        self._item_tests = list(_item_tests(properties, signal))

    def narrow(self, resource: OpenResource, scope: OpenScope) -> Test | bool:
        """Return whether a scope's items match: all, none, or those for which the returned test holds."""
        if self._services is not None or self._resources:
            attributes = resource.resource.attributes
            if self._services is not None and not self._services(_service_name(attributes)):
                return False
            if not all(test(attributes) for test in self._resources):
                return False
        if self._libraries:
            library = scope.scope
            if not any(test(library) for test in self._libraries):
                return False
        return self._matches_item if self._item_tests else True

    def _matches_item(self, item: ProtoMessage) -> bool:
        return all(test(item) for test in self._item_tests)


def _item_tests(properties: MatchProperties, signal: Signal) -> Iterable[Test]:
    """Yield the tests of one item that a block asks for, cheap ones first."""
    match signal:
        case Signal.TRACES:
            if properties.span_names:
                names = _texts(properties, properties.span_names)
                yield lambda span: names(span.name)
            if properties.span_kinds:
                kinds = _texts(properties, properties.span_kinds)
                yield lambda span: kinds(_kind_name(span.kind))
        case Signal.LOGS:
            yield from _log_tests(properties)
        case Signal.METRICS:
            if properties.metric_names:
                metric_names = _texts(properties, properties.metric_names)
                yield lambda metric: metric_names(metric.name)
    if signal is not Signal.METRICS and properties.attributes:
        attributes = _attribute_tests(properties, properties.attributes)
        yield lambda item: all(test(item.attributes) for test in attributes)


def _log_tests(properties: MatchProperties) -> Iterable[Test]:
    severity = properties.log_severity_number
    if severity is not None:
        lowest, undefined = severity.min, severity.match_undefined
        yield lambda record: record.severity_number >= lowest if record.severity_number else undefined
    if properties.log_severity_texts:
        severity_texts = _texts(properties, properties.log_severity_texts)
        yield lambda record: severity_texts(record.severity_text)
    if properties.log_bodies:
        bodies = _texts(properties, properties.log_bodies)
        yield lambda record: bodies(as_text(value_of(record.body)))


def _texts(properties: MatchProperties, texts: Iterable[str]) -> _TextTest:
    """Return a test of whether a text is, or matches, one of several."""
    if properties.match_type == "strict":
        return frozenset(texts).__contains__
    cache = properties.regexp or RegexpConfig()
    entries = cache_size(cache.cacheenabled, cache.cachemaxnumentries)
    return PatternSet((Pattern(text) for text in texts), entries).matches


def _attribute_tests(properties: MatchProperties, expected: Iterable[AttributeMatch]) -> list[Test]:
    return [_attribute_test(properties, attribute) for attribute in expected]


def _attribute_test(properties: MatchProperties, expected: AttributeMatch) -> Test:
    """Return a test of a list of attributes."""
    matches: Callable[[AttributeValue], bool]
    if expected.value is None:
        return lambda attributes: find_attribute(attributes, expected.key) >= 0
    if properties.match_type == "regexp":
        texts = _texts(properties, [expected.value])
        matches = lambda value: (text := _comparable(value)) is not None and texts(text)  # noqa: E731
    else:
        matches = lambda value: type(value) is type(expected.value) and value == expected.value  # noqa: E731

    def test(attributes: ProtoMessage) -> bool:
        index = find_attribute(attributes, expected.key)
        return index >= 0 and matches(value_of(attributes[index].value))

    return test


def _library_test(properties: MatchProperties, expected: LibraryMatch) -> Test:
    names = _texts(properties, [expected.name])
    if expected.version is None:
        return lambda library: names(library.name)
    versions = _texts(properties, [expected.version])
    return lambda library: names(library.name) and versions(library.version)


def _comparable(value: AttributeValue) -> str | None:
    """Return the text of a scalar that patterns are matched against, or None for what they never match."""
    match value:
        case float():
            return format_double(value, positional=True)
        case str() | bool() | int():
            return as_text(value)
    return None


def _service_name(attributes: ProtoMessage) -> str:
    index = find_attribute(attributes, "service.name")
    return _NO_SERVICE if index < 0 else as_text(value_of(attributes[index].value))


def _kind_name(kind: int) -> str:
    by_number = Span.SpanKind.DESCRIPTOR.values_by_number
    return str(by_number[kind].name) if kind in by_number else ""
