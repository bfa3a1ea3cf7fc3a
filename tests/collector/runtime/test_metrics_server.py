"""Own metrics over HTTP."""

import aiohttp
import pytest

from collector.api import ComponentId, Kind, StartError
from collector.config import TelemetryConfig
from collector.runtime.instruments import OwnTelemetry
from collector.runtime.metrics_server import metrics_servers, target_labels


def config_of(**metrics):
    return TelemetryConfig.model_validate({"metrics": metrics})


def reader(**prometheus):
    return {"pull": {"exporter": {"prometheus": prometheus}}}


async def get(server, path="/metrics"):
    url = f"http://{server.address}{path}"
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        return answer.status, answer.headers["Content-Type"], await answer.text()


async def test_metrics_are_served():
    own = OwnTelemetry()
    [server] = metrics_servers(config_of(readers=[reader(host="127.0.0.1", port=0)]), own)
    await server.start()
    own.of(Kind.RECEIVER, ComponentId("otlp")).counter("hits", "").add()
    status, content_type, text = await get(server)
    assert (200, "text/plain; version=0.0.4; charset=utf-8") == (status, content_type)
    assert 'hits{receiver="otlp"} 1\n' in text
    assert "otelcol_process_uptime" in text
    assert 404 == (await get(server, "/"))[0]
    await server.shutdown()
    await server.shutdown()
    with pytest.raises(aiohttp.ClientConnectionError):
        await get(server)


async def test_a_port_in_use_is_an_error_that_names_the_key():
    [server] = metrics_servers(config_of(readers=[reader(port=0)]), OwnTelemetry())
    await server.start()
    taken = config_of(readers=[reader(port=server.address.port)])
    [second] = metrics_servers(taken, OwnTelemetry())
    with pytest.raises(
        StartError,
        match=r"address already in use.*change service\.telemetry\.metrics\.readers\[0\]\.pull\.exporter\.prometheus",
    ):
        await second.start()
    await server.shutdown()


@pytest.mark.parametrize(
    ("metrics", "expected"),
    [
        ({}, ["localhost:8888"]),
        ({"address": "0.0.0.0:9999"}, ["0.0.0.0:9999"]),
        ({"address": ":9999", "readers": [reader(port=1)]}, [":9999", "localhost:1"]),
        ({"readers": [reader(port=1), reader(host="::1", port=2)]}, ["localhost:1", "[::1]:2"]),
        ({"readers": [{"periodic": {"exporter": {"console": {}}}}]}, []),
    ],
)
def test_readers_and_the_old_address(metrics, expected):
    """The old key takes the place of the default reader, not of readers that are configured."""
    assert expected == [str(server.address) for server in metrics_servers(config_of(**metrics), OwnTelemetry())]


async def test_a_reader_may_want_type_suffixes():
    own = OwnTelemetry()
    own.of(Kind.RECEIVER, ComponentId("otlp")).counter("hits", "").add()
    [server] = metrics_servers(config_of(readers=[reader(port=0, without_type_suffix=False)]), own)
    await server.start()
    assert 'hits_total{receiver="otlp"} 1\n' in (await get(server))[2]
    await server.shutdown()


def test_the_resource_becomes_labels():
    """Own attributes can be changed, added to and removed."""
    labels = target_labels({"service.name": "gateway", "zone": 1, "service.instance.id": None})
    assert {"service_name": "gateway", "service_version": "0.1.0", "zone": "1"} == labels
