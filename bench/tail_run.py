"""A million spans through the tail sampler of a real Spanmill, over gRPC on loopback, and an account of each of them.

    python bench/tail_run.py                    125,000 traces of eight spans, in about a minute
    python bench/tail_run.py --traces 10000     fewer; a multiple of 500

Traces come interleaved, faster than they are decided about, so that the memory for those that wait is reached and the
oldest are decided about early. The last spans of one trace in fifty come when everything else is decided. Then: is each
trace whole at the backend or not there at all, did memory stay below its bound, and do the counters add up?
"""

import argparse
import asyncio
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp
import grpc
import structlog
from prometheus_client.parser import text_string_to_metric_families

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.payloads import SLOW_NS, SPANS_A_TRACE, Renewable, interleaved_requests, masked
from bench.shapes import Shape
from collector.api import TaskOwner
from collector.data import Signal
from collector.data.messages import REQUESTS, SERVICES
from collector.testing.backend import OtlpBackend
from collector.testing.process import CollectorProcess, free_port

TRACES_A_ROUND = 500
SHAPE = Shape(work="tail", spans=512)
IN_FLIGHT = 8
ONE_LATE_OF = 50
PATIENCE = 60.0  # seconds
_POLL = 0.05
# What Spanmill may take besides the spans that wait (MiB): what is kept and not yet taken by the exporter, which counts
# as waiting in its metrics; and what else passes through and is remembered.
OUTGOING_MIB, OTHER_MIB = 8, 100
CONFIG = """
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:{port}"}}}}}}}}
processors:
  tail_sampling:
    decision_wait: {wait}s
    num_traces: 1000000
    max_buffered_mib: {bound}
    policies:
      - {{name: errors, type: status_code, status_code: {{status_codes: [ERROR]}}}}
      - {{name: slow, type: latency, latency: {{threshold_ms: 1000}}}}
      - {{name: others, type: probabilistic, probabilistic: {{sampling_percentage: 5}}}}
exporters: {{otlp_grpc: {{endpoint: "{backend}", tls: {{insecure: true}}}}}}
service:
  pipelines: {{traces: {{receivers: [otlp], processors: [tail_sampling], exporters: [otlp_grpc]}}}}
  telemetry: {{metrics: {{readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {metrics}}}}}}}}}]}}}}
"""
SAMPLER = "otelcol_processor_tail_sampling_"


@dataclass
class Outcome:
    """What a run came to. Memory in MiB: of the spans that wait, and of the process beyond that at rest, at most."""

    sent: int = 0
    late: int = 0  # of the spans sent, those behind the decision
    slow: set[bytes] = field(default_factory=set)  # traces that are slow from their first span on
    traces: Counter[bytes] = field(default_factory=Counter)  # the spans that the backend has, by trace
    doubled: int = 0
    received: int = 0
    kept: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    early: Counter[str] = field(default_factory=Counter)
    buffered: float = 0.0
    grown: float = 0.0

    def problems(self, bound: int) -> Iterator[str]:
        """Yield what is wrong, given the bound (MiB) for spans that wait."""
        at_backend, kept, dropped = self.traces.total(), self.kept.total(), self.dropped.total()
        if split := sum(count != SPANS_A_TRACE for count in self.traces.values()):
            yield f"{split} traces are split"
        if self.doubled:
            yield f"{self.doubled} spans came twice"
        if missing := len(self.slow - set(self.traces)):
            yield f"{missing} slow traces are missing"
        if self.received != self.sent:
            yield f"{self.sent} spans were sent, {self.received} received"
        if self.received != kept + dropped:
            yield f"{self.received} spans were received, {kept} kept and {dropped} dropped"
        if kept != at_backend:
            yield f"{kept} spans were kept, {at_backend} are at the backend"
        if self.buffered > bound + OUTGOING_MIB:
            yield f"spans that wait took {self.buffered:.0f} MiB of {bound}"
        if self.grown > bound + OTHER_MIB:
            yield f"the process grew by {self.grown:.0f} MiB, where {bound} are for spans that wait"


def main() -> int:
    """Run, print; 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--traces", type=int, default=125_000, help="traces of eight spans (125,000)")
    parser.add_argument("--wait", type=float, default=5.0, help="seconds to wait for a trace (5)")
    parser.add_argument("--bound", type=int, default=64, help="MiB for spans that wait (64)")
    arguments = parser.parse_args()
    if arguments.traces % TRACES_A_ROUND:
        parser.error(f"the number of traces is a multiple of {TRACES_A_ROUND}")
    outcome = asyncio.run(run(arguments.traces, arguments.wait, arguments.bound))
    print(text(outcome))
    problems = list(outcome.problems(arguments.bound))
    for problem in problems:
        print(f"wrong: {problem}", file=sys.stderr)
    return 1 if problems else 0


def text(outcome: Outcome) -> str:
    """Return what happened, in some lines."""
    return "\n".join(
        [
            f"sent {outcome.sent:,} spans, of them {outcome.late:,} late; received {outcome.received:,}",
            f"kept {outcome.kept.total():,}: {_listed(outcome.kept)}",
            f"dropped {outcome.dropped.total():,}: {_listed(outcome.dropped)}",
            f"at the backend {outcome.traces.total():,} spans of {len(outcome.traces):,} traces",
            f"traces decided about early: {_listed(outcome.early) or 'none'}",
            f"memory: {outcome.buffered:.0f} MiB of spans that wait at most; the process grew by {outcome.grown:.0f} MiB",
        ]
    )


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))


async def run(traces: int, wait: float, bound: int) -> Outcome:
    """Send a collector so many traces; return what became of them."""
    port, metrics, outcome = free_port(), free_port(), Outcome()
    async with OtlpBackend() as backend:
        config = CONFIG.format(port=port, metrics=metrics, wait=wait, bound=bound, backend=backend.grpc_endpoint)
        async with CollectorProcess(config) as collector, Watch(collector, metrics, outcome) as watch:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                await send(channel.unary_unary(SERVICES[Signal.TRACES]), traces, watch)
            await watch.until_nothing_waits()
            await backend.wait_for(outcome.kept.total())
        spans = backend.items(Signal.TRACES)
    outcome.traces = Counter(span.trace_id for span in spans)
    outcome.doubled = len(spans) - len({(span.trace_id, span.span_id) for span in spans})
    return outcome


async def send(call: Any, traces: int, watch: "Watch") -> None:
    """Send all that comes early, and when that is decided about, what comes late."""
    outcome = watch.outcome
    early, late, slow = _round()
    masks = [random.getrandbits(128) for _ in range(traces // TRACES_A_ROUND)]
    outcome.slow = {masked(trace_id, mask) for trace_id in slow for mask in masks}
    outcome.late = len(masks) * sum(len(request) for request in late)
    for requests in (early, late):
        bodies = ((request.renewed(mask), len(request)) for mask in masks for request in requests)

        async def work(bodies: Iterator[tuple[bytes, int]] = bodies) -> None:
            for body, spans in bodies:
                await call(body, timeout=PATIENCE)
                outcome.sent += spans

        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(work())
        await watch.until_nothing_waits()


def _round() -> tuple[list[Renewable], list[Renewable], list[bytes]]:
    """Return the requests of a round that come early, those that come late, and the ids of its slow traces."""
    requests = [REQUESTS[Signal.TRACES].FromString(payload) for payload in interleaved_requests(SHAPE, TRACES_A_ROUND)]
    spans = [span for request in requests for span in request.resource_spans[0].scope_spans[0].spans]
    slow = [span.trace_id for span in spans if span.end_time_unix_nano - span.start_time_unix_nano == SLOW_NS]
    last = {span.trace_id: span.span_id for span in spans}
    late_ids = set(list(last.values())[1::ONE_LATE_OF])  # of traces without an error, which would come too late
    late = REQUESTS[Signal.TRACES]()
    late.resource_spans.add().scope_spans.add().spans.extend(span for span in spans if span.span_id in late_ids)
    for request in requests:
        own = request.resource_spans[0].scope_spans[0].spans
        remaining = [span for span in own if span.span_id not in late_ids]
        del own[:]
        own.extend(remaining)
    return [Renewable(request.SerializeToString()) for request in requests], [Renewable(late.SerializeToString())], slow


class Watch:
    """Looks at a collector all the time, and writes into an outcome what it sees; use as `async with Watch(...)`."""

    def __init__(self, collector: CollectorProcess, port: int, outcome: Outcome) -> None:
        self.outcome = outcome
        self._collector = collector
        self._at_rest = collector.rss_mib
        self._address = f"http://127.0.0.1:{port}/metrics"
        self._tasks = TaskOwner("watch", structlog.get_logger())
        self._session = aiohttp.ClientSession()
        self._turn = asyncio.Lock()  # what was seen earlier must not overwrite what was seen later

    async def __aenter__(self) -> Self:
        self._tasks.start("look", self._look_all_the_time())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._tasks.cancel()
        await self._session.close()

    async def until_nothing_waits(self) -> None:
        """Return once as many spans as were sent are counted as kept or dropped; raise `TimeoutError` where not."""
        outcome = self.outcome
        async with asyncio.timeout(PATIENCE):
            await self._look()
            while outcome.kept.total() + outcome.dropped.total() < outcome.sent:
                await asyncio.sleep(_POLL)
                await self._look()

    async def _look_all_the_time(self) -> None:
        while True:
            await self._look()
            await asyncio.sleep(_POLL)

    async def _look(self) -> None:
        async with self._turn, self._session.get(self._address) as answer:
            self._remember(await answer.text())

    def _remember(self, metrics: str) -> None:
        families = {family.name: family for family in text_string_to_metric_families(metrics)}

        def counts(name: str, label: str) -> Counter[str]:
            samples = families[SAMPLER + name].samples if SAMPLER + name in families else []
            return Counter({sample.labels.get(label, ""): int(sample.value) for sample in samples})

        outcome = self.outcome
        outcome.received = counts("spans_received", "").total()
        outcome.kept, outcome.dropped = counts("spans_kept", "reason"), counts("spans_dropped", "reason")
        outcome.early = counts("early_decisions", "cause")
        outcome.buffered = max(outcome.buffered, counts("bytes_on_memory", "").total() / 2**20)
        outcome.grown = max(outcome.grown, self._collector.rss_mib - self._at_rest)


if __name__ == "__main__":
    sys.exit(main())
