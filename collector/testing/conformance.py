"""What every component keeps to, as checks: one line in the test of a component, built in or not.

    async def test_it_conforms(tmp_path):
        await check(FACTORY, {"path": str(tmp_path / "out.json")})

A configuration under which a processor or connector drops nothing makes a good check (a sampler at 100 %), and so does
an exporter's that names a port where nobody listens.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from collector.api import AnyFactory, ConsumeError, Consumer, Host, Kind
from collector.data import Signal
from collector.testing.component import FakeHost, make_settings
from collector.testing.samples import sample_batch
from collector.testing.sinks import Sink

_BATCHES = 10
_PATIENCE = 30.0  # seconds for any one step of a life
_ROUNDS = 250
_OPEN_FILES = Path("/proc/self/fd")


class ConformanceError(AssertionError):
    """A component does not keep to its contract; the message says what it did."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A component to be checked: its factory, its options as a configuration file has them, and its surroundings."""

    factory: AnyFactory
    options: Mapping[str, Any] = field(default_factory=dict)
    directory: Path = Path()
    host: Host = field(default_factory=FakeHost)

    def build(self, next_consumer: Consumer) -> Any:
        """Return the component built anew, as the runtime does it."""
        create: Any = self.factory.create
        config = self.factory.config.model_validate(self.options)
        settings = make_settings(self.factory.type, signals=self.factory.signals, directory=self.directory)
        is_last = self.factory.kind in (Kind.EXPORTER, Kind.EXTENSION)
        return create(config, settings) if is_last else create(config, settings, next_consumer)

    @asynccontextmanager
    async def life(self, next_consumer: Consumer) -> AsyncIterator[Any]:
        """Build and start the component, and shut it down at the end."""
        component = self.build(next_consumer)
        await in_time("start", component.start(self.host))
        try:
            yield component
        finally:
            await in_time("shutdown", component.shutdown())


async def check(
    factory: AnyFactory,
    options: Mapping[str, Any] | None = None,
    *,
    directory: Path | None = None,
    host: Host | None = None,
) -> None:
    """Run every check that applies to a kind of component.

    Raises:
        ConformanceError: the component does not keep to the contract.

    """
    subject = Subject(factory=factory, options=options or {}, directory=directory or Path(), host=host or FakeHost())
    await check_life(subject)
    if factory.kind is Kind.PROCESSOR:
        await check_nothing_is_lost(subject)
    if factory.kind in (Kind.PROCESSOR, Kind.CONNECTOR):
        await check_batches_stay(subject)
    if factory.kind is Kind.EXPORTER:
        await check_push(subject)


async def check_life(subject: Subject) -> None:
    """Start and shut down, in every order that may come, and see that nothing is left."""

    async def live() -> None:
        await in_time("shutdown without start", subject.build(Sink()).shutdown())
        async with subject.life(Sink()) as component:
            pass
        await in_time("the second shutdown", component.shutdown())

    await leaving_nothing(live)


async def check_nothing_is_lost(subject: Subject) -> None:
    """See that what went in before the shutdown has come out after it."""
    for signal in subject.factory.signals:
        await leaving_nothing(partial(_drain, subject, signal))


async def _drain(subject: Subject, signal: Signal) -> None:
    batches = [sample_batch(signal, number=number) for number in range(_BATCHES)]
    sink = Sink()
    async with subject.life(sink) as component:
        for batch in batches:
            await in_time("consume", component.consume(batch))
    expected = sum(batch.count for batch in batches)
    if sink.count != expected:
        raise ConformanceError(f"{expected} {signal.items} went in before the shutdown, {sink.count} came out")
    if any(batch.signal is not signal for batch in sink.batches):
        raise ConformanceError(f"a processor of {signal.value} handed on batches of another signal")


async def check_batches_stay(subject: Subject) -> None:
    """See that a batch which other pipelines share is the same afterwards."""
    for signal in subject.factory.signals:
        batch = sample_batch(signal)
        payload, client = batch.payload, batch.client
        async with subject.life(Sink()) as component:
            await in_time("consume", component.consume(batch))
        if (batch.payload, batch.client, batch.signal) != (payload, client, signal):
            raise ConformanceError(f"consume changed a batch of {signal.value} in place: other pipelines share it")


async def check_push(subject: Subject) -> None:
    """See that an exporter takes batches concurrently, and fails with errors that say what the caller should do."""
    for signal in subject.factory.signals:
        await leaving_nothing(partial(_push, subject, signal))


async def _push(subject: Subject, signal: Signal) -> None:
    batches = [sample_batch(signal, number=number) for number in range(_BATCHES)]
    async with subject.life(Sink()) as component:
        pushes = asyncio.gather(*map(component.push, batches), return_exceptions=True)
        for error in await in_time("push", pushes):
            if error is not None and not isinstance(error, ConsumeError):
                raise ConformanceError(f"push raised {error!r}, which is no ConsumeError") from error


async def leaving_nothing(work: Callable[[], Awaitable[None]]) -> None:
    """Do some work twice, and see that the second time leaves no task, socket or file behind.

    Libraries keep things of their own from their first use on, which are not the component's.
    """
    await work()
    tasks, files = asyncio.all_tasks(), _open_files()
    await work()
    for _ in range(_ROUNDS):
        left = {task.get_name() for task in asyncio.all_tasks() - tasks}
        left |= {f"{target} (file descriptor {number})" for number, target in _open_files() - files}
        if not left:
            return
        await asyncio.sleep(0.02)  # transports close in a later round of the event loop
    raise ConformanceError(f"left behind after shutdown: {', '.join(sorted(left))}")


async def in_time(step: str, work: Any) -> Any:
    """Return what a step of a life returns, which must not take long."""
    try:
        async with asyncio.timeout(_PATIENCE):
            return await work
    except TimeoutError as error:
        raise ConformanceError(f"{step} did not return within {_PATIENCE:.0f} seconds") from error


def _open_files() -> set[tuple[int, str]]:
    """Return the file descriptors and what they stand for; none where the system does not tell."""
    found = set()
    for entry in _OPEN_FILES.iterdir() if _OPEN_FILES.is_dir() else ():
        try:
            found.add((int(entry.name), str(entry.readlink())))
        except OSError:  # the one through which the folder is read
            continue
    return found
