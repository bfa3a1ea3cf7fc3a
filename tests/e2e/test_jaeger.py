"""Jaeger's own client, the collector in the place of Jaeger's agent and collector, and on from there."""

import asyncio
import json
import socket
import sys

from collector.data import Signal, get_attribute
from collector.testing.process import CollectorProcess, free_port, scrape
from collector.translate.jaeger.thrift import translate_packet

# What the first pipelines send, the last receives: every protocol and exporter in one process.
CONFIG = """
receivers:
  jaeger: {{protocols: {{thrift_compact: {{endpoint: "localhost:{agent}"}}}}}}
  jaeger/back: {{protocols: {{grpc: {{endpoint: "localhost:{grpc}"}}, thrift_http: {{endpoint: "localhost:{http}"}}}}}}
exporters:
  jaeger: {{endpoint: "localhost:{grpc}", protocol: grpc_v2, tls: {{insecure: true}}}}
  jaeger_thrift: {{endpoint: "http://localhost:{http}/api/traces"}}
  jaeger/otlp: {{endpoint: "{backend}", tls: {{insecure: true}}}}
extensions:
  jaegerremotesampling:
    source: {{file: "{strategies}"}}
    http: {{endpoint: "localhost:{sampling}"}}
    grpc: {{enabled: false}}
service:
  extensions: [jaegerremotesampling]
  pipelines:
    traces/out: {{receivers: [jaeger], exporters: [jaeger, jaeger_thrift]}}
    traces/back: {{receivers: [jaeger/back], exporters: [jaeger/otlp]}}
  telemetry: {{metrics: {{level: none}}}}
"""

# The client is set up as an application's. Its sampler keeps next to nothing until it is told to keep everything.
APPLICATION = """
import sys, time
from jaeger_client import Config

agent = {"reporting_host": "localhost", "reporting_port": int(sys.argv[1]), "sampling_port": int(sys.argv[2])}
config = {"local_agent": agent, "sampling_refresh_interval": 0.1, "reporter_flush_interval": 0.1}
tracer = Config(config=config, service_name="shop", validate=True).initialize_tracer()
while tracer.sampler.sampler.rate < 1:
    time.sleep(0.05)
with tracer.start_active_span("get /orders") as scope:
    scope.span.set_tag("span.kind", "server").set_tag("http.status_code", 404)
    with tracer.start_active_span("query") as inner:
        inner.span.set_tag("span.kind", "client").set_tag("error", True).log_kv({"event": "failed", "retries": 2})
sent = tracer.close()
while not sent.done():
    time.sleep(0.01)
"""


async def test_a_trace_goes_there_and_back(backend, tmp_path):
    strategies = tmp_path / "strategies.json"
    strategies.write_text(
        json.dumps({"service_strategies": [{"service": "shop", "type": "probabilistic", "param": 1}]})
    )
    ports = {name: free_port() for name in ("agent", "grpc", "http", "sampling")}
    config = CONFIG.format(backend=backend.grpc_endpoint, strategies=strategies, **ports)
    async with CollectorProcess(config):
        arguments = ("-c", APPLICATION, str(ports["agent"]), str(ports["sampling"]))
        application = await asyncio.create_subprocess_exec(sys.executable, "-W", "ignore", *arguments)
        await backend.wait_for(4)
        assert 0 == await application.wait()
    spans = sorted(backend.items(Signal.TRACES), key=lambda span: span.kind)
    assert ["get /orders"] * 2 + ["query"] * 2 == [span.name for span in spans]
    for server, client in (spans[0::2], spans[1::2]):
        assert server.trace_id == client.trace_id
        assert (b"", server.span_id) == (server.parent_span_id, client.parent_span_id)
        assert (2, 3) == (server.kind, client.kind)
        assert (0, 2) == (server.status.code, client.status.code)
        assert 0 < server.start_time_unix_nano <= client.start_time_unix_nano <= client.end_time_unix_nano
        assert (404, 1.0) == tuple(
            get_attribute(server.attributes, key) for key in ("http.status_code", "sampler.param")
        )
        (event,) = client.events
        assert ("failed", 2) == (event.name, get_attribute(event.attributes, "retries"))
    resources = backend.resources(Signal.TRACES)
    assert {"shop"} == {get_attribute(found.attributes, "service.name") for found in resources}
    assert {"Jaeger-Python-4.8.0"} == {
        get_attribute(found.attributes, "opencensus.exporterversion") for found in resources
    }


FLOODED = """
receivers:
  jaeger:
    protocols:
      thrift_compact: {{endpoint: "localhost:{agent}", queue_size: 50, workers: 2, max_packet_size: 60000}}
exporters:
  otlp_grpc: {{endpoint: "{backend}", tls: {{insecure: true}}, timeout: 0s, sending_queue: {{enabled: false}}}}
service:
  pipelines:
    traces: {{receivers: [jaeger], exporters: [otlp_grpc]}}
  telemetry:
    metrics: {{readers: [{{pull: {{exporter: {{prometheus: {{host: localhost, port: {metrics}}}}}}}}}]}}
"""
DROPPED = "otelcol_jaeger_receiver_thrift_pkt_dropped"
PROCESSED = "otelcol_jaeger_receiver_thrift_pkt_processed"


def packet(name: bytes) -> bytes:
    """Return a call of emitBatch in the compact protocol, of one span with this name."""
    size = bytes([len(name) & 0x7F | 0x80, len(name) >> 7 & 0x7F | 0x80, len(name) >> 14])
    span = b"\x16\x02\x16\x02\x16\x02\x28" + size + name + b"\x00"
    return b"\x82\x81\x00\x09emitBatch\x1c\x1c\x18\x04shop\x00\x19\x1c" + span + b"\x00\x00"


def test_the_packet():
    """It is the one that is meant."""
    assert 1 == translate_packet(packet(b"x" * 50_000), "compact").count


async def test_a_flood_takes_no_more_memory_than_it_may(backend):
    """While the backend takes nothing, packets are dropped and counted; then what waited arrives, and what comes after it."""
    agent, metrics = free_port(), free_port()
    backend.answering.clear()
    config = FLOODED.format(agent=agent, metrics=metrics, backend=backend.grpc_endpoint)
    kinds = [packet(b"x" * 50_000), b"\xff" * 50_000, b"\x82" + bytes(62_000), packet(b"x" * 50_000)[:-1000]]
    async with CollectorProcess(config) as collector:
        before = collector.rss_mib
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for _ in range(500):
                for content in kinds:
                    client.sendto(content, ("127.0.0.1", agent))
                await asyncio.sleep(0)
            async with asyncio.timeout(30):
                while (await scrape(metrics)).get(DROPPED, 0) < 100:
                    client.sendto(kinds[0], ("127.0.0.1", agent))
            # The queue holds three megabytes at most.
            assert collector.rss_mib - before < 40
            backend.answering.set()
            async with asyncio.timeout(30):
                while not any(span.name == "last" for span in backend.items(Signal.TRACES)):
                    client.sendto(packet(b"last"), ("127.0.0.1", agent))
                    await asyncio.sleep(0.05)
        assert (await scrape(metrics))[PROCESSED] > 0
