"""CPU that Spanmill alone spends per request and per span: receive -> processors -> batch -> send, one core.

    python bench/forward.py [--spans 1 16 64 512] [--transport grpc|http] [--server native|grpcio]
                            [--processors attributes ...] [--seconds 5] [--rounds 5]

For a quick look at one change, with any of the processors in CONFIG and without own metrics; `bench/compare.py` is the
full measurement. The method is the same: see bench/README.md.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.load import Load, load_command
from bench.measure import WARM_UP, measure_round
from bench.payloads import write_requests
from bench.peers import ROOT
from bench.processes import LOAD_CORE, Watched
from bench.results import Series
from bench.shapes import SPANS, Shape
from collector.testing.process import free_port

CONFIG = """
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:{grpc}", server: {server}}}, http: {{endpoint: "127.0.0.1:{http}"}}}}}}}}
processors:
  batch: {{send_batch_size: 8192, timeout: 200ms}}
  probabilistic_sampler: {{sampling_percentage: 10}}
  attributes:
    actions: [{{key: credit_card, action: delete}}, {{key: user.email, action: hash}}, {{key: region, value: eu, action: insert}}]
  span_name: {{}}
  scrub: {{}}
  redaction: {{allow_all_keys: true, blocked_values: ["4[0-9]{{15}}"]}}
exporters: {{otlp_grpc: {{endpoint: "127.0.0.1:{sink}", tls: {{insecure: true}}, compression: none}}}}
service:
  pipelines: {{traces: {{receivers: [otlp], processors: [{processors}], exporters: [otlp_grpc]}}}}
  telemetry: {{metrics: {{level: none}}}}
"""


def bench(arguments: argparse.Namespace) -> None:
    """Run all shapes in turn and print a table."""
    generator, command = load_command()
    os.sched_setaffinity(0, {LOAD_CORE})
    ports = {"grpc": free_port(), "http": free_port()}
    work = "head" if "probabilistic_sampler" in arguments.processors else "forward"
    shapes = [Shape(work=work, transport=arguments.transport, spans=spans) for spans in arguments.spans]
    costs = {shape: Series() for shape in shapes}
    with tempfile.TemporaryDirectory(prefix="spanmill-bench-") as name, Load(command) as load:
        folder = Path(name)
        config = folder / "config.yaml"
        processors = ", ".join([*arguments.processors, "batch"])
        config.write_text(CONFIG.format(**ports, server=arguments.server, sink=load.sink_port, processors=processors))
        for shape in shapes:
            write_requests(folder / str(shape.spans), shape)
        run = [sys.executable, "-m", "collector", "run", "--config", str(config)]
        with Watched(run, directory=ROOT, log=folder / "log") as collector:
            collector.wait_until_ready(list(ports.values()))
            for number in range(arguments.rounds + 1):
                for shape in shapes:
                    load.open(shape, ports[shape.transport], folder / str(shape.spans))
                    measured = measure_round(load, collector, shape, arguments.seconds if number else WARM_UP)
                    if number:
                        costs[shape].rounds.append(measured)
            print(
                f"{' -> '.join(['receive', *arguments.processors, 'batch', 'send'])}, {arguments.transport}, "
                f"{arguments.server} server; median of {arguments.rounds} rounds (min to max); generator in {generator}; "
                f"peak {collector.peak_mib:.0f} MiB"
            )
    show(costs)


def show(costs: dict[Shape, Series]) -> None:
    """Print the table."""
    print(f"{'spans/request':>14} {'µs CPU/request':>24} {'µs CPU/span':>12} {'spans arrived':>14}")
    for shape, series in costs.items():
        cost = series.cost
        spread = f"{cost.middle:.0f} ({cost.low:.0f} to {cost.high:.0f})"
        print(f"{shape.spans:>14} {spread:>24} {cost.middle / shape.spans:>12.2f} {series.arrived:>14.1%}")


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, nargs="+", default=SPANS, help="spans a request")
    parser.add_argument("--transport", choices=["grpc", "http"], default="grpc")
    parser.add_argument("--server", choices=["native", "grpcio"], default="native", help="what serves gRPC")
    parser.add_argument("--processors", nargs="*", default=[], help="processors before batch, by their id in CONFIG")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a round")
    parser.add_argument("--rounds", type=int, default=5)
    bench(parser.parse_args())


if __name__ == "__main__":
    main()
