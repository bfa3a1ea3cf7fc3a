"""Every file in `configs/` is validated and run, with the environment that it documents."""

import asyncio
from pathlib import Path

import pytest
import yaml
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from collector.testing.process import CollectorProcess, free_port

CONFIGS = Path(__file__).parent.parent.parent / "configs"
# Files that are run together, as their first lines say; every other file is run alone.
TOGETHER = {"ops": ["ops/base.yaml", "ops/production.yaml"], "ops-development": ["ops/base.yaml"]}
ALONE = {path.stem: [path.name] for path in CONFIGS.glob("*.yaml")}
CASES = ALONE | TOGETHER


# What makes a sampler keep every trace, and that soon.
KEPT = {
    "adaptive_sampler": ["decision_wait=0s"],
    "priority_sampler": ["decision_wait=0s", "rules=[{name: everything, keep: 100%}]"],
    "probabilistic_sampler": ["sampling_percentage=100"],
    "tail_sampling": ["decision_wait=0s", "policies=[{name: everything, type: always_sample}]"],
}


def sampled_everything(files):
    """Return --set arguments that keep every trace in the configurations that sample."""
    text = "".join((CONFIGS / file).read_text() for file in files)
    options = [f"processors.{sampler}.{option}" for sampler in KEPT if sampler in text for option in KEPT[sampler]]
    return [argument for option in options for argument in ("--set", option)]


@pytest.mark.parametrize("name", CASES)
async def test_a_span_goes_through(backend, name, tmp_path):
    """A span sent to the receiver that the file sets up reaches the backend that the file names."""
    grpc, http, metrics, health = (free_port() for _ in range(4))
    token = tmp_path / "token"
    token.write_text("secret")
    environment = {
        "DEMO_GRPC": f"localhost:{grpc}",
        "DEMO_HTTP": f"localhost:{http}",
        "DEMO_BACKEND": backend.http_endpoint,
        "DEMO_METRICS_PORT": str(metrics),
        "SPANMILL_GRPC": f"localhost:{grpc}",
        "SPANMILL_HTTP": f"localhost:{http}",
        "SPANMILL_GATEWAY": backend.grpc_endpoint,
        "SPANMILL_BACKEND": backend.http_endpoint if name == "gateway" else backend.grpc_endpoint,
        "SPANMILL_KEPT": str(tmp_path / "kept.jsonl"),
        "SPANMILL_TOKEN_FILE": str(token),
        "SCRUB_KEY": "a key of the hashes, for this test only",
        "SPANMILL_ZIPKIN_LISTEN": f"localhost:{free_port()}",
        "SPANMILL_JAEGER_GRPC": f"localhost:{free_port()}",
        "SPANMILL_JAEGER_HTTP": f"localhost:{free_port()}",
        "SPANMILL_JAEGER_COMPACT": f"localhost:{free_port()}",
        "SPANMILL_JAEGER_BINARY": f"localhost:{free_port()}",
        "SPANMILL_JAEGER_SAMPLING": f"localhost:{free_port()}",
    }
    files = CASES[name]
    config = yaml.safe_load((CONFIGS / files[0]).read_text())
    moved = {
        "receivers.otlp.protocols.grpc.endpoint": f"localhost:{grpc}",
        "receivers.otlp.protocols.http.endpoint": f"localhost:{http}",
        "service.telemetry.metrics.readers": f"[{{pull: {{exporter: {{prometheus: {{host: localhost, port: {metrics}}}}}}}}}]",
    }
    if "health_check" in config.get("extensions", {}):
        moved["extensions.health_check.endpoint"] = f"localhost:{health}"
    sets = [argument for path, value in moved.items() for argument in ("--set", f"{path}={value}")]
    process = CollectorProcess(
        [CONFIGS / file for file in files], env=environment, arguments=[*sets, *sampled_everything(files)]
    )
    async with process:
        await asyncio.to_thread(send_span, grpc)
        await backend.wait_for(1)
        assert "secret" not in process.log
    assert {name for batch in backend.batches for name in names(batch)} == {"GET /ready"}


def names(batch):
    return {scope.message(index).name for _, scope in batch.open().scopes() for index in range(len(scope))}


def send_span(port):
    provider = TracerProvider(resource=Resource.create({"service.name": "probe"}))
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(f"localhost:{port}", insecure=True)))
    provider.get_tracer("e2e").start_span("GET /ready").end()
    provider.shutdown()
