"""Connector `forward`: joins pipelines of one signal."""

from collector.api import ComponentConfig, ConnectorFactory, Consumer, Idle, Settings
from collector.data import Batch


class Config(ComponentConfig):
    """Hands what one pipeline ends with to the pipelines that begin with it, unchanged."""


class ForwardConnector(Idle):
    """Passes each batch on."""

    def __init__(self, next_consumer: Consumer) -> None:
        self._next = next_consumer

    async def consume(self, batch: Batch) -> None:
        """Pass a batch on."""
        await self._next.consume(batch)


def create(config: Config, settings: Settings, next_consumer: Consumer) -> ForwardConnector:  # noqa: ARG001 - the contract's arguments
    """Build the connector."""
    return ForwardConnector(next_consumer)


FACTORY = ConnectorFactory(type="forward", config=Config, create=create)
