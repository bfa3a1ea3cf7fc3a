"""Our HTTP/2 against h2spec (https://github.com/summerwind/h2spec): every case of RFC 7540 and RFC 7541 that it has."""

import asyncio
import re
from contextlib import asynccontextmanager

import pytest

from collector.net.http2 import GrpcServer
from collector.net.server_config import GrpcServerConfig
from collector.testing import FakeHost, make_settings

pytestmark = pytest.mark.interop

# "Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE" sends 20 kB, as if the limit were always
# 16 kB. We announce more, so it has to be told to send more.
LARGE_FRAME = "http2/4.2/3"
SUMMARY = re.compile(r"(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed")


@asynccontextmanager
async def serving(tls=None):
    """Run a server without methods: each of h2spec's requests, which are not gRPC, is answered 405 or 415."""
    config = GrpcServerConfig.model_validate({"endpoint": "localhost:0", "tls": tls})
    server = GrpcServer(config, {}, make_settings("otlp"))
    await server.start(FakeHost())
    try:
        yield server.address.port
    finally:
        await server.shutdown()


async def report_of(h2spec, port, *arguments):
    """Run h2spec; return the titles of the cases that failed, and its summary."""
    command = [h2spec, "--host", "localhost", "--port", str(port), "--timeout", "5", *arguments]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(300):
        output, _ = await process.communicate()
    text = output.decode()
    summary = SUMMARY.search(text)
    assert summary is not None, text
    failures = re.findall(r"\S \d+: (.*)", text.partition("Failures:")[2])
    return failures, [int(count) for count in summary.groups()]


@pytest.mark.parametrize("encrypted", [False, True], ids=["plain", "tls"])
async def test_every_case_holds(h2spec, certificates, encrypted):
    """All cases at their own sizes, but for the one that supposes the default size of frames."""
    tls = certificates.server_files if encrypted else None
    arguments = ["--tls", "--insecure"] if encrypted else []
    async with serving(tls) as port:
        failures, [total, passed, skipped, failed] = await report_of(h2spec, port, *arguments)
        assert ["Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE"] == failures
        assert (0, 1) == (skipped, failed)
        assert total - 1 == passed >= 140


async def test_the_case_that_supposes_a_size_holds_at_ours(h2spec):
    async with serving() as port:
        failures, [total, passed, _, _] = await report_of(h2spec, port, "--max-header-length", "60000", LARGE_FRAME)
        assert [] == failures
        assert 1 == total == passed
