"""The kit catches what it is there to catch: one broken component for each promise."""

import asyncio
import socket

import pytest

from collector.api import (
    ComponentConfig,
    ConnectorFactory,
    ExporterFactory,
    ExtensionFactory,
    Idle,
    PermanentError,
    ProcessorFactory,
    ReceiverFactory,
    TaskOwner,
    option,
)
from collector.data import Batch, Signal
from collector.testing.conformance import ConformanceError, check

KEPT_ALIVE = []


class Config(ComponentConfig):
    """Nothing of interest."""

    size: int = option(1, "how large")


class Forwarding(Idle):
    def __init__(self, settings, next_consumer=None):
        self.settings = settings
        self.next = next_consumer

    async def consume(self, batch):
        await self.next.consume(batch)

    async def push(self, batch):
        pass


def factory_of(component, kind=ProcessorFactory):
    last = kind in (ExporterFactory, ExtensionFactory)
    create = (lambda _, settings: component(settings)) if last else (lambda _, *rest: component(*rest))
    return kind(type="broken", config=Config, create=create, signals=frozenset({Signal.TRACES}))


@pytest.mark.parametrize(
    "kind", [ReceiverFactory, ProcessorFactory, ExporterFactory, ConnectorFactory, ExtensionFactory]
)
async def test_a_component_that_keeps_its_promises_passes(kind):
    await check(factory_of(Forwarding, kind))


class LeavesTask(Forwarding):
    async def start(self, host):
        self.tasks = TaskOwner("broken", self.settings.logger)
        KEPT_ALIVE.append(self.tasks.start("forever", asyncio.Event().wait()))


class LeavesSocket(Forwarding):
    async def start(self, host):
        KEPT_ALIVE.append(socket.socket())


class LosesSome(Forwarding):
    async def consume(self, batch):
        if not hasattr(self, "first"):
            self.first = batch
        else:
            await self.next.consume(batch)


class LosesWhatItHolds(Forwarding):
    """As a batching processor would that forgets to flush."""

    async def consume(self, batch):
        self.held = batch


class ChangesSignal(Forwarding):
    async def consume(self, batch):
        await self.next.consume(Batch(Signal.LOGS, batch.payload))


class ChangesBatch(Forwarding):
    async def consume(self, batch):
        await self.next.consume(Batch(batch.signal, batch.payload, count=batch.count))
        batch._payload += b"\x0a\x00"


class ShutsDownOnce(Forwarding):
    async def start(self, host):
        self.task = self

    async def shutdown(self):
        del self.task


class NeverShutsDown(Forwarding):
    async def shutdown(self):
        await asyncio.Event().wait()


class RaisesAnything(Forwarding):
    async def push(self, batch):
        raise OSError("no route to host")


class RefusesProperly(Forwarding):
    async def push(self, batch):
        raise PermanentError("no")


@pytest.mark.parametrize(
    ("component", "kind", "message"),
    [
        (LeavesTask, ReceiverFactory, "left behind after shutdown: broken:forever"),
        (LeavesSocket, ExtensionFactory, r"left behind after shutdown: socket:\[\d+\] \(file descriptor \d+\)"),
        (LosesSome, ProcessorFactory, "30 spans went in before the shutdown, 27 came out"),
        (LosesWhatItHolds, ProcessorFactory, "30 spans went in before the shutdown, 0 came out"),
        (ChangesSignal, ProcessorFactory, "of another signal"),
        (ChangesBatch, ProcessorFactory, "changed a batch of traces in place"),
        (ChangesBatch, ConnectorFactory, "changed a batch of traces in place"),
        (NeverShutsDown, ProcessorFactory, "shutdown without start did not return"),
        (RaisesAnything, ExporterFactory, r"push raised OSError\('no route to host'\), which is no ConsumeError"),
    ],
)
async def test_a_broken_promise_is_told(component, kind, message, monkeypatch):
    monkeypatch.setattr("collector.testing.conformance._PATIENCE", 0.05)
    monkeypatch.setattr("collector.testing.conformance._ROUNDS", 3)
    try:
        with pytest.raises(ConformanceError, match=message):
            await check(factory_of(component, kind))
    finally:
        for leak in KEPT_ALIVE:
            leak.close() if isinstance(leak, socket.socket) else leak.cancel()
        KEPT_ALIVE.clear()


async def test_an_error_of_the_component_comes_through():
    with pytest.raises(AttributeError, match="task"):
        await check(factory_of(ShutsDownOnce))


async def test_an_exporter_may_refuse():
    await check(factory_of(RefusesProperly, ExporterFactory))


async def test_options_are_those_of_a_configuration_file():
    with pytest.raises(ValueError, match="Extra inputs"):
        await check(factory_of(Forwarding), {"sise": 2})
