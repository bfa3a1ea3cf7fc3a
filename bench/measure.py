"""Measuring: a round of load, the starts of each collector, and cases in which the collectors take turns."""

import argparse
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.load import Load
from bench.payloads import read_requests, write_requests
from bench.peers import Peer, Setup
from bench.processes import Watched
from bench.results import Case, Round, Series, Start
from bench.shapes import Shape
from collector.testing.process import free_port

WARM_UP = 1.0
SETTLED = 1.0  # a collector at rest, after its start
# Nothing more comes if nothing came for so long. Where all is to be sent on, the wait ends with the last span, and this
# is for losses; where a part is, it is three times the timeout of the batches, after the wait for a trace's last spans.
QUIET = {"forward": 6.0, "scrub": 6.0, "head": 0.6, "tail": 4.0}
DRAIN = 30.0
_POLL = 0.02


def measure_round(load: Load, collector: Watched, shape: Shape, seconds: float, requests: int = 0) -> Round:
    """Load a collector over the open connections; its CPU counts until the last span that it took in has gone out."""
    before, cpu = load.spans_arrived(), collector.cpu_seconds
    sent = load.run(seconds, requests)
    if not sent.answered:
        raise RuntimeError(f"{shape.title}: no request was accepted: {sent.error}")
    arrived = _drained(load, before + sent.spans, QUIET[shape.work]) - before
    cpu = collector.cpu_seconds - cpu
    return Round(cpu, sent.seconds, sent.answered, sent.refused, sent.spans, arrived)


def _drained(load: Load, expected: int, quiet: float) -> int:
    """Wait until so many spans have arrived, or no more come; return how many arrived since the start."""
    seen, since = load.spans_arrived(), time.monotonic()
    end = since + DRAIN
    while seen < expected and time.monotonic() < min(end, since + quiet):
        time.sleep(_POLL)
        if (now := load.spans_arrived()) != seen:
            seen, since = now, time.monotonic()
    return seen


class Bench:
    """Measures the collectors with one load generator; `arguments` has seconds, requests, rounds and starts."""

    def __init__(self, peers: Sequence[Peer], load: Load, folder: Path, arguments: argparse.Namespace) -> None:
        self._peers = peers
        self._load = load
        self._folder = folder
        self._seconds: float = arguments.seconds
        self._requests: int = arguments.requests
        self._rounds: int = arguments.rounds
        self._starts: int = arguments.starts

    def starts(self) -> dict[str, Start]:
        """Start each collector some times, in turn, one at a time; the first start fills caches and does not count."""
        starts = {peer.name: Start() for peer in self._peers}
        for number in range(self._starts + 1 if self._starts else 0):
            for peer in self._peers:
                collector, setup = self._launch(peer, Shape())
                with collector:
                    ready = collector.wait_until_ready([setup.grpc, setup.http])
                    time.sleep(SETTLED)
                    if number:
                        starts[peer.name].ready.append(ready)
                        starts[peer.name].idle.append(collector.rss_mib)
        return starts

    def case(self, shape: Shape) -> Case:
        """Measure a shape: every collector is started and warmed up, then they take turns."""
        payloads = self._folder / "payloads"
        write_requests(payloads, shape)
        case = Case(shape, len(read_requests(payloads)[0]))
        with ExitStack() as stack:
            running: list[tuple[Series, Watched, Setup]] = []
            for peer in self._peers:
                if shape.work in peer.works:
                    collector, setup = self._launch(peer, shape)
                    stack.enter_context(collector)
                    collector.wait_until_ready([setup.grpc, setup.http])
                    running.append((case.series.setdefault(peer.name, Series()), collector, setup))
            for number in range(self._rounds + 1):
                for series, collector, setup in running:
                    self._load.open(shape, setup.grpc if shape.transport == "grpc" else setup.http, payloads)
                    self._use_each_connection(collector, shape)
                    seconds = self._seconds if number else WARM_UP
                    measured = measure_round(self._load, collector, shape, seconds, self._requests)
                    self._load.close()
                    if number:
                        series.rounds.append(measured)
            for series, collector, _ in running:
                series.peak = collector.peak_mib
        return case

    def _use_each_connection(self, collector: Watched, shape: Shape) -> None:
        """Send some requests over each of many connections, so that what a new one costs is in no figure."""
        if shape.connections > 1:
            measure_round(self._load, collector, shape, self._seconds, 2 * shape.connections)

    def _launch(self, peer: Peer, shape: Shape) -> tuple[Watched, Setup]:
        compression = "gzip" if shape.compression == "gzip" else "none"
        setup = Setup(shape.work, compression, free_port(), free_port(), self._load.sink_port, free_port())
        command = peer.command(setup, self._folder)
        return Watched(command, directory=peer.directory, log=self._folder / f"{peer.name}.log"), setup
