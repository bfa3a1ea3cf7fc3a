"""Backends go away for half a minute: what was sent meanwhile waits in the exporters' queues, and arrives."""

import asyncio

import pytest
from backends.matrix import WAYS_IN, WAYS_OUT
from backends.records import records_of
from backends.senders import Target
from backends.traces import a_trace

from collector.testing.process import CollectorProcess, free_port, scrape

pytestmark = pytest.mark.interop

OUTAGE = 30  # seconds
COUNT = 20

CONFIG = """
receivers:
  otlp: {options}
exporters:
  {exporters}
service:
  pipelines:
    traces: {{receivers: [otlp], exporters: [jaeger, zipkin, tempo]}}
  telemetry:
    metrics: {{readers: [{{pull: {{exporter: {{prometheus: {{host: localhost, port: {metrics}}}}}}}}}]}}
"""
RETRY = "retry_on_failure: {initial_interval: 500ms, max_interval: 3s}"


async def test_what_waited_arrives_when_the_backends_are_back(jaeger, zipkin, tempo):
    """A trace each second while none of them runs: every span is there afterwards, and was sent once."""
    servers = {"jaeger": jaeger, "zipkin": zipkin, "tempo": tempo}
    target = Target(free_port(), free_port())
    options = {
        name: WAYS_OUT[name].options.replace("PORT", str(server.ports[WAYS_OUT[name].port]))
        for name, server in servers.items()
    }
    config = CONFIG.format(
        options=WAYS_IN["otlp-grpc"].options.replace("PORT", str(target.port)),
        exporters="\n  ".join(f"{name}: {{{RETRY}, {text.removeprefix('{')}" for name, text in options.items()),
        metrics=target.metrics,
    )
    async with CollectorProcess(config):
        await _arrive(target, servers, [await _send(target)])
        for server in servers.values():
            await asyncio.to_thread(server.stop)
        traces = []
        for _ in range(OUTAGE):
            traces.append(await _send(target))
            await asyncio.sleep(1)
        counts = await scrape(target.metrics)
        assert (3 * OUTAGE, 3 * COUNT) == (counts["otelcol_exporter_queue_size"], counts["otelcol_exporter_sent_spans"])
        for server in servers.values():
            await asyncio.to_thread(server.start)
        await _arrive(target, servers, traces)
        assert 3 * COUNT * (1 + OUTAGE) == (await scrape(target.metrics))["otelcol_exporter_sent_spans"]
    for server in servers.values():
        assert OUTAGE * COUNT == await server.received()


async def _send(target: Target) -> str:
    """Send a trace; return its id."""
    payload = a_trace(COUNT)
    await WAYS_IN["otlp-grpc"].send(target, payload)
    return records_of(payload)[0].trace_id


async def _arrive(target, servers, traces):
    for server in servers.values():
        for trace in traces:
            assert COUNT == len(await server.arrived(trace, COUNT))
