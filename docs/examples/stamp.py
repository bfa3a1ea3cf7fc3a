"""Processor `stamp`: puts an attribute on every resource."""

from collector.api import ComponentConfig, ProcessorFactory, Settings, Transform, option, transform
from collector.data import Batch, set_attribute


class Config(ComponentConfig):
    """Puts an attribute on every resource."""

    key: str = option(..., "the attribute")
    value: str = option(..., "its value")


def build(config: Config, settings: Settings) -> Transform:
    """Return the function that stamps a batch."""

    def stamp(batch: Batch) -> Batch:
        opened = batch.open()
        for resource in opened.resources:
            set_attribute(resource.resource.attributes, config.key, config.value)
            resource.touch()
        return Batch.of_opened(opened, batch.client)

    return stamp


FACTORY = ProcessorFactory(type="stamp", config=Config, create=transform(build))
