"""Processor `attributes`: changes attributes of spans, log records and metric data points by a list of actions."""

from typing import Self

from pydantic import model_validator

from collector.api import ProcessorFactory, Settings, option, transform
from collector.data import Batch, OpenScope
from collector.processing.actions import ITEM_TAGS, Action, Program, compile_actions
from collector.processing.matching import MatchConfig, Matcher, Test


class Config(MatchConfig):
    """Inserts, updates, deletes, hashes, extracts and converts attributes of spans, log records and data points."""

    actions: list[Action] = option([], "what to do, in order; each action sees what those before it did")

    @model_validator(mode="after")
    def _something_to_do(self) -> Self:
        if not self.actions:
            raise ValueError('missing required field "actions": name at least one')
        return self


class AttributesProcessor:
    """Runs the actions over the items that `include` and `exclude` select."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self._program = compile_actions(config.actions)
        self._matchers = {signal: Matcher(config, signal, settings.logger) for signal in settings.signals}

    def __call__(self, batch: Batch) -> Batch:
        """Return the batch with the attributes changed."""
        program = self._program.bind(batch.client)
        matcher = self._matchers[batch.signal]
        opened = batch.open()
        for resource, scope in opened.scopes():
            selected = matcher.select(resource, scope)
            if selected:
                _edit(scope, program, selected)
        return Batch.of_opened(opened, batch.client)


def _edit(scope: OpenScope, program: Program, selected: Test | bool) -> None:
    tag = ITEM_TAGS[scope.signal]
    for index in range(len(scope)):
        raw = scope.original(index)
        appended = None if raw is None else program.append(raw, tag)
        if raw is not None and appended is raw:
            continue  # the most common case, so it comes before matching, for which an item is decoded
        if not isinstance(selected, bool) and not selected(scope.message(index)):
            continue
        if appended is not None:
            scope.replace(index, appended)
        elif program.run_item(scope.signal, scope.message(index)):
            scope.touch(index)


FACTORY = ProcessorFactory(type="attributes", config=Config, create=transform(AttributesProcessor))
