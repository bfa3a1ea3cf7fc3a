"""The same traces through both processors, and what became of them."""

import base64
import json
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError
from tail_sampling.traces import spans_of

from collector.api import StartError
from collector.data import Batch, Signal, value_of
from collector.testing import FakeHost, ManualClock, RecordingTelemetry, Sink, make_settings
from processors.tail_sampling import FACTORY

PREFIX = "otelcol_processor_tail_sampling_"


@dataclass(frozen=True)
class Step:
    """Requests to send; then a wait until so many traces are decided."""

    requests: Sequence[bytes]
    decided: int = 0


@dataclass(frozen=True)
class Outcome:
    """What a processor did: the spans that it handed on, by trace, and the policy that kept each trace."""

    refused: bool = False
    kept: Mapping[str, Counter[bytes]] = field(default_factory=dict)
    policies: Mapping[str, str] = field(default_factory=dict)
    states: Mapping[bytes, str] = field(default_factory=dict)  # `tracestate` by span id
    counters: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, sent: Sequence[bytes], policies: Mapping[str, str], counters: Mapping[str, float]) -> Self:
        spans = spans_of(sent)
        return cls(
            kept={trace: Counter(span.span_id for span in members) for trace, members in spans.items()},
            policies=policies,
            states={span.span_id: span.trace_state for members in spans.values() for span in members},
            counters=counters,
        )

    @property
    def spans(self) -> int:
        """How many spans were handed on."""
        return sum(members.total() for members in self.kept.values())


class Peer:
    """The OpenTelemetry Collector's processor, in a process of its own."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def close(self) -> None:
        self._process.communicate(timeout=60)

    def decide(
        self, config: Mapping[str, Any], steps: Iterable[Step], *, tracestate: bool = True, aligned: bool = False
    ) -> Outcome:
        """Run the processor; `aligned` has all that waits for the end be decided within one second of the clock.

        `tracestate` is a feature gate: it lets `probabilistic` see what samplers before it wrote, as ours does, but has
        limits of a rate keep the traces of the highest randomness, where ours keeps those that come first.
        """
        question = {
            "config": config,
            "tracestate": tracestate,
            "aligned": aligned,
            "steps": [
                {"requests": [base64.b64encode(request).decode() for request in step.requests], "decided": step.decided}
                for step in steps
            ],
        }
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the processor's process ended; what it wrote is above"
        answer = json.loads(line)
        if answer.get("refused"):
            return Outcome(refused=True)
        policies = {each["trace"]: each["policy"] for each in answer["decisions"] or [] if each["verdict"] == "sampled"}
        sent = [base64.b64decode(request) for request in answer["sent"] or []]
        return Outcome.of(sent, policies, answer["counters"])


async def ours(config: Mapping[str, Any], steps: Iterable[Step]) -> Outcome:
    """Run Spanmill's processor, with a clock that passes every wait at once."""
    clock, sink, telemetry = ManualClock(), Sink(), RecordingTelemetry()
    try:
        model = FACTORY.config.model_validate(config)
        settings = make_settings("tail_sampling", clock=clock, telemetry=telemetry, signals=frozenset({Signal.TRACES}))
        processor = FACTORY.create(model, settings, sink)
        await processor.start(FakeHost())
    except (ValidationError, StartError):
        return Outcome(refused=True)
    try:
        for step in steps:
            for request in step.requests:
                await processor.consume(Batch(Signal.TRACES, request))
            if step.decided:
                await clock.wait_for_sleepers()
                await clock.advance(model.decision_wait + 5)
                assert step.decided <= telemetry[PREFIX + "global_count_traces_sampled"].total
    finally:
        await processor.shutdown()
    sent = [batch.payload for batch in sink.batches]
    return Outcome.of(sent, dict(_policies(sent)), dict(_counters(telemetry)))


def _policies(sent: Sequence[bytes]) -> Iterable[tuple[str, str]]:
    for trace, spans in spans_of(sent).items():
        for span in spans:
            for entry in span.attributes:
                if entry.key == "sampling.policy":
                    yield trace, str(value_of(entry.value))


def _counters(telemetry: RecordingTelemetry) -> Iterable[tuple[str, float]]:
    """Yield each counter as the other processor's program names it: its name, then its attributes."""
    for name, instrument in telemetry.instruments.items():
        for labels, value in instrument.values.items():
            yield " ".join([name, *(f"{key}={text}" for key, text in labels)]), value
