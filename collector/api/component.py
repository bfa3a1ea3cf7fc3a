"""The contract between a component and the runtime."""

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

import structlog

from collector.api.clock import Clock
from collector.api.telemetry import Telemetry
from collector.data import ALL_SIGNALS, Batch, Signal


class Kind(enum.Enum):
    """What a component is; the value is its section in a configuration file, less the plural s."""

    RECEIVER = "receiver"
    PROCESSOR = "processor"
    EXPORTER = "exporter"
    CONNECTOR = "connector"
    EXTENSION = "extension"

    @property
    def section(self) -> str:
        """The section of the configuration file: `receivers` for a receiver."""
        return f"{self.value}s"


_TYPE = re.compile(r"[a-zA-Z][0-9a-zA-Z_]{0,62}")


@dataclass(frozen=True, slots=True, order=True)
class ComponentId:
    """`type` or `type/name`, as configuration files write it."""

    type: str
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the id that a text spells.

        Raises:
            ValueError: the text is not `type` or `type/name`.

        """
        kind, slash, name = text.partition("/")
        kind, name = kind.strip(), name.strip()
        if not kind:
            raise ValueError(f'"{text}" is not a component id: the part before / should not be empty')
        if slash and not name:
            raise ValueError(f'"{text}" is not a component id: the part after / should not be empty')
        if not _TYPE.fullmatch(kind):
            raise ValueError(
                f'"{text}" is not a component id: a type has letters, digits and _ and starts with a letter'
            )
        return cls(kind, name)

    def __str__(self) -> str:
        return f"{self.type}/{self.name}" if self.name else self.type


class Host(Protocol):
    """What a started component may ask of the runtime."""

    def extension(self, component_id: ComponentId) -> "Component | None":
        """Return a running extension, or None where the configuration does not start one of that id."""

    def fail(self, component_id: ComponentId, error: BaseException) -> None:
        """Stop the collector with an error: a component cannot go on and no caller is there to be told."""

    def ready(self) -> bool:
        """Return whether every component has started and none is shutting down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the runtime hands to a component when it builds one.

    `signals` are those of the pipelines that use the component: a receiver serves no others. `directory` is that of
    the configuration file which declares the component: user code named in it is found from there. `instance` tells apart the instances of one
    processor in several pipelines; it is the pipeline's id, empty elsewhere.
    """

    id: ComponentId
    logger: structlog.typing.FilteringBoundLogger
    telemetry: Telemetry
    clock: Clock
    signals: frozenset[Signal] = ALL_SIGNALS
    directory: Path = Path()
    instance: str = ""


class Component(Protocol):
    """Something with a life.

    1. `start` is called once, before any data; sinks start before sources. It raises `StartError` with a message that
       says what to change. It must not wait for data.
    2. `shutdown` may be called twice, and without `start`. When it returns, nothing of the component runs: no task,
       socket or file is left, and what it held was handed on or counted as dropped.
    """

    async def start(self, host: Host) -> None:
        """Begin to work."""

    async def shutdown(self) -> None:
        """Drain, then end."""


class Consumer(Protocol):
    """Something that takes batches."""

    async def consume(self, batch: Batch) -> None:
        """Take a batch; on return the caller need not keep it.

        Raises:
            PermanentError: the batch will never be taken.
            RetryableError: the batch may be taken later.
            PartialError: a part will never be taken, the rest was.

        """


class Admitting(Protocol):
    """A consumer that can say no before a batch exists.

    A receiver asks `getattr(next_consumer, "admit", None)` before it reads a request's body, so that load which cannot
    be taken costs next to nothing. The runtime's wrappers forward the question to the first consumer that has it.
    """

    def admit(self, signal: Signal) -> None:
        """Return where a batch of this signal would be let in now; must not block.

        Raises:
            RetryableError: it would be refused.

        """


class Receiver(Component, Protocol):
    """A source: hands batches to the consumer it was built with and turns the outcome into its protocol's answer."""


class Processor(Component, Consumer, Protocol):
    """A consumer that hands on to the consumer it was built with."""


class Exporter(Component, Protocol):
    """A sink. Queue, retry and timeout stand around it (`collector.delivery`) where its configuration has them."""

    async def push(self, batch: Batch) -> None:
        """Deliver a batch once, raising as `Consumer.consume` does. May be called concurrently."""


class Dividing(Protocol):
    """An exporter that sends some batches as several requests.

    The delivery asks `getattr(exporter, "divide", None)` before it pushes. Each part is then pushed, tried again and
    counted by itself, so that a part that was taken is not sent again because of another.
    """

    async def divide(self, batch: Batch) -> list[Batch]:
        """Return the parts of a batch, which hold each of its items once; the batch itself where it is one request."""


class Connector(Component, Consumer, Protocol):
    """The exporter of one pipeline and the receiver of another."""


class Extension(Component, Protocol):
    """Something beside the pipelines."""


class Idle:
    """A life without events, to inherit where a component has nothing to start or stop."""

    async def start(self, host: Host) -> None:
        """Do nothing."""

    async def shutdown(self) -> None:
        """Do nothing."""


Transform = Callable[[Batch], Batch | None]


class TransformProcessor(Idle):
    """A processor that is a plain function: it returns the batch, a new one, or None where nothing is left."""

    def __init__(self, transform: Transform, next_consumer: Consumer) -> None:
        self.transform = transform
        self._next = next_consumer

    async def consume(self, batch: Batch) -> None:
        """Hand on what the function returns."""
        result = self.transform(batch)
        if result is not None:
            await self._next.consume(result)
