"""The collectors that are compared, each set up for the same work: receive, perhaps edit or sample, batch, send.

What is not said here is at its default: validity checks, the queue and the retries of the exporter, own metrics. Spanmill
and the OpenTelemetry Collector read the same file. Rotel batches by default as the others are told to (8192 spans,
200 ms); its edits are functions that users write, so only forwarding is compared.
"""

import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.builds import ROTEL, go_program, output_of, rotel_binary
from bench.shapes import WORKS

ROOT = Path(__file__).parent.parent
PROCESSORS = {
    "forward": "",
    "head": "probabilistic_sampler, ",
    "scrub": "attributes, ",
    "tail": "tail_sampling, ",
    "hold": "tail_sampling, ",
}
DECLARED = {
    "forward": "",
    "head": "probabilistic_sampler: {sampling_percentage: 10}",
    "scrub": """attributes:
    actions:
      - {key: credit_card, action: delete}
      - {key: user.email, action: hash}
      - {key: region, action: insert, value: eu}""",
    # Room for all that comes within the wait, and the memory of decisions that Spanmill has by default.
    "tail": """tail_sampling:
    decision_wait: 1s
    num_traces: 1000000
    decision_cache: {sampled_cache_size: 100000, non_sampled_cache_size: 1000000}
    policies:
      - {name: errors, type: status_code, status_code: {status_codes: [ERROR]}}
      - {name: slow, type: latency, latency: {threshold_ms: 1000}}
      - {name: others, type: probabilistic, probabilistic: {sampling_percentage: 5}}""",
    # For `tail_memory.py`.
    "hold": """tail_sampling:
    decision_wait: 1h
    num_traces: 10000000
    drop_pending_traces_on_shutdown: true
    policies: [{name: all, type: always_sample}]""",
}
CONFIG = """receivers:
  otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:{grpc}"}}, http: {{endpoint: "127.0.0.1:{http}"}}}}}}
processors:
  batch: {{send_batch_size: 8192, timeout: 200ms}}
  {declared}
exporters:
  otlp_grpc: {{endpoint: "127.0.0.1:{sink}", tls: {{insecure: true}}, compression: {compression}}}
service:
  pipelines:
    traces: {{receivers: [otlp], processors: [{processors}batch], exporters: [otlp_grpc]}}
  telemetry:
    metrics: {{readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {metrics}}}}}}}}}]}}
"""


@dataclass(frozen=True)
class Setup:
    """What a collector is to do: the work, the compression of what it sends (none or gzip), and the ports."""

    work: str
    compression: str
    grpc: int
    http: int
    sink: int
    metrics: int

    @property
    def config(self) -> str:
        """The configuration of Spanmill and of the OpenTelemetry Collector."""
        return CONFIG.format(**vars(self), declared=DECLARED[self.work], processors=PROCESSORS[self.work])


@dataclass(frozen=True)
class Peer:
    """A collector: how it is called, what it can do, and the command that runs it, given a scratch folder."""

    name: str
    title: str
    version: str
    works: Sequence[str]
    command: Callable[[Setup, Path], list[str]]
    directory: Path = ROOT


def spanmill(name: str = "spanmill", title: str = "Spanmill", checkout: Path = ROOT) -> Peer:
    """Return Spanmill as it is in a checkout, run by this Python."""
    run = [sys.executable, "-m", "collector"]
    version = output_of([*run, "--version"], checkout).split()[-1]
    return Peer(
        name,
        title,
        f"{version}, CPython {platform.python_version()}",
        list(WORKS),
        lambda setup, folder: [*run, "run", "--config", _written(setup, folder / f"{name}.yaml")],
        checkout,
    )


def otelcol() -> Peer:
    """Return the OpenTelemetry Collector, built from `bench/otelcol`."""
    binary = go_program("otelcol")
    version = output_of([binary, "--version"]).split()[-1]
    go = output_of(["go", "env", "GOVERSION"]).removeprefix("go")
    return Peer(
        "otelcol",
        "otelcol",
        f"OpenTelemetry Collector {version}, Go {go}",
        list(WORKS),
        lambda setup, folder: [str(binary), "--config", _written(setup, folder / "otelcol.yaml")],
    )


def rotel() -> Peer:
    """Return Rotel as its wheel brings it; the wheel and the program in it have versions of their own."""
    binary = rotel_binary()
    version = output_of([binary, "--version"]).split()[-1]
    return Peer(
        "rotel",
        "Rotel",
        f"{version}, wheel {ROTEL.partition('==')[2]}",
        ["forward"],
        lambda setup, folder: [
            *(str(binary), "start", "--log-file", str(folder / "rotel.log"), "--pid-file", str(folder / "rotel.pid")),
            *("--otlp-grpc-endpoint", f"127.0.0.1:{setup.grpc}", "--otlp-http-endpoint", f"127.0.0.1:{setup.http}"),
            *("--exporter", "otlp", "--otlp-exporter-endpoint", f"http://127.0.0.1:{setup.sink}"),
            *("--otlp-exporter-compression", setup.compression),
        ],
    )


PEERS: dict[str, Callable[[], Peer]] = {"spanmill": spanmill, "otelcol": otelcol, "rotel": rotel}


def _written(setup: Setup, path: Path) -> str:
    path.write_text(setup.config)
    return str(path)
