"""The process: real signals, real ports, exit codes."""

import asyncio
import signal
import socket
from contextlib import AsyncExitStack

import pytest

from collector.testing.process import CollectorProcess, free_port, scrape

NOP = """
receivers: {nop: }
exporters: {nop: }
service:
  pipelines: {traces: {receivers: [nop], exporters: [nop]}}
  telemetry: {metrics: {level: none}}
"""
PLUGIN = '''
import asyncio
from collector.api import ComponentConfig, ExtensionFactory, Idle

class Config(ComponentConfig):
    """A component that misbehaves."""

class Hanging(Idle):
    async def shutdown(self):
        await asyncio.Event().wait()

class Failing(Idle):
    def __init__(self, settings):
        self.settings = settings

    async def start(self, host):
        asyncio.get_running_loop().call_soon(host.fail, self.settings.id, OSError("the disk is gone"))

FACTORIES = [
    ExtensionFactory(type="hanging", config=Config, create=lambda config, settings: Hanging()),
    ExtensionFactory(type="failing", config=Config, create=lambda config, settings: Failing(settings)),
]
'''


@pytest.fixture
def misbehaving(tmp_path):
    """Return a function that makes a process with a component that misbehaves."""
    (tmp_path / "plugin.py").write_text(PLUGIN)

    def make(name, *arguments):
        path = tmp_path / "config.yaml"
        path.write_text(
            NOP.replace("service:", f"plugins: [plugin.py]\nextensions: {{{name}: }}\nservice:\n  extensions: [{name}]")
        )
        return CollectorProcess([path], arguments=arguments)

    return make


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_and_ends_well(number):
    async with CollectorProcess(NOP) as collector:
        assert 0 == await collector.stop(number)
        for text in (number.name, "draining", "stopped"):
            assert text in collector.log


async def test_a_second_signal_ends_at_once(misbehaving):
    """Whatever still drains; the code is that of a process ended by the signal."""
    async with misbehaving("hanging") as collector:
        collector.process.send_signal(signal.SIGINT)
        await collector.wait_for_log("draining")
        assert 128 + signal.SIGINT == await collector.stop(signal.SIGINT)
        assert "ending at once" in collector.log


async def test_draining_takes_no_longer_than_it_may(misbehaving):
    async with misbehaving("hanging", "--shutdown-timeout", "100ms") as collector:
        assert 0 == await collector.stop()
        assert "the time to drain is over" in collector.log
        assert "extension/hanging" in collector.log


async def test_hangup_does_not_end_it():
    async with CollectorProcess(NOP) as collector:
        collector.process.send_signal(signal.SIGHUP)
        await collector.wait_for_log("reloading is not supported yet")
        assert 0 == await collector.stop()


async def test_a_component_that_cannot_go_on_ends_it_with_an_error(misbehaving):
    async with misbehaving("failing") as collector:
        async with asyncio.timeout(30):
            assert 1 == await collector.process.wait()
        assert "the disk is gone" in collector.log
        assert "stopped" in collector.log


async def ended(process):
    """Start a process that cannot run; return its exit code and log."""
    async with AsyncExitStack() as stack:
        stack.push_async_exit(process)
        await process.launch()
        async with asyncio.timeout(30):
            return await process.process.wait(), process.log


@pytest.fixture
def taken_port():
    """Listen on a port, so that nobody else can."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


async def test_a_receiver_s_port_in_use(taken_port):
    """One readable line, no traceback, and an exit code."""
    config = NOP.replace("nop: }\nexp", f"otlp: {{protocols: {{grpc: {{endpoint: 'localhost:{taken_port}'}}}}}}}}\nexp")
    code, log = await ended(CollectorProcess(config.replace("[nop], exp", "[otlp], exp")))
    assert 1 == code
    assert "receiver/otlp cannot start: " in log
    assert f"{taken_port}" in log
    assert "Traceback" not in log


async def test_the_port_of_own_metrics_in_use(taken_port):
    """The line says which key to change."""
    reader = f"{{readers: [{{pull: {{exporter: {{prometheus: {{port: {taken_port}}}}}}}}}]}}"
    code, log = await ended(CollectorProcess(NOP.replace("{level: none}", reader)))
    assert 1 == code
    assert "change service.telemetry.metrics.readers[0].pull.exporter.prometheus" in log
    assert "Traceback" not in log


async def test_without_a_configuration_the_default_runs():
    """It says so, and what it listens to."""
    grpc, http, metrics = (free_port() for _ in range(3))
    prometheus = f"service.telemetry.metrics.readers=[{{pull: {{exporter: {{prometheus: {{port: {metrics}}}}}}}}}]"
    arguments = [
        *("--set", f"receivers.otlp.protocols.grpc.endpoint=localhost:{grpc}"),
        *("--set", f"receivers.otlp.protocols.http.endpoint=localhost:{http}"),
        *("--set", prometheus),
    ]
    async with CollectorProcess([], arguments=arguments) as collector:
        assert "running the built-in default" in collector.log
        assert f"localhost:{grpc}" in collector.log
        assert f"localhost:{http}" in collector.log
        assert (await scrape(metrics))["otelcol_process_uptime"] > 0
        assert 0 == await collector.stop()


async def test_what_has_no_effect_is_said():
    """Options that are accepted only to be compatible."""
    config = NOP.replace(
        "{metrics: {level: none}}", "{metrics: {level: none, readers: [{periodic: {exporter: {console: }}}]}}"
    )
    async with CollectorProcess(config, arguments=["--feature-gates", "+a.b"]) as collector:
        [warning] = [line for line in collector.log.splitlines() if "service.telemetry" in line]
        assert "readers[0].periodic: accepted for compatibility; own metrics are served, not pushed" in warning
        assert "--feature-gates=+a.b has no effect" in collector.log
