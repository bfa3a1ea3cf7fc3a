r"""Processor `span_name`: makes templates of span names with ids in them, and bounds how many names a service has.

A name goes through three steps: the `rules`, in their order; the templates of `collector.processing.templates`; and
the guard, which lets at most `max_names` different names of a service through in a window and calls the rest
`other_name`.
"""

import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Self, TypeAlias

import re2
from pydantic import field_validator, model_validator

from collector.api import Clock, ComponentConfig, Duration, ProcessorFactory, Settings, option, transform
from collector.data import Batch, OpenScope, Signal, get_attribute, set_attribute
from collector.data.messages import ProtoMessage
from collector.processing.patterns import Pattern
from collector.processing.remembering import LONGEST, remembering
from collector.processing.templates import template

ORIGINAL_NAME = "span_name.original"

_CACHED_NAMES = 8192
# Services whose names are counted at the same time; the one heard of longest ago makes room.
_MAX_SERVICES = 1000
# \1 or \g<name>, in what takes the place of a match.
_REFERENCE = re.compile(r"\\(?:([0-9])|g<(\w+)>)")

_Word: TypeAlias = str | int


class Rule(ComponentConfig):
    """A rewriting of names, before templates are made."""

    pattern: str = option(..., "RE2 regular expression; every match in the name is replaced.")
    replace: str = option(..., r"What takes the place of a match; \1 or \g<name> is the text of a group.")

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        Pattern(pattern)  # tells what is wrong with it
        return pattern

    @model_validator(mode="after")
    def _refers_to_groups(self) -> Self:
        pattern = re2.compile(self.pattern)
        for number, name in _REFERENCE.findall(self.replace):
            if name not in pattern.groupindex if name else int(number) > pattern.groups:
                raise ValueError(f"replace has \\{number or f'g<{name}>'}, but {self.pattern!r} has no such group")
        return self

    def rewriting(self) -> Callable[[str], str]:
        """Return the function from a name to the name rewritten; it takes linear time."""
        pattern = re2.compile(self.pattern)

        def text_of(match: Any) -> str:
            return _REFERENCE.sub(lambda group: match[group[2] or int(group[1])] or "", self.replace)

        return lambda name: pattern.sub(text_of, name)


class Config(ComponentConfig):
    """Turns span names with ids in them into templates and bounds how many names a service has.

    ```yaml
    rules:
      - {pattern: '^GET /shop/[a-z]+', replace: 'GET /shop/{product}'}
    max_names: 500
    ```
    """

    rules: list[Rule] = option([], "Your own rewritings, applied in this order before templates are made.")
    templates: bool = option(
        True, "Replace numbers, UUIDs, hashes, random ids, dates, emails and IP addresses by placeholders."
    )
    max_names: int = option(1000, "Different names that a service may have in a window; 0 for no cap.", ge=0)
    window: Duration = option(3600.0, "The time after which the names of every service are counted anew.", gt=0)
    other_name: str = option("{other}", "The name of spans whose own would be one too many.", min_length=1)
    keep_original: bool = option(False, f"Keep a name that was replaced in the attribute `{ORIGINAL_NAME}`.")
    services: list[str] = option([], "The `service.name` values of spans to rename; empty for all.")
    exclude_services: list[str] = option([], "The `service.name` values of spans to leave alone.")


class SpanName:
    """Renames spans."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self._config = config
        self._steps = [rule.rewriting() for rule in config.rules] + [template] * config.templates
        self._guard = NameGuard(config.max_names, config.window, settings.clock)
        self._new_name = remembering(self._name, _CACHED_NAMES)
        counter = settings.telemetry.counter
        self._renamed = counter("otelcol_processor_span_name_renamed_spans", "Spans that were given another name.")
        self._collapsed = counter(
            "otelcol_processor_span_name_collapsed_spans", "Spans whose name was one too many for their service."
        )

    def __call__(self, batch: Batch) -> Batch:
        """Return the batch with its spans renamed."""
        opened = batch.open()
        for resource in opened.resources:
            service = str(get_attribute(resource.resource.attributes, "service.name") or "")
            if self._covers(service):
                names = self._guard.names_of(service)
                for scope in resource.scopes:
                    self._rename_spans(scope, names)
        return Batch.of_opened(opened, batch.client)

    def _covers(self, service: str) -> bool:
        config = self._config
        return (not config.services or service in config.services) and service not in config.exclude_services

    def _rename_spans(self, scope: OpenScope, names: set[_Word]) -> None:
        renamed = collapsed = 0
        for index in range(len(scope)):
            span = scope.message(index)
            old = span.name
            new = self._new_name(old)
            if not self._guard.admits(names, new):
                new = self._config.other_name
                collapsed += 1
            if new != old:
                self._rename(span, new)
                scope.touch(index)
                renamed += 1
        self._renamed.add(renamed)
        self._collapsed.add(collapsed)

    def _rename(self, span: ProtoMessage, name: str) -> None:
        if self._config.keep_original:
            set_attribute(span.attributes, ORIGINAL_NAME, span.name)
        span.name = name

    def _name(self, name: str) -> str:
        for step in self._steps:
            name = step(name)
        return name


class NameGuard:
    """Knows the names that each service has had in this window, `max_names` at most (0: any number)."""

    def __init__(self, max_names: int, window: float, clock: Clock) -> None:
        self._max_names = max_names
        self._window = window
        self._clock = clock
        self._window_ends = clock.monotonic() + window
        self._names: OrderedDict[_Word, set[_Word]] = OrderedDict()

    def names_of(self, service: str) -> set[_Word]:
        """Return the names of a service, to ask `admits` with."""
        now = self._clock.monotonic()
        if now >= self._window_ends:
            self._window_ends = now + self._window
            self._names.clear()
        word = _word(service)
        names = self._names.setdefault(word, set())
        self._names.move_to_end(word)
        if len(self._names) > _MAX_SERVICES:
            self._names.popitem(last=False)
        return names

    def admits(self, names: set[_Word], name: str) -> bool:
        """Return whether a service with these names may use this one, which is among them from then on."""
        if not self._max_names or (word := _word(name)) in names:
            return True
        if len(names) >= self._max_names:
            return False
        names.add(word)
        return True


def _word(text: str) -> _Word:
    """Return what is kept of a text to know it again: itself, or where a sender made it long, its hash."""
    return text if len(text) <= LONGEST else hash(text)


FACTORY = ProcessorFactory(
    type="span_name", config=Config, signals=frozenset({Signal.TRACES}), create=transform(SpanName)
)
