"""A sampler with everything around it."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from collector.api import Consumer, TaskOwner
from collector.data import Signal
from collector.data.messages import ProtoMessage
from collector.sampling.config import TailConfig
from collector.sampling.decision import Decision
from collector.sampling.tail import TailProcessor
from collector.sampling.trace import Trace
from collector.testing import FakeHost, ManualClock, RecordingTelemetry, Sink, make_batch, make_settings, settle
from collector.testing.traces import numbers_of

_METRICS = "otelcol_processor_tail_sampling_"
_KEEP = Decision(True, "all", threshold=None)


class Judge:
    """A decider that decides by the number of a trace, and remembers what it saw."""

    def __init__(self, decide: Callable[[int], Decision] = lambda _: _KEEP) -> None:
        self._decide = decide
        self.sizes: dict[int, list[int]] = defaultdict(list)

    def decide(self, trace: Trace) -> Decision:
        number = int.from_bytes(trace.trace_id, "big")
        self.sizes[number].append(len(trace))
        return self._decide(number)


class Bench:
    """A sampler between a sink and a clock that is moved by hand."""

    def __init__(self, judge: Any = None, sink: Consumer | None = None, **options: Any) -> None:
        self.clock, self.telemetry = ManualClock(), RecordingTelemetry()
        self.sink = Sink() if sink is None else sink
        self.judge = judge or Judge()
        settings = make_settings("tail_sampling", clock=self.clock, telemetry=self.telemetry)
        config = TailConfig.model_validate({"decision_wait": "10s", "explain": False, **options})
        self.sampler = TailProcessor(config, settings, self.sink, self.judge)
        self.senders = TaskOwner("senders", settings.logger)

    async def start(self) -> None:
        await self.sampler.start(FakeHost())
        await self.clock.wait_for_sleepers()

    async def consume(self, *spans: ProtoMessage, service: str = "shop") -> None:
        await self.sampler.consume(make_batch(Signal.TRACES, spans, {"service.name": service}))

    def send(self, *spans: ProtoMessage) -> "asyncio.Task[None]":
        """Consume in the background."""
        return self.senders.start("send", self.consume(*spans))

    async def advance(self, seconds: float) -> None:
        await self.clock.advance(seconds)
        await settle()

    @property
    def kept(self) -> list[tuple[int, int]]:
        """The numbers of traces and spans that came out."""
        return numbers_of(self.sink.batches)

    def count(self, name: str, **labels: str) -> float:
        """Return a metric, of some labels or summed over all."""
        values = self.telemetry[_METRICS + name].values
        return sum(value for key, value in values.items() if labels.items() <= dict(key).items())

    @property
    def held(self) -> int:
        """How many spans wait for a decision or to be taken."""
        return self.sampler._buffer.spans + self.sampler._out.spans

    def assert_adds_up(self) -> None:
        """Every span that came in was kept or dropped or is here."""
        assert self.count("spans_received") == self.count("spans_kept") + self.count("spans_dropped") + self.held


@pytest.fixture(scope="session")
def new_bench():
    """Make samplers, given a decider or how to decide by the number of a trace."""

    def build(decide: Any = None, sink: Any = None, **options: Any) -> Bench:
        return Bench(Judge(decide) if callable(decide) else decide, sink, **options)

    return build


@pytest.fixture
async def make(new_bench):
    """Make and start samplers that are shut down at the end."""
    made = []

    async def start(*arguments: Any, **options: Any) -> Bench:
        bench = new_bench(*arguments, **options)
        made.append(bench)
        await bench.start()
        return bench

    yield start
    for bench in made:
        await bench.sampler.shutdown()
        await bench.senders.cancel()
