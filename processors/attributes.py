"""Processor `attributes`: changes attributes of spans, log records and metric data points by a list of actions."""

from typing import Self

from pydantic import model_validator

from collector.api import ProcessorFactory, Settings, option, transform
from collector.data import Batch, OpenScope
from collector.processing.actions import ITEM_TAGS, Action, Program, compile_actions
from collector.processing.matching import MatchConfig, Matcher, Test


class Config(MatchConfig):
    """Inserts, updates, deletes, hashes, extracts and converts attributes of spans, log records and data points.

    ```yaml
    actions:
      - {key: user.email, action: hash}
      - {key: credit_card, action: delete}
      - {key: team, value: checkout, action: insert}
    ```
    """

    actions: list[Action] = option([], "What to do, in order; each action sees what those before it did.")

    @model_validator(mode="after")
    def _something_to_do(self) -> Self:
        if not self.actions:
            raise ValueError('missing required field "actions": name at least one')
        return self


class AttributesProcessor:
    """Runs the actions over the items that `include` and `exclude` select."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self._programs = {signal: compile_actions(config.actions, ITEM_TAGS[signal]) for signal in settings.signals}
        self._matchers = {signal: Matcher(config, signal, settings.logger) for signal in settings.signals}

    def __call__(self, batch: Batch) -> Batch:
        """Return the batch with the attributes changed."""
        program = self._programs[batch.signal].bind(batch.client)
        matcher = self._matchers[batch.signal]
        opened = batch.open()
        for resource, scope in opened.scopes():
            selected = matcher.select(resource, scope)
            if selected:
                _edit(scope, program, selected)
        return Batch.of_opened(opened, batch.client)


def _edit(scope: OpenScope, program: Program, selected: Test | bool) -> None:
    originals = scope.originals
    edited = program.rewrite(originals)
    whole = [raw for raw in edited if raw is not None]
    if isinstance(selected, bool) and len(whole) == len(edited):
        if whole != originals:
            scope.replace_all(whole)
        return
    for index, (raw, rewritten) in enumerate(zip(originals, edited, strict=True)):
        if raw is not None and rewritten is raw:
            continue  # the most common case, so it comes before matching, for which an item is decoded
        if not isinstance(selected, bool) and not selected(scope.message(index)):
            continue
        if rewritten is not None:
            scope.replace(index, rewritten)
        elif program.run_item(scope.signal, scope.message(index)):
            scope.touch(index)


FACTORY = ProcessorFactory(type="attributes", config=Config, create=transform(AttributesProcessor))
