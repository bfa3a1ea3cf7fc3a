"""How a component introduces itself: one factory at the end of its module, one line in the registry."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeAlias, TypeVar

from collector.api.component import (
    Connector,
    Consumer,
    Exporter,
    Extension,
    Kind,
    Processor,
    Receiver,
    Settings,
    Transform,
    TransformProcessor,
)
from collector.api.config import ComponentConfig
from collector.data import ALL_SIGNALS, Signal

C = TypeVar("C", bound=ComponentConfig)
# Named here because inside a factory `type` is the component's type.
ConfigClass: TypeAlias = type[C]


class Stability(enum.Enum):
    """How much may still change under a user's feet."""

    STABLE = "stable"
    BETA = "beta"
    ALPHA = "alpha"


@dataclass(frozen=True, kw_only=True)
class Factory(Generic[C]):
    """What the kinds of factories have in common.

    `type` is the word in configuration files, `aliases` its older spellings. The first line of the configuration
    model's docstring says in the component list what the component is for.
    """

    kind: ClassVar[Kind]

    type: str
    config: ConfigClass[C]
    signals: frozenset[Signal] = ALL_SIGNALS
    stability: Stability = Stability.BETA
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ReceiverFactory(Factory[C]):
    """Builds a receiver; one instance serves every pipeline that names it."""

    kind = Kind.RECEIVER
    create: Callable[[C, Settings, Consumer], Receiver]


@dataclass(frozen=True, kw_only=True)
class ProcessorFactory(Factory[C]):
    """Builds a processor, one instance for each pipeline that names it."""

    kind = Kind.PROCESSOR
    create: Callable[[C, Settings, Consumer], Processor]


@dataclass(frozen=True, kw_only=True)
class ExporterFactory(Factory[C]):
    """Builds an exporter; one instance serves every pipeline that names it."""

    kind = Kind.EXPORTER
    create: Callable[[C, Settings], Exporter]


@dataclass(frozen=True, kw_only=True)
class ConnectorFactory(Factory[C]):
    """Builds a connector, which takes the signals in `signals` and hands on those that `produces` maps them to."""

    kind = Kind.CONNECTOR
    create: Callable[[C, Settings, Consumer], Connector]
    produces: Callable[[Signal], frozenset[Signal]] = lambda signal: frozenset({signal})


@dataclass(frozen=True, kw_only=True)
class ExtensionFactory(Factory[C]):
    """Builds an extension."""

    kind = Kind.EXTENSION
    create: Callable[[C, Settings], Extension]


AnyFactory = (
    ReceiverFactory[ComponentConfig]
    | ProcessorFactory[ComponentConfig]
    | ExporterFactory[ComponentConfig]
    | ConnectorFactory[ComponentConfig]
    | ExtensionFactory[ComponentConfig]
)


def transform(build: Callable[[C, Settings], Transform]) -> Callable[[C, Settings, Consumer], Processor]:
    """Return a `create` for a processor that is a plain function, which `build` makes from the configuration."""

    def create(config: C, settings: Settings, next_consumer: Consumer) -> Processor:
        return TransformProcessor(build(config, settings), next_consumer)

    return create
