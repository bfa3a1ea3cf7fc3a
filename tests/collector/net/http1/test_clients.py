"""What speaks to the server out there: each client has its own ways to frame a body and to use a connection."""

import asyncio
import http.client
import shutil
import ssl
import subprocess
import sys
import urllib.request
from contextlib import asynccontextmanager

import pytest
import uvloop

from collector.net.http import HttpAnswer
from collector.net.http_server import HttpServer
from collector.net.server_config import HttpServerConfig
from collector.testing import FakeHost, make_settings

CURL = shutil.which("curl")
BODY = bytes(range(256)) * 4000


async def echo(request):
    return HttpAnswer(200, await request.body(), request.media_type)


@asynccontextmanager
async def serving(**options):
    config = HttpServerConfig.model_validate({"endpoint": "localhost:0"} | options)
    server = HttpServer(config, {"/echo": echo}, make_settings("otlp"))
    await server.start(FakeHost())
    try:
        yield server.address.port
    finally:
        await server.shutdown()


def with_http_client(port):
    """Send over one connection with a length, in chunks, and without a body."""
    connection = http.client.HTTPConnection("localhost", port)
    for body, chunked in ((BODY, False), (iter([BODY, b"", BODY]), True), (None, False)):
        connection.request("POST", "/echo", body, encode_chunked=chunked)
        answer = connection.getresponse()
        assert {None: b"", BODY: BODY}.get(body, 2 * BODY) == answer.read()
        assert not answer.will_close
    connection.request("HEAD", "/other")
    assert (404, b"") == ((answer := connection.getresponse()).status, answer.read())
    connection.close()


def with_urllib(port):
    with urllib.request.urlopen(f"http://localhost:{port}/echo", BODY) as answer:
        assert BODY == answer.read()


def with_curl(port):
    url = f"http://localhost:{port}/echo"
    for options in (
        [],
        ["--http1.0"],
        ["--http2"],
        ["-H", "Transfer-Encoding: chunked"],
        ["-H", "Expect: 100-continue"],
    ):
        sent = subprocess.run([CURL, "-sS", "--fail", "--data-binary", "@-", *options, url], input=BODY, capture_output=True, check=False)  # fmt: skip
        assert (BODY, b"") == (sent.stdout, sent.stderr), options
    refused = subprocess.run(
        [CURL, "-sS", "-T", "-", url + "/other"], input=100 * BODY, capture_output=True, check=True
    )
    assert b"404 page not found: /echo/other" == refused.stdout


CLIENTS = [
    with_http_client,
    with_urllib,
    pytest.param(with_curl, marks=pytest.mark.skipif(not CURL, reason="needs curl")),
]


@pytest.mark.parametrize("talk", CLIENTS)
@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_clients(talk, loop_factory):
    async def serve_and_talk():
        async with serving() as port:
            await asyncio.to_thread(talk, port)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(serve_and_talk())


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls(loop_factory, version, certificates):
    """A large body both ways, several times, over either version; HTTP/1.1 is what is agreed on."""

    def talk(port):
        context = ssl.create_default_context(cafile=certificates.ca)
        context.minimum_version = context.maximum_version = version
        context.set_alpn_protocols(["h2", "http/1.1"])
        connection = http.client.HTTPSConnection("localhost", port, context=context)
        for _ in range(3):
            connection.request("POST", "/echo", BODY)
            assert BODY == connection.getresponse().read()
        assert "http/1.1" == connection.sock.selected_alpn_protocol()
        connection.close()

    async def serve_and_talk():
        async with serving(tls=certificates.server_files) as port:
            await asyncio.to_thread(talk, port)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(serve_and_talk())


def test_nobody_who_only_serves_pays_for_a_client():
    """What the default process imports has no HTTP framework in it, which would cost ten MiB."""
    modules = "collector.runtime.metrics_server, collector.runtime.daemon, receivers.otlp, collector.net.http_server"
    code = f"import sys, {modules}, extensions.health_check; print('aiohttp' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert b"False\n" == told.stdout
