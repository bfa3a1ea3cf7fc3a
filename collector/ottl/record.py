"""What a condition looks at."""

from typing import Protocol

from collector.data.messages import ProtoMessage


class Source(Protocol):
    """Where telemetry comes from: `collector.sampling.origin.Origin` is one."""

    @property
    def resource(self) -> ProtoMessage:
        """The `Resource` message."""

    @property
    def scope(self) -> ProtoMessage:
        """The `InstrumentationScope` message."""

    @property
    def resource_schema_url(self) -> str:
        """The schema address that stands beside the resource."""

    @property
    def scope_schema_url(self) -> str:
        """The schema address that stands beside the scope."""


class Record:
    """An item (span, log record), its source, and the span event where the condition is about one.

    What a condition does not ask for is never touched, so a source may decode late.
    """

    __slots__ = ("event", "event_index", "item", "source")

    def __init__(
        self, source: Source, item: ProtoMessage = None, event: ProtoMessage = None, event_index: int = 0
    ) -> None:
        self.source = source
        self.item = item
        self.event = event
        self.event_index = event_index
