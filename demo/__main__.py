"""Start the collector on `configs/demo.yaml`, drive the shop through it, and tell what happened."""

import argparse
import asyncio
import contextlib
import os
import re
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from collector.data import Signal, get_attribute
from collector.testing.backend import OtlpBackend
from collector.testing.process import free_port, scrape
from demo.shop import Shop

CONFIG = Path(__file__).parent.parent / "configs" / "demo.yaml"
CARD = re.compile(r"\b4[0-9]{12}(?:[0-9]{3})?\b")
ORDERS = 300
CARRIERS = (Signal.TRACES, Signal.LOGS)
PATIENCE_SECONDS = 30.0


@dataclass
class Addresses:
    """Where everything listens: the usual ports where they are free."""

    grpc: str
    http: str
    backend: int
    metrics: int

    @classmethod
    def choose(cls) -> "Addresses":
        """Return the usual ports, or free ones for those that are taken."""
        ports = [free_port(port) for port in (4317, 4318, 14318, 8888)]
        return cls(f"localhost:{ports[0]}", f"localhost:{ports[1]}", ports[2], ports[3])

    def environment(self) -> dict[str, str]:
        """Return the environment that tells `configs/demo.yaml` the same."""
        return {
            **os.environ,
            "DEMO_GRPC": self.grpc,
            "DEMO_HTTP": self.http,
            "DEMO_BACKEND": f"http://localhost:{self.backend}",
            "DEMO_METRICS_PORT": str(self.metrics),
        }


async def wait_until_up(collector: asyncio.subprocess.Process, addresses: Addresses) -> None:
    """Return once the collector answers; raise where it ended instead."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if collector.returncode is not None:
                raise SystemExit(f"the collector ended with exit code {collector.returncode}; its log is above")
            with contextlib.suppress(aiohttp.ClientError):
                await scrape(addresses.metrics)
                return
            await asyncio.sleep(0.1)


async def everything_out(addresses: Addresses) -> dict[str, float]:
    """Return own metrics once something has left, and then nothing for longer than any batch waits."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        metrics: dict[str, float] = {}
        while True:
            before, metrics = metrics, await scrape(addresses.metrics)
            sent = {name: value for name, value in metrics.items() if name.startswith("otelcol_exporter_sent")}
            if sent and all(before.get(name) == value for name, value in sent.items()):
                return metrics
            await asyncio.sleep(1.0)


def card_numbers(backend: OtlpBackend) -> int:
    """Return in how many spans and log records a card number is left."""
    return sum(bool(CARD.search(str(item))) for signal in CARRIERS for item in backend.items(signal))


def report(shop: Shop, backend: OtlpBackend, metrics: dict[str, float]) -> None:
    """Print what came in, what was scrubbed, what was kept and what went out."""
    spans = backend.items(Signal.TRACES)
    arrived = backend.counts()
    accepted = {signal: int(metrics.get(f"otelcol_receiver_accepted_{signal.items}", 0)) for signal in Signal}
    emails = [email for span in spans if (email := get_attribute(span.attributes, "user.email")) is not None]
    resources = [resource.attributes for signal in Signal for resource in backend.resources(signal)]
    services = sorted({str(get_attribute(attributes, "service.name")) for attributes in resources})
    environments = {get_attribute(attributes, "deployment.environment.name") for attributes in resources}
    traces = {span.trace_id for span in spans}
    lines = {
        "came in": f"{accepted[Signal.TRACES]} spans of {shop.orders} orders ({shop.errors} failed, {shop.slow} slow), "
        f"{accepted[Signal.METRICS]} metric points, {accepted[Signal.LOGS]} log records",
        "scrubbed": f"user.email hashed in {len(emails)} spans, such as {str(emails[0])[:12] if emails else ''}...; "
        f"credit_card deleted; card numbers left in any text: {card_numbers(backend)}",
        "named": ", ".join(sorted({span.name for span in spans})),
        "kept": f"{len(traces)} of {shop.orders} traces ({len(traces) / shop.orders:.0%}), and says so in each span: "
        f"tracestate {spans[0].trace_state if spans else ''}",
        "went out": f"{arrived[Signal.TRACES]} spans, {arrived[Signal.METRICS]} metric points, "
        f"{arrived[Signal.LOGS]} log records of {', '.join(services)}, all with deployment.environment.name="
        f"{', '.join(map(str, environments))}",
    }
    print("-" * 100)
    for title, text in lines.items():
        print(f"{title:>9}  {text}")
    print("-" * 100, flush=True)


async def run(*, once: bool) -> int:
    """Run the demo; return the exit code: 0 where everything arrived as it should."""
    addresses = Addresses.choose()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with OtlpBackend("localhost", http_port=addresses.backend) as backend:
        print("spanmill run --config configs/demo.yaml", flush=True)
        collector = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "collector", "run", "--config", str(CONFIG)),
            env=addresses.environment(),
            start_new_session=True,
        )
        try:
            await wait_until_up(collector, addresses)
            shop = await asyncio.to_thread(drive, addresses)
            report(shop, backend, await everything_out(addresses))
            if not once:
                print(
                    f"The collector stays up: OTLP on {addresses.grpc} (gRPC) and {addresses.http} (HTTP), own metrics "
                    f"on http://localhost:{addresses.metrics}/metrics. Ctrl-C ends.",
                    flush=True,
                )
                await stop.wait()
            return 1 if card_numbers(backend) or not backend.items(Signal.TRACES) else 0
        finally:
            if collector.returncode is None:
                collector.terminate()
            await collector.wait()


def drive(addresses: Addresses) -> Shop:
    """Place the orders and send all telemetry."""
    shop = Shop(addresses.grpc, addresses.http)
    for _ in range(ORDERS):
        shop.order()
    shop.close()
    return shop


def main() -> int:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after one round instead of staying up")
    return asyncio.run(run(once=parser.parse_args().once))


if __name__ == "__main__":
    sys.exit(main())
