"""Memory of spans that wait for the decision about their trace: Spanmill and the OpenTelemetry Collector in turn.

    python bench/tail_memory.py                          1 k, 10 k, 100 k and 1 M traces of eight spans
    python bench/tail_memory.py --traces 1000 100000     other numbers, in rising order
    python bench/tail_memory.py --write                  the table and the plot into docs/benchmarks.md
    python bench/tail_memory.py --report --write         the same from the figures of the last run

A collector gets traces that it is to hold for an hour; what its resident memory grew by, over that of a start after
which a few requests have passed, is shared out over the spans. It goes on to more traces where it would stay below
`--most` GiB, judged by what it has taken so far. bench/README.md tells what else is configured.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import plots, report
from bench.builds import CACHE, UnavailableError
from bench.load import Load, load_command
from bench.payloads import SPANS_A_TRACE, write_requests
from bench.peers import PEERS, Peer, Setup
from bench.processes import LOAD_CORE, Watched
from bench.shapes import Shape
from collector.testing.process import free_port

LAST = CACHE / "tail_memory.json"
NAMES = ("spanmill", "otelcol")
SHAPE = Shape(work="tail", spans=500)
# A round through the requests holds so many traces, so that all numbers are multiples of it.
TRACES_A_ROUND = 500
REQUESTS_A_ROUND = TRACES_A_ROUND * SPANS_A_TRACE // SHAPE.spans
SETTLED = 3.0  # seconds after the last request
PATIENCE = 600.0
MIB_A_GIB = 1024
LEFT_OUT = "left out: too much"


@dataclass(frozen=True)
class Held:
    """The traces that a collector held, and the memory (MiB) that it took for them: at the end, and at most so far."""

    collector: str
    traces: int
    mib: float
    peak: float

    @property
    def bytes_a_span(self) -> float:
        """The memory of one span."""
        return self.mib * 2**20 / (self.traces * SPANS_A_TRACE)


def main() -> None:
    """Run, print, and write the report where asked."""
    arguments = parse()
    CACHE.mkdir(parents=True, exist_ok=True)
    if arguments.report:
        found = [Held(**one) for one in json.loads(LAST.read_text())]
    else:
        found = list(measure(arguments))
        LAST.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n")
    print(table(found))
    if arguments.write:
        report.put("tail_memory", {"held": plots.held(lines(found))}, table(found))


def parse() -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--traces", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--most", type=float, default=12.0, help="GiB that a collector may take (12)")
    parser.add_argument("--write", action="store_true", help="write the table and the plot into docs/benchmarks.md")
    parser.add_argument("--report", action="store_true", help="do not measure; report the last run again")
    arguments = parser.parse_args()
    if any(number % TRACES_A_ROUND for number in arguments.traces):
        parser.error(f"the numbers of traces are multiples of {TRACES_A_ROUND}")
    return arguments


def measure(arguments: argparse.Namespace) -> Iterator[Held]:
    """Fill each collector in turn; yield what each number of traces took."""
    os.sched_setaffinity(0, {LOAD_CORE})
    with tempfile.TemporaryDirectory(prefix="spanmill-bench-") as name, Load(load_command()[1]) as load:
        folder = Path(name)
        write_requests(folder / "payloads", SHAPE, TRACES_A_ROUND)
        for chosen in arguments.peers:
            try:
                peer = PEERS[chosen]()
            except UnavailableError as error:
                print(f"{chosen} is not available: {error}", file=sys.stderr)
                continue
            for held in fill(peer, load, folder, arguments):
                print(f"{peer.title}: {held.traces} traces, {held.mib:.0f} MiB, {held.bytes_a_span:.0f} bytes a span")
                yield held


def fill(peer: Peer, load: Load, folder: Path, arguments: argparse.Namespace) -> Iterator[Held]:
    """Send a collector more and more traces; yield what it took for each number of them."""
    setup = Setup("hold", "none", free_port(), free_port(), load.sink_port, free_port())
    log = folder / f"{peer.name}.log"
    with Watched(peer.command(setup, folder), directory=peer.directory, log=log) as collector:
        collector.wait_until_ready([setup.grpc, setup.http])
        load.open(SHAPE, setup.grpc, folder / "payloads")
        send(load, TRACES_A_ROUND)
        base, sent, taken = collector.rss_mib, 0, 0.0
        for traces in sorted(arguments.traces):
            if sent and taken * traces / sent > arguments.most * MIB_A_GIB:
                print(f"{peer.title}: {traces} traces would take more than {arguments.most:g} GiB", file=sys.stderr)
                break
            send(load, traces - sent)
            sent, taken = traces, collector.rss_mib - base
            yield Held(peer.title, traces, taken, collector.peak_mib - base)
        load.close()


def send(load: Load, traces: int) -> None:
    """Send so many traces, and let the collector settle; raise where it does not hold them."""
    before = load.spans_arrived()
    sent = load.run(PATIENCE, traces // TRACES_A_ROUND * REQUESTS_A_ROUND)
    time.sleep(SETTLED)
    if sent.spans != traces * SPANS_A_TRACE or load.spans_arrived() != before:
        raise RuntimeError(
            f"of {traces} traces not all are held: {sent}, {load.spans_arrived() - before} spans came out"
        )


def table(found: Sequence[Held]) -> str:
    """Return the figures as Markdown, a row for each number of traces."""
    titles = list(dict.fromkeys(one.collector for one in found))
    by_key = {(one.collector, one.traces): one for one in found}
    rows = []
    for traces in sorted({one.traces for one in found}):
        row = [by_key.get((title, traces)) for title in titles]
        first = row[0]
        rows.append(
            [
                f"{traces:,}, {traces * SPANS_A_TRACE:,} spans",
                *(f"{one.mib:,.0f}, {one.bytes_a_span:,.0f} B" if one else LEFT_OUT for one in row),
                *(f"**{one.mib / first.mib:.2f}**" if one and first else "-" for one in row[1:]),
                " / ".join(f"{one.peak:,.0f}" if one else "-" for one in row),
            ]
        )
    header = [
        "traces held",
        *(f"{title}, MiB and a span" for title in titles),
        *(f"{title} ÷ {titles[0]}" for title in titles[1:]),
        f"peak MiB ({' / '.join(titles)})",
    ]
    return report.table(header, rows)


def lines(found: Sequence[Held]) -> dict[str, list[tuple[float, float]]]:
    """Return the memory of a span over the traces, by collector."""
    drawn: dict[str, list[tuple[float, float]]] = {}
    for one in found:
        drawn.setdefault(one.collector, []).append((one.traces, one.bytes_a_span))
    return drawn


if __name__ == "__main__":
    main()
