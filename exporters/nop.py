"""Exporter `nop`: takes everything and does nothing."""

from collector.api import ComponentConfig, ExporterFactory, Idle, Settings
from collector.data import Batch


class Config(ComponentConfig):
    """Takes everything and does nothing; for measuring what stands before it."""


class NopExporter(Idle):
    """Forgets each batch."""

    async def push(self, batch: Batch) -> None:
        """Do nothing."""


def create(config: Config, settings: Settings) -> NopExporter:  # noqa: ARG001 - the contract's arguments
    """Build the exporter."""
    return NopExporter()


FACTORY = ExporterFactory(type="nop", config=Config, create=create)
