"""What the engine of the samplers costs that wait for whole traces, and whether it loses or splits anything.

    python bench/sampling.py                  # 1,000 and 100,000 traces of eight spans
    python bench/sampling.py 1000000          # a million: takes 5 GB and some minutes
    python bench/sampling.py --check 125000   # so many traces, of which late spans come: is every span accounted for?

Spans of about 370 bytes come interleaved, 512 a request; one trace in 50 has an error, one in 50 is slow, and 5 % of the
rest are kept. "held" is the resident memory that is added while all of them wait, "counted" what the sampler counts for
it; "pause" is the most CPU time between two turns of the event loop while it decides.
"""

import argparse
import asyncio
import gc
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from collector.data import Batch, Signal, set_attribute
from collector.data.messages import ITEMS, Resource
from collector.data.shell import ResourceShell
from collector.processing.memory import resident_bytes
from collector.processing.probability import threshold_of
from collector.sampling.buffer import key_of
from collector.sampling.config import TailConfig
from collector.sampling.decision import Decision
from collector.sampling.origin import Origin, Origins
from collector.sampling.tail import TailProcessor
from collector.sampling.trace import Trace, batch_of, scopes_of
from collector.testing import FakeHost, ManualClock, RecordingTelemetry, make_settings, settle

SPANS_A_TRACE = 8
SPANS_A_REQUEST = 512
OPEN_TRACES = 2000
ONE_OF = 50
START_NS = 1_767_225_600_000_000_000
THRESHOLD = threshold_of(0.05)
WAIT = 30

ERROR, SLOW = Decision(True, "errors"), Decision(True, "slow")
SOME, REST = Decision(True, "some", threshold=THRESHOLD), Decision(False, "some")


class Policies:
    """Errors, slower than a second, and 5 % of the rest."""

    def decide(self, trace: Trace) -> Decision:
        """Return what becomes of a trace."""
        if trace.has_error:
            return ERROR
        if trace.duration_ns > 1_000_000_000:
            return SLOW
        return SOME if trace.randomness >= THRESHOLD else REST


class Alternating:
    """Decides each time otherwise: a trace that is decided about twice is split."""

    def __init__(self) -> None:
        self._keeps = False

    def decide(self, trace: Trace) -> Decision:  # noqa: ARG002 - any trace
        """Return what becomes of a trace."""
        self._keeps = not self._keeps
        return SOME if self._keeps else REST


class Counting:
    """Takes everything, and counts the spans of each trace where it is told to."""

    def __init__(self, traces: Counter[bytes] | None = None) -> None:
        self._traces = traces
        self._origins = Origins()

    async def consume(self, batch: Batch) -> None:
        """Count a batch."""
        if self._traces is not None:
            for _, raws in scopes_of(batch, self._origins):
                self._traces.update([raw[2:18] for raw in raws])


def requests(traces: int, *, late: float = 0.0, seed: int = 1) -> Iterator[Batch]:
    """Yield requests of interleaved traces; some spans come some seconds' worth of requests after the others."""
    source = random.Random(seed)
    origins = [_origin(number) for number in range(6)]
    plain, slow, failed = [[_tail(source, kind) for _ in range(64)] for kind in ("", "slow", "error")]
    ready: list[bytes] = []
    delayed: list[bytes] = []
    for begin in range(0, traces, OPEN_TRACES):
        coming, delayed = delayed, []
        for number in range(begin, min(begin + OPEN_TRACES, traces)):
            key = key_of(source.randbytes(16))
            odd = {0: failed, ONE_OF // 2: slow}.get(number % ONE_OF, plain)
            for tails in (odd, *[plain] * (SPANS_A_TRACE - 1)):
                (delayed if source.random() < late else coming).append(key + source.choice(tails))
        source.shuffle(coming)
        ready += coming
        while len(ready) >= SPANS_A_REQUEST:
            yield batch_of({source.choice(origins): ready[:SPANS_A_REQUEST]})
            del ready[:SPANS_A_REQUEST]
    yield batch_of({origins[0]: ready + delayed})


def _origin(number: int) -> Origin:
    resource = Resource()
    set_attribute(resource.attributes, "service.name", f"service-{number}")
    set_attribute(resource.attributes, "host.name", f"node-{number}")
    return Origin(ResourceShell(resource=[resource.SerializeToString()]).SerializeToString(), b"")


def _tail(source: random.Random, kind: str) -> bytes:
    """Return a serialized span without its trace id."""
    span = ITEMS[Signal.TRACES](
        span_id=source.randbytes(8),
        parent_span_id=source.randbytes(8),
        name=f"GET /api/orders/{source.randrange(10**6)}",
        kind=2,
        start_time_unix_nano=START_NS,
        end_time_unix_nano=START_NS + (2 * 10**9 if kind == "slow" else source.randrange(10**8)),
    )
    for key, value in (
        ("http.request.method", "GET"),
        ("url.full", f"https://shop.example.com/api/orders/{source.randrange(10**6)}?page=2"),
        ("http.response.status_code", 200),
        ("server.address", "shop.example.com"),
        ("customer.tier", source.choice(["gold", "silver", "free"])),
        ("region", "eu-west-1"),
        ("thread.id", source.randrange(64)),
        ("cache.hit", True),
        ("app.version", "1.4.2-rc.1"),
    ):
        set_attribute(span.attributes, key, value)
    if kind == "error":
        span.status.code = 2
    raw: bytes = span.SerializeToString()
    return raw


class Watch:
    """The longest CPU time between two turns of the event loop."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            before = time.thread_time()
            await asyncio.sleep(0)
            self.longest = max(self.longest, time.thread_time() - before)


def _sampler(
    clock: ManualClock, telemetry: RecordingTelemetry, sink: Counting, decider: object, mib: int
) -> TailProcessor:
    config = TailConfig.model_validate(
        {"decision_wait": f"{WAIT}s", "num_traces": 10**9, "max_buffered_mib": mib, "max_trace_spans": 0}
    )
    return TailProcessor(config, make_settings("tail_sampling", clock=clock, telemetry=telemetry), sink, decider)  # type: ignore[arg-type]


async def measure(traces: int) -> str:
    """Return a line of figures for so many traces that are held at once."""
    clock = ManualClock()
    sampler = _sampler(clock, RecordingTelemetry(), Counting(), Policies(), 1 << 20)
    await sampler.start(FakeHost())
    await clock.wait_for_sleepers()
    source = requests(traces)
    await sampler.consume(next(source))
    gc.collect()
    gc.freeze()
    spans, ingest, before = 0, 0.0, resident_bytes()
    for batch in source:
        payload = Batch(batch.signal, batch.payload)
        began = time.process_time()
        await sampler.consume(payload)
        ingest += time.process_time() - began
        spans += batch.count
    held, counted = resident_bytes() - before, sampler._buffer.size  # noqa: SLF001
    watch = Watch()
    watching = asyncio.get_running_loop().create_task(watch.run())
    await settle()
    watch.longest, began = 0.0, time.process_time()
    moving = asyncio.get_running_loop().create_task(clock.advance(WAIT + 1))
    while sampler._buffer.spans:  # noqa: SLF001, ASYNC110 - the loop is what is measured
        await asyncio.sleep(0)
    decide = time.process_time() - began
    await moving
    watching.cancel()
    await sampler.shutdown()
    return (
        f"{traces:9,d} traces: ingest {ingest / spans * 1e6:.2f} us/span, decide {decide / spans * 1e6:.2f} us/span, "
        f"held {held / spans:.0f} B/span, counted {counted / spans:.0f} B/span, pause {watch.longest * 1e3:.1f} ms"
    )


async def check(traces: int, mib: int) -> str:
    """Send traces with late spans through a sampler with little memory; return what it counted.

    Raises:
        AssertionError: a trace is split, a span is lost or doubled, or memory is above its cap.

    """
    clock, telemetry, came, kept = ManualClock(), RecordingTelemetry(), Counter[bytes](), Counter[bytes]()
    sampler = _sampler(clock, telemetry, Counting(kept), Alternating(), mib)
    await sampler.start(FakeHost())
    await clock.wait_for_sleepers()
    sent = Counting(came)
    most = 0
    for batch in requests(traces, late=0.05):
        await sent.consume(batch)
        await sampler.consume(batch)
        most = max(most, sampler._buffer.size)  # noqa: SLF001
        await clock.advance(1)
    await sampler.shutdown()
    metric = {
        name.removeprefix("otelcol_processor_tail_sampling_"): telemetry[name] for name in list(telemetry.instruments)
    }
    assert most <= mib << 20, "memory is above its cap"
    assert all(spans == came[trace_id] for trace_id, spans in kept.items()), "a trace is split"
    assert came.total() == metric["spans_received"].total, "not every span was counted"
    assert kept.total() == metric["spans_kept"].total, "not every span that was kept came out"
    assert came.total() == kept.total() + metric["spans_dropped"].total, "in is not kept and dropped"
    return f"{came.total():,d} spans in {len(came):,d} traces, at most {most / 2**20:.1f} MiB: " + "; ".join(
        f"{name} {_reasons(metric[name].values.items())}" for name in ("spans_kept", "spans_dropped", "early_decisions")
    )


def _reasons(values: Iterable[tuple[tuple[tuple[str, str], ...], float]]) -> str:
    return ", ".join(f"{label[0][1]} {value:,.0f}" for label, value in values)


def main() -> None:
    """Run what the command line asks for, each measurement in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", type=int, nargs="*", default=[1000, 100_000])
    parser.add_argument("--check", type=int, metavar="TRACES")
    parser.add_argument("--mib", type=int, default=6, help="memory cap of --check")
    arguments = parser.parse_args()
    if arguments.check:
        print(asyncio.run(check(arguments.check, arguments.mib)))
    elif len(arguments.traces) == 1:
        print(asyncio.run(measure(arguments.traces[0])))
    else:
        for traces in arguments.traces:
            subprocess.run([sys.executable, __file__, str(traces)], check=True)


if __name__ == "__main__":
    main()
