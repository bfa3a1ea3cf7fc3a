"""Processor `resource`: changes attributes of resources by a list of actions."""

import functools
from typing import Self

from pydantic import model_validator

from collector.api import ComponentConfig, ProcessorFactory, Settings, option, transform
from collector.data import Batch
from collector.data.messages import Resource
from collector.processing.actions import RESOURCE_TAG, Action, Program, compile_actions

# Resources that are remembered with their edited form. A sender's resource is the same in every request.
_REMEMBERED = 1024
_LARGEST_REMEMBERED = 8192  # bytes


class Config(ComponentConfig):
    """Inserts, updates, deletes, hashes, extracts and converts attributes of resources.

    ```yaml
    attributes:
      - {key: deployment.environment.name, value: production, action: upsert}
    ```
    """

    attributes: list[Action] = option([], "What to do, in order; each action sees what those before it did.")

    @model_validator(mode="after")
    def _something_to_do(self) -> Self:
        if not self.attributes:
            raise ValueError('missing required field "attributes": name at least one action')
        return self


class ResourceProcessor:
    """Runs the actions over each resource."""

    def __init__(self, config: Config, settings: Settings) -> None:  # noqa: ARG002 - the contract's arguments
        self._program = compile_actions(config.attributes, RESOURCE_TAG)
        self._remembered: dict[bytes, bytes] = {}

    def __call__(self, batch: Batch) -> Batch:
        """Return the batch with the resources changed."""
        program = self._program.bind(batch.client)
        edit = self._recall if program is self._program else functools.partial(_edit, program)
        opened = batch.open()
        for resource in opened.resources:
            raw = resource.raw
            edited = edit(raw)
            if edited != raw:
                resource.replace(edited)
        return Batch.of_opened(opened, batch.client)

    def _recall(self, raw: bytes) -> bytes:
        edited = self._remembered.get(raw)
        if edited is None:
            edited = _edit(self._program, raw)
            if len(raw) <= _LARGEST_REMEMBERED:
                if len(self._remembered) >= _REMEMBERED:
                    self._remembered.clear()
                self._remembered[raw] = edited
        return edited


def _edit(program: Program, raw: bytes) -> bytes:
    """Return a serialized resource with the attributes changed, or the very `raw` where nothing changed."""
    [rewritten] = program.rewrite([raw])
    if rewritten is not None:
        return rewritten
    resource = Resource.FromString(raw)
    edited: bytes = resource.SerializeToString() if program.run(resource.attributes) else raw
    return edited


FACTORY = ProcessorFactory(type="resource", config=Config, create=transform(ResourceProcessor))
