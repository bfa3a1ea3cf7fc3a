"""What a collector does not use it does not load: each process is a fresh one, asked for its modules."""

import subprocess
import sys

import pytest

GRPC = """
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}}}}
exporters: {otlp_grpc: {endpoint: "127.0.0.1:1", tls: {insecure: true}}}
service:
  pipelines: {traces: {receivers: [otlp], exporters: [otlp_grpc]}}
  telemetry: {metrics: {level: none}}
"""
EVERYTHING = """
receivers: {otlp: {protocols: {grpc: {endpoint: "127.0.0.1:0"}, http: {endpoint: "127.0.0.1:0"}}}}
processors: {batch: , memory_limiter: {limit_mib: 500, check_interval: 1s}}
exporters: {otlp_grpc: {endpoint: "127.0.0.1:1", tls: {insecure: true}}}
service:
  pipelines: {traces: {receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp_grpc]}}
  telemetry: {metrics: {readers: [{pull: {exporter: {prometheus: {host: 127.0.0.1, port: 0}}}}]}}
"""
# Runs until it is ready, then ends itself and tells what it has loaded.
RUN = """
import os, signal, sys
from collector.runtime.service import Service
start = Service.start
async def start_and_end(service):
    await start(service)
    os.kill(os.getpid(), signal.SIGTERM)
Service.start = start_and_end
from collector.cli import main
code = main(["run", "--config", sys.argv[1]])
print(*sys.modules)
sys.exit(code)
"""
ONLY_A_COMMAND = """
import sys
from collector.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(*sys.modules)
"""
# Libraries that cost a megabyte or more, and what is only for people who look at the configuration.
HEAVY = ("aiohttp", "cramjam", "grpc", "multiprocessing", "prometheus_client", "re2", "thrift")
FOR_READERS = (
    "collector.config.component_reference",
    "collector.config.describe",
    "collector.config.schema",
    "difflib",
    "google.protobuf.json_format",
)


def loaded(code, *arguments):
    """Return the modules that a process has loaded at its end."""
    process = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return set(process.stdout.splitlines()[-1].split())


@pytest.fixture
def running(tmp_path):
    """Return a function that gives the modules of a running collector."""

    def modules(config):
        path = tmp_path / "config.yaml"
        path.write_text(config)
        return loaded(RUN, str(path))

    return modules


def test_forwarding_over_grpc_needs_none_of_the_large_libraries(running):
    modules = running(GRPC)
    assert {"receivers.otlp", "exporters.otlp_grpc"} <= modules
    assert set() == modules.intersection(HEAVY + FOR_READERS)


def test_so_it_is_with_tempo_over_grpc(running):
    modules = running(GRPC.replace("otlp_grpc", "tempo"))
    assert "exporters.tempo" in modules
    assert set() == modules.intersection(HEAVY + FOR_READERS)


def test_http_and_own_metrics_add_only_what_they_use(running):
    modules = running(EVERYTHING)
    assert {"collector.net.http_server", "prometheus_client"} <= modules
    assert set() == modules.intersection(FOR_READERS) | (modules.intersection(HEAVY) - {"prometheus_client"})


def test_components_are_loaded_where_a_configuration_names_them(running):
    named = {"connectors", "exporters", "extensions", "processors", "receivers"}
    modules = {name for name in running(GRPC) if "." in name and name.partition(".")[0] in named}
    assert {"receivers.otlp", "exporters.otlp_grpc"} == modules


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_who_asks_for_help_does_not_wait_for_the_collector(argument):
    modules = loaded(ONLY_A_COMMAND, argument)
    assert {"collector", "collector.cli"} == {name for name in modules if name.partition(".")[0] == "collector"}
    assert set() == modules.intersection({"asyncio", "pydantic", "structlog", "yaml"})
