"""Spans through a collector process to the servers that people run: Jaeger, Zipkin and Grafana Tempo.

Each row of the matrix is a way in, each column a server with the exporter for it; the server's own API says what it
has. `backends/matrix.py` has the rows and columns, `backends/losses.py` what formats cannot hold.
"""

import pytest
from backends.losses import as_held
from backends.matrix import OTHER_WAYS_OUT, WAYS_IN, WAYS_OUT, WayIn, WayOut
from backends.records import records_of
from backends.senders import Target
from backends.server import BackendServer
from backends.traces import a_trace

from collector.testing.process import CollectorProcess, free_port

pytestmark = pytest.mark.interop

COUNT = 500

CONFIG = """
receivers:
  {receiver}: {receiver_options}
processors:
  batch: {{timeout: 50ms}}
exporters:
  {exporter}: {exporter_options}
service:
  pipelines:
    traces: {{receivers: [{receiver}], processors: [batch], exporters: [{exporter}]}}
  telemetry:
    metrics: {{readers: [{{pull: {{exporter: {{prometheus: {{host: localhost, port: {metrics}}}}}}}}}]}}
"""


@pytest.mark.parametrize("way_out", WAYS_OUT.values(), ids=WAYS_OUT)
@pytest.mark.parametrize("way_in", WAYS_IN.values(), ids=WAYS_IN)
async def test_every_span_is_there_once_and_whole(way_in: WayIn, way_out: WayOut, request):
    """All that both formats and the server can hold is equal, and the server was sent no span twice."""
    await _pass(way_in, way_out, request.getfixturevalue(way_out.server))


@pytest.mark.parametrize("way_out", OTHER_WAYS_OUT.values(), ids=OTHER_WAYS_OUT)
async def test_so_it_is_with_the_other_exporters(way_out: WayOut, request):
    await _pass(WAYS_IN["otlp-grpc"], way_out, request.getfixturevalue(way_out.server))


async def _pass(way_in: WayIn, way_out: WayOut, server: BackendServer) -> None:
    payload, target = a_trace(COUNT), Target(free_port(), free_port())
    before = await server.received()
    config = CONFIG.format(
        receiver=way_in.receiver,
        receiver_options=way_in.options.replace("PORT", str(target.port)),
        exporter=way_out.exporter,
        exporter_options=way_out.options.replace("PORT", str(server.ports[way_out.port])),
        metrics=target.metrics,
    )
    async with CollectorProcess(config):
        await way_in.send(target, payload)
    sent = records_of(payload)
    spans = await server.arrived(sent[0].trace_id, COUNT)
    assert (COUNT, COUNT) == (len(spans), await server.received() - before)
    for expected, span in zip(as_held(sent, way_in.format, way_out.format), spans, strict=True):
        assert server.told(expected)._asdict() == span._asdict()
