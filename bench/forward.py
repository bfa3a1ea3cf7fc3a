"""CPU that the collector spends per request and per span: receive -> batch -> send, one core.

    python bench/forward.py [--spans 1 16 64 512] [--transport grpc|http] [--server native|grpcio] [--processors attributes ...] [--seconds 5]

Method: the collector runs as its own process, pinned to core 0; generator and sink run here, on core 1. The generator
keeps 16 requests under way over one connection, in a closed loop, so it decides the rate; what is measured is not the
rate but the user and system time of the collector's process (/proc/<pid>/stat) between two moments, divided by the
requests that were answered in between. One warm-up round precedes each figure; rounds alternate between the shapes, so
that drift of the machine spreads over all of them; the median of the rounds is printed with their spread.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import grpc

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.payloads import trace_request
from collector.data import Signal
from collector.data.messages import RESPONSES, SERVICES
from collector.testing.process import CollectorProcess, free_port

CONCURRENCY = 16
CONFIG = """
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:{grpc}", server: {server}}}, http: {{endpoint: "127.0.0.1:{http}"}}}}}}}}
processors:
  batch: {{send_batch_size: 8192, timeout: 200ms}}
  probabilistic_sampler: {{sampling_percentage: 10}}
  attributes:
    actions: [{{key: credit_card, action: delete}}, {{key: user.email, action: hash}}, {{key: region, value: eu, action: insert}}]
  span_name: {{}}
  redaction: {{allow_all_keys: true, blocked_values: ["4[0-9]{{15}}"]}}
exporters: {{otlp_grpc: {{endpoint: "127.0.0.1:{sink}", tls: {{insecure: true}}, compression: none}}}}
service:
  pipelines: {{traces: {{receivers: [otlp], processors: [{processors}], exporters: [otlp_grpc]}}}}
  telemetry: {{metrics: {{level: none}}}}
"""


class CountingSink:
    """A gRPC server that answers and forgets."""

    async def start(self) -> int:
        """Listen; return the port."""
        answer = RESPONSES[Signal.TRACES]().SerializeToString()

        async def handle(request: bytes, context: object) -> bytes:  # noqa: ARG001 - grpc's arguments
            return answer

        service, method = SERVICES[Signal.TRACES][1:].rsplit("/", 1)
        self.server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])
        handler = grpc.method_handlers_generic_handler(service, {method: grpc.unary_unary_rpc_method_handler(handle)})
        self.server.add_generic_rpc_handlers((handler,))
        port: int = self.server.add_insecure_port("127.0.0.1:0")
        await self.server.start()
        return port


def cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def load(send: Callable[[], Awaitable[None]], seconds: float) -> int:
    """Send in a closed loop for a while; return how many requests were answered."""
    end = time.monotonic() + seconds
    answered = 0

    async def worker() -> None:
        nonlocal answered
        while time.monotonic() < end:
            await send()
            answered += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(CONCURRENCY):
            group.create_task(worker())
    return answered


async def measure(send: Callable[[], Awaitable[None]], pid: int, seconds: float) -> float:
    """Return the CPU seconds per request."""
    before = cpu_seconds(pid)
    answered = await load(send, seconds)
    return (cpu_seconds(pid) - before) / answered


async def bench(arguments: argparse.Namespace) -> None:
    """Run all shapes and print a table."""
    ports = free_port(), free_port()
    sink = CountingSink()
    config = CONFIG.format(
        grpc=ports[0],
        http=ports[1],
        server=arguments.server,
        sink=await sink.start(),
        processors=", ".join([*arguments.processors, "batch"]),
    )
    payloads = {count: trace_request(count) for count in arguments.spans}
    async with (
        CollectorProcess(config) as collector,
        grpc.aio.insecure_channel(f"127.0.0.1:{ports[0]}") as channel,
        aiohttp.ClientSession(headers={"Content-Type": "application/x-protobuf"}) as session,
    ):
        pid = collector.process.pid
        pin(pid)
        method = channel.unary_unary(SERVICES[Signal.TRACES])

        async def over_http(payload: bytes) -> None:
            async with session.post(f"http://127.0.0.1:{ports[1]}/v1/traces", data=payload) as answer:
                answer.raise_for_status()

        async def over_grpc(payload: bytes) -> None:
            await method(payload)

        one = over_grpc if arguments.transport == "grpc" else over_http
        costs: dict[int, list[float]] = {count: [] for count in arguments.spans}
        for number in range(arguments.rounds + 1):
            for count, payload in payloads.items():
                cost = await measure(lambda payload=payload: one(payload), pid, arguments.seconds if number else 1.0)
                if number:
                    costs[count].append(cost)
        show(costs, payloads, collector.rss_mib, arguments)
    await sink.server.stop(None)


def pin(pid: int) -> None:
    """Give the collector (every thread of it) core 0 and this process core 1, where there are two."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {0})
        os.sched_setaffinity(0, {1})


def show(costs: dict[int, list[float]], payloads: dict[int, bytes], rss: float, arguments: argparse.Namespace) -> None:
    """Print the table."""
    chain = " -> ".join(["receive", *arguments.processors, "batch", "send"])
    transport = f"grpc ({arguments.server})" if arguments.transport == "grpc" else "http"
    print(f"{chain}, {transport}, median of {arguments.rounds} rounds (min to max); RSS at the end {rss:.0f} MiB")
    print(f"{'spans/request':>14} {'bytes':>8} {'µs CPU/request':>24} {'µs CPU/span':>12}")
    for count, values in costs.items():
        low, middle, high = (1e6 * figure for figure in (min(values), statistics.median(values), max(values)))
        spread = f"{middle:.0f} ({low:.0f} to {high:.0f})"
        print(f"{count:>14} {len(payloads[count]):>8} {spread:>24} {middle / count:>12.2f}")


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spans", type=int, nargs="+", default=[1, 16, 64, 512], help="spans a request")
    parser.add_argument("--transport", choices=["grpc", "http"], default="grpc")
    parser.add_argument("--server", choices=["native", "grpcio"], default="native", help="what serves gRPC")
    parser.add_argument("--processors", nargs="*", default=[], help="processors before batch, by their id in CONFIG")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of a round")
    parser.add_argument("--rounds", type=int, default=5)
    asyncio.run(bench(parser.parse_args()))


if __name__ == "__main__":
    main()
