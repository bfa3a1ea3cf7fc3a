"""Spanmill, the OpenTelemetry Collector and Rotel side by side: CPU per request and per span, memory, time to start.

    python bench/compare.py                                the default selection, about half an hour
    python bench/compare.py --quick                        about 4 minutes
    python bench/compare.py --shapes 64 --work scrub       every combination of what is picked
    python bench/compare.py --base ../before --peers spanmill    this checkout beside another one
    python bench/compare.py --write                        the report into docs/benchmarks.md, with its plots
    python bench/compare.py --report --write               the same from the figures of the last run

bench/README.md tells the method.
"""

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench import report
from bench.builds import CACHE, UnavailableError
from bench.load import Load, load_command
from bench.measure import Bench
from bench.peers import PEERS, Peer, spanmill
from bench.processes import LOAD_CORE
from bench.results import Results
from bench.shapes import SPANS, TRANSPORTS, WORKS, Shape, crossed, full, quick

LAST = CACHE / "last.json"


def main() -> int:
    """Run, print, and write the report where asked; 1 where Spanmill lost something."""
    arguments = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    CACHE.mkdir(parents=True, exist_ok=True)
    results = Results.read(LAST) if arguments.report else compare(arguments)
    print(report.text(results))
    if arguments.write:
        report.write(results)
    losses = [(name, case.shape.title) for case in results.cases for name in report.losers(case)]
    for name, title in losses:
        print(f"{name} lost spans: {title}", file=sys.stderr)
    return 1 if "spanmill" in dict(losses) else 0


def parse() -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few shapes, 3 rounds of 1 s")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--base", type=Path, help="another checkout of Spanmill, to measure beside this one")
    picks = parser.add_argument_group("shapes", "each of these replaces the selection by the combinations of all")
    picks.add_argument("--shapes", type=int, nargs="+", metavar="SPANS", help="spans a request (1 16 64 512)")
    picks.add_argument("--work", nargs="+", choices=WORKS)
    picks.add_argument("--transport", nargs="+", choices=TRANSPORTS)
    picks.add_argument("--compression", nargs="+", choices=["plain", "gzip"])
    picks.add_argument("--attributes", type=int, nargs="+", help="attributes a span (9)")
    picks.add_argument("--connections", type=int, nargs="+", help="1 to 2000 (1)")
    parser.add_argument("--rounds", type=int, help="rounds of each collector (5)")
    parser.add_argument("--seconds", type=float, help="length of a round (2)")
    parser.add_argument("--requests", type=int, default=0, help="end a round after so many requests")
    parser.add_argument("--starts", type=int, help="starts that are timed (5)")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md and its plots")
    parser.add_argument("--report", action="store_true", help="do not measure; report the last run again")
    arguments = parser.parse_args()
    rounds, seconds, starts = (3, 1.0, 3) if arguments.quick else (5, 2.0, 5)
    arguments.rounds = arguments.rounds or rounds
    arguments.seconds = arguments.seconds or seconds
    arguments.starts = starts if arguments.starts is None else arguments.starts
    return arguments


def selection(arguments: argparse.Namespace) -> list[Shape]:
    """Return the shapes to measure."""
    names = ("work", "transport", "compression", "shapes", "attributes", "connections")
    if not any(getattr(arguments, name) for name in names):
        return quick() if arguments.quick else full()
    return crossed(
        works=arguments.work or ["forward"],
        transports=arguments.transport or ["grpc"],
        compressions=arguments.compression or ["plain"],
        spans=arguments.shapes or SPANS,
        attributes=arguments.attributes or [Shape.attributes],
        connections=arguments.connections or [Shape.connections],
    )


def compare(arguments: argparse.Namespace) -> Results:
    """Measure all that was selected; the figures are kept after each case."""
    missing: dict[str, str] = {}
    peers = list(available(arguments, missing))
    generator, command = load_command()
    results = Results(generator, arguments.seconds, arguments.rounds, missing=missing)
    for peer in peers:
        results.titles[peer.name], results.versions[peer.name] = peer.title, peer.version
        print(f"{peer.title}: {peer.version}")
    os.sched_setaffinity(0, {LOAD_CORE})
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="spanmill-bench-")))
        load = stack.enter_context(Load(command))
        bench = Bench(peers, load, folder, arguments)
        results.starts = bench.starts()
        for shape in selection(arguments):
            results.cases.append(bench.case(shape))
            print(report.line(results, results.cases[-1]), flush=True)
            results.save(LAST)
    return results


def available(arguments: argparse.Namespace, missing: dict[str, str]) -> Iterator[Peer]:
    """Yield the collectors that can run here; the others go to `missing`, with the reason."""
    wanted = {name: PEERS[name] for name in arguments.peers}
    if arguments.base:
        wanted["base"] = lambda: spanmill("base", "Spanmill (base)", arguments.base.resolve())
    for name, make in wanted.items():
        try:
            yield make()
        except UnavailableError as error:
            missing[name] = str(error)
            print(f"{name} is not available: {error}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
