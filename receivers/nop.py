"""Receiver `nop`: receives nothing."""

from collector.api import ComponentConfig, Consumer, Idle, ReceiverFactory, Settings


class Config(ComponentConfig):
    """Receives nothing; stands in where a pipeline needs a receiver."""


class NopReceiver(Idle):
    """Never hands on a batch."""


def create(config: Config, settings: Settings, next_consumer: Consumer) -> NopReceiver:  # noqa: ARG001 - the contract's arguments
    """Build the receiver."""
    return NopReceiver()


FACTORY = ReceiverFactory(type="nop", config=Config, create=create)
