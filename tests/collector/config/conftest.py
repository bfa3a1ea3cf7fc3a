"""A catalog of small components, and a way to bind a text with it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import pytest
from pydantic import model_validator

from collector.api import (
    AnyFactory,
    Caveat,
    ComponentConfig,
    ConnectorFactory,
    Duration,
    ExporterFactory,
    ExtensionFactory,
    Idle,
    Kind,
    ProcessorFactory,
    ReceiverFactory,
    SecretStr,
    option,
)
from collector.config import CatalogError, Config, ConfigErrors, Document, bind, load
from collector.data import Signal


class Server(ComponentConfig):
    """A server."""

    endpoint: str = option("localhost:4317", "Where to listen.")
    max_size: int = option(4, "The largest request, in MiB.", ge=1)
    timeout: Duration = option(5.0, "How long a request may take.")
    origins: list[Annotated[str, Caveat({"*": "lets everybody in"}.get)]] = option([], "Allowed origins.")


class Protocols(ComponentConfig):
    """What to speak."""

    grpc: Server | None = option(None, "gRPC.")
    http: Server | None = option(None, "HTTP.")


class SourceConfig(ComponentConfig):
    """Receives."""

    protocols: Protocols = option(Protocols, "What to speak.")


class SinkConfig(ComponentConfig):
    """Sends."""

    endpoint: str = option(description="Where to.")
    headers: dict[str, SecretStr] = option({}, "Headers of each request.")
    level: Literal["basic", "detailed"] = option("basic", "How much.")
    retry: Server | None = option(Server, "On unless turned off.")
    ratio: float = option(1.0, "A share.", ge=0, le=1)
    verbose: bool = option(False, "A switch.")
    address: str | None = option(None, "Older.", deprecated='use "endpoint"')
    labels: dict[str, Any] = option({}, "Anything.")


class LimitConfig(ComponentConfig):
    """Limits."""

    limit: int = option(description="How many.")
    spike: int = option(0, "How many at once.")
    rules: list[Server] = option([], "Rules.")
    either: str | list[Server] = option("", "A text or a list of servers.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.spike > self.limit:
            raise ValueError("spike must not be above limit: lower spike")
        return self


class EmptyConfig(ComponentConfig):
    """Nothing."""


def build(*_: Any) -> Any:
    return Idle()


TRACES = frozenset({Signal.TRACES})

FACTORIES: tuple[AnyFactory, ...] = (
    ReceiverFactory(type="source", config=SourceConfig, create=build),
    ReceiverFactory(type="spans", config=EmptyConfig, create=build, signals=TRACES),
    ProcessorFactory(type="limit", config=LimitConfig, create=build),
    ProcessorFactory(type="sampler", config=EmptyConfig, create=build, signals=TRACES),
    ExporterFactory(type="sink", config=SinkConfig, create=build, aliases=("oldsink",)),
    ExporterFactory(type="nop", config=EmptyConfig, create=build),
    ConnectorFactory(type="join", config=EmptyConfig, create=build),
    ConnectorFactory(
        type="count",
        config=EmptyConfig,
        create=build,
        signals=TRACES,
        produces=lambda _: frozenset({Signal.METRICS}),
    ),
    ExtensionFactory(type="health", config=EmptyConfig, create=build),
)


class SmallCatalog:
    """The catalog of the factories above; `tail` is a planned processor, `broken` an exporter that does not load.

    `sumologic` is something that only the Go collector has.
    """

    def find(self, kind: Kind, type: str) -> AnyFactory | None:  # noqa: A002 - the protocol's word
        if type == "broken":
            raise CatalogError("the broken exporter needs the package xyz, which is not installed")
        found = (factory for factory in FACTORIES if factory.kind is kind and type in (factory.type, *factory.aliases))
        return next(found, None)

    def planned(self, kind: Kind, type: str) -> bool:  # noqa: A002
        return (kind, type) == (Kind.PROCESSOR, "tail")

    def foreign(self, kind: Kind, type: str) -> bool:  # noqa: A002
        return (kind, type) == (Kind.PROCESSOR, "sumologic")

    def known(self, kind: Kind) -> list[str]:
        return [*self.types(kind), "tail", "sumologic"]

    def types(self, kind: Kind) -> list[str]:
        return [factory.type for factory in FACTORIES if factory.kind is kind]


@pytest.fixture
def catalog() -> SmallCatalog:
    return SmallCatalog()


@pytest.fixture
def loaded(tmp_path, monkeypatch) -> Callable[..., Document]:
    """Return a function that writes a text to `c.yaml` in the working directory and loads it."""
    monkeypatch.chdir(tmp_path)

    def run(text: str, *sources: str, sets: tuple[str, ...] = (), env: Mapping[str, str] | None = None) -> Document:
        Path("c.yaml").write_text(text)
        return load(["c.yaml", *sources], sets, env or {})

    return run


@pytest.fixture
def bound(loaded, catalog) -> Callable[..., Config]:
    """Return a function that loads a text and binds it."""
    return lambda text, *sources, **others: bind(loaded(text, *sources, **others), catalog)


@pytest.fixture
def errors(bound) -> Callable[..., list[str]]:
    """Return a function that binds a text and returns its errors, one line each."""

    def run(text: str, *sources: str, **others: Any) -> list[str]:
        try:
            bound(text, *sources, **others)
        except ConfigErrors as error:
            return [str(item) for item in error.errors]
        return []

    return run


MINIMAL = """\
receivers:
  source:
exporters:
  nop:
service:
  pipelines:
    traces:
      receivers: [source]
      exporters: [nop]
"""


@pytest.fixture
def minimal() -> str:
    """Return a valid configuration, to add to."""
    return MINIMAL
