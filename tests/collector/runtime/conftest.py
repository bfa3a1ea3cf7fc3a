"""Components that write down what happens to them, and configurations that name them."""

import functools

import pytest

from collector.api import (
    ComponentConfig,
    ConnectorFactory,
    ExporterFactory,
    ExtensionFactory,
    Kind,
    ProcessorFactory,
    ReceiverFactory,
    StartError,
    option,
)
from collector.config import bind, load
from collector.data import Signal
from collector.delivery import DeliveryConfig
from collector.runtime.registry import Registry


class Config(ComponentConfig):
    """Does what it is told."""

    fail_to_build: str = option("", "Message of the error at building.")
    fail_to_start: str = option("", "Message of the error at start.")


class QueuedConfig(DeliveryConfig):
    """An exporter with a queue."""


class Witness:
    """A component of any kind that notes its life in a journal and its batches in `batches`."""

    def __init__(self, journal, kind, config, settings, next_consumer=None):
        if getattr(config, "fail_to_build", ""):
            raise ValueError(config.fail_to_build)
        self.config = config
        self.settings = settings
        self.next = next_consumer
        self.batches = []
        self.error = None
        self.host = None
        self._journal = journal
        self._name = f"{kind.value}/{settings.id}"
        journal.built.setdefault(self._name, []).append(self)

    async def start(self, host):
        self.host = host
        self._journal.events.append(f"start {self._name}")
        if getattr(self.config, "fail_to_start", ""):
            raise StartError(self.config.fail_to_start)

    async def shutdown(self):
        self._journal.events.append(f"stop {self._name}")

    async def consume(self, batch):
        if self.error is not None:
            raise self.error
        self.batches.append(batch)
        if self.next is not None:
            await self.next.consume(batch)

    push = consume


class Journal:
    """What witnesses noted, in order, and the witnesses by `kind/id`."""

    def __init__(self):
        self.events = []
        self.built = {}

    def __getitem__(self, name):
        """Return the only instance of a component."""
        [instance] = self.built[name]
        return instance

    def stopped(self):
        """Return what was stopped, in order."""
        return [event.removeprefix("stop ") for event in self.events if event.startswith("stop ")]

    def started(self):
        """Return what was started, in order."""
        return [event.removeprefix("start ") for event in self.events if event.startswith("start ")]


class WitnessCatalog(Registry):
    """The real components, and witnesses as `witness` of every kind (and `queued`, an exporter with a queue)."""

    def __init__(self, journal):
        super().__init__()

        def maker(kind):
            return functools.partial(Witness, journal, kind)

        def to_metrics(signal):
            return frozenset({Signal.METRICS})

        self._factories |= {
            (Kind.RECEIVER, "witness"): ReceiverFactory(type="witness", config=Config, create=maker(Kind.RECEIVER)),
            (Kind.PROCESSOR, "witness"): ProcessorFactory(type="witness", config=Config, create=maker(Kind.PROCESSOR)),
            (Kind.EXPORTER, "witness"): ExporterFactory(type="witness", config=Config, create=maker(Kind.EXPORTER)),
            (Kind.EXPORTER, "queued"): ExporterFactory(type="queued", config=QueuedConfig, create=maker(Kind.EXPORTER)),
            (Kind.CONNECTOR, "pass"): ConnectorFactory(type="pass", config=Config, create=maker(Kind.CONNECTOR)),
            (Kind.CONNECTOR, "count"): ConnectorFactory(
                type="count", config=Config, create=maker(Kind.CONNECTOR), produces=to_metrics
            ),
            (Kind.EXTENSION, "witness"): ExtensionFactory(type="witness", config=Config, create=maker(Kind.EXTENSION)),
        }


@pytest.fixture
def journal():
    return Journal()


@pytest.fixture
def witnesses(journal):
    return WitnessCatalog(journal)


@pytest.fixture
def configured(witnesses):
    """Return a function that binds YAML to the witnesses and the real components."""

    def configure(text):
        return bind(load([f"yaml:{text}"]), witnesses)

    return configure
