"""Senders of other languages and backends, built once into a cache outside the tree.

Where a toolchain is missing the test says which and skips; where `SPANMILL_REQUIRE` names it, as CI does for those
that the machine has, it fails instead.
"""

import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest
import pytest_asyncio

from collector.testing.backend import OtlpBackend

HERE = Path(__file__).parent
# `backends` is no part of the installed package.
sys.path.insert(0, str(HERE))
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "spanmill" / "interop"
BUILD_SECONDS = 600


@pytest_asyncio.fixture
async def backend():
    """Run an OTLP backend on loopback, over gRPC and HTTP."""
    async with OtlpBackend() as running:
        yield running


def need(*tools):
    """Skip the test where a tool is missing, or fail it where the tool is required."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        do_without(missing, f"needs {' and '.join(missing)} on the path")


def do_without(tools, reason):
    """Skip the test for a reason, or fail it where one of these tools is required."""
    required = os.environ.get("SPANMILL_REQUIRE", "").split()
    (pytest.fail if set(tools) & set(required) else pytest.skip)(reason)


def cached(name, *sources):
    """Return a folder of the cache for these source files; a change of one makes a new folder."""
    digest = hashlib.sha256(b"".join((HERE / source).read_bytes() for source in sources)).hexdigest()[:12]
    folder = CACHE / f"{name}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run(*command, cwd, env=None):
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}"


def installed(name):
    """Install a program of Node.js from the folder of this name; the command that starts it."""
    need("node", "npm")
    sources = (f"{name}/package.json", f"{name}/send.mjs")
    folder = cached(name, *sources)
    for source in sources:
        shutil.copy(HERE / source, folder)
    if not (folder / "node_modules").exists():
        run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder)
    return ["node", str(folder / "send.mjs")]


@pytest.fixture(scope="session")
def node_sender():
    """Install the Node.js sender; the command that starts it."""
    return installed("node")


@pytest.fixture(scope="session")
def node_jaeger_sender():
    """Install the sender on Jaeger's client for Node.js; the command that starts it."""
    return installed("node_jaeger")


@pytest.fixture(scope="session")
def go_sender():
    """Build the Go sender; the command that starts it."""
    need("go")
    folder = cached("go", "go/main.go", "go/go.mod", "go/go.sum")
    if not (folder / "send").exists():
        run("go", "build", "-o", folder / "send", ".", cwd=HERE / "go")
    return [str(folder / "send")]


@pytest.fixture(scope="session")
def go_server():
    """Build the server over grpc-go; the path of the program."""
    need("go")
    folder = cached("go-server", "go_server/main.go", "go_server/go.mod", "go_server/go.sum")
    if not (folder / "serve").exists():
        run("go", "build", "-o", folder / "serve", ".", cwd=HERE / "go_server")
    return folder / "serve"


def compiled(name, main):
    """Build a program of Java from the folder of this name; a function from flags of the JVM to what starts it."""
    need("java", "javac", "mvn")
    folder = cached(name, f"{name}/pom.xml", f"{name}/src/main/java/{main}.java")
    if not (folder / "built").exists():
        run("mvn", "--quiet", "--batch-mode", f"-Dbuild.folder={folder}", "compile", cwd=HERE / name)
        (folder / "built").touch()
    # For a process that lives for a second or two.
    quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    return lambda flags: ["java", *quick, *flags, "-cp", f"{folder / 'classes'}:{folder / 'lib'}/*", main]


@pytest.fixture(scope="session")
def tail_sampling_program():
    """Build the program around the OpenTelemetry Collector's `tail_sampling`; its path."""
    need("go")
    sources = ("main.go", "go.mod", "go.sum")
    folder = cached("tail-sampling", *(f"tail_sampling/{source}" for source in sources))
    if not (folder / "decide").exists():
        run("go", "build", "-o", folder / "decide", ".", cwd=HERE / "tail_sampling")
    return folder / "decide"


@pytest.fixture(scope="session")
def java_sender():
    """Build the Java sender; a function from flags of the JVM to the command that starts it."""
    return compiled("java", "Send")


@pytest.fixture(scope="session")
def java_zipkin_sender():
    """Build the sender on Brave; the command that starts it."""
    return compiled("java_zipkin", "SendZipkin")(())


@pytest.fixture(scope="session")
def rust_sender():
    """Build the Rust sender; a function from flags, of which it has none, to the command that starts it."""
    need("cargo")
    sources = ("Cargo.toml", "Cargo.lock", "src/main.rs", "src/each.rs")
    folder = cached("rust", *(f"rust/{source}" for source in sources))
    if not (folder / "send").exists():
        # What it depends on is built once, whatever becomes of our own files.
        target = CACHE / "rust-target"
        run("cargo", "build", "--quiet", "--locked", "--target-dir", target, cwd=HERE / "rust")
        shutil.copy(target / "debug" / "send", folder)
    return lambda _flags: [str(folder / "send")]


@pytest.fixture(scope="session")
def h2spec():
    """Install h2spec, which holds servers against the RFCs of HTTP/2 and HPACK; the path of the program."""
    need("go")
    folder = CACHE / "h2spec"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "h2spec").exists():
        package = "github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible"
        run("go", "install", package, cwd=folder, env={**os.environ, "GOBIN": str(folder)})
    return folder / "h2spec"


_SENDERS = "io.opentelemetry.exporter.sender"
_CHOICE = "-Dio.opentelemetry.sdk.common.export"


class Stack(NamedTuple):
    """A network stack below an SDK: the fixture that builds its sender, the protocol and flags that choose it."""

    sender: str
    protocol: str
    flags: Sequence[str] = ()


STACKS = {
    "java-netty": Stack(
        "java_sender",
        "grpc",
        [f"{_CHOICE}.GrpcSenderProvider={_SENDERS}.grpc.managedchannel.internal.UpstreamGrpcSenderProvider"],
    ),
    "java-okhttp": Stack(
        "java_sender", "grpc", [f"{_CHOICE}.GrpcSenderProvider={_SENDERS}.okhttp.internal.OkHttpGrpcSenderProvider"]
    ),
    "rust-tonic": Stack("rust_sender", "grpc"),
    "java-okhttp-http": Stack(
        "java_sender",
        "http/protobuf",
        [f"{_CHOICE}.HttpSenderProvider={_SENDERS}.okhttp.internal.OkHttpHttpSenderProvider"],
    ),
    "java-jdk-http": Stack(
        "java_sender", "http/protobuf", [f"{_CHOICE}.HttpSenderProvider={_SENDERS}.jdk.internal.JdkHttpSenderProvider"]
    ),
    "rust-reqwest-http": Stack("rust_sender", "http/protobuf"),
}


@dataclass
class Client:
    """An SDK on one of the stacks, which sends in rounds; `said` is what it has said so far."""

    command: Sequence[str]
    protocol: str
    said: str = ""

    @asynccontextmanager
    async def sending(self, endpoint, count, *, padding=0, environment: Mapping[str, str] | None = None):
        """Run the client; leaving ends it, well. Nothing is sent but by `round`."""
        never = str(3_600_000)
        variables = {
            "OTEL_SERVICE_NAME": "shop",
            "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": self.protocol,
            **{f"OTEL_{queue}_SCHEDULE_DELAY": never for queue in ("BSP", "BLRP")},
            **{f"OTEL_{queue}_MAX_QUEUE_SIZE": str(2 * count) for queue in ("BSP", "BLRP")},
            **{f"OTEL_{queue}_MAX_EXPORT_BATCH_SIZE": str(count) for queue in ("BSP", "BLRP")},
            "OTEL_METRIC_EXPORT_INTERVAL": never,
        }
        self._process = await asyncio.create_subprocess_exec(
            *(*self.command, str(count), str(padding)),
            env={**os.environ, **variables, **(environment or {})},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            yield self
            self._process.stdin.close()
            async with asyncio.timeout(60):
                self.said += (await self._process.stdout.read()).decode()
                assert 0 == await self._process.wait(), self.said
        finally:
            if self._process.returncode is None:
                self._process.kill()
                await self._process.wait()

    async def round(self):
        """Have the client make and send what it makes, and wait until it has, or has given up."""
        self._process.stdin.write(b"\n")
        async with asyncio.timeout(60):
            async for line in self._process.stdout:
                if line == b"sent\n":
                    return
                self.said += line.decode()
        raise AssertionError(f"the client ended: {self.said}")


def client_on(name, request):
    stack = STACKS[name]
    return Client(request.getfixturevalue(stack.sender)(stack.flags), stack.protocol)


@pytest.fixture(params=STACKS)
def client(request):
    """Return a client on each stack."""
    return client_on(request.param, request)


@pytest.fixture(params=[name for name, stack in STACKS.items() if stack.protocol == "grpc"])
def grpc_client(request):
    """Return a client on each stack that has HTTP/2 of its own."""
    return client_on(request.param, request)


@pytest.fixture(params=["java-netty", "rust-tonic"])
def multiplexing_client(request):
    """Return a client on each stack that puts many requests on one connection; the SDK on OkHttp has five at most."""
    return client_on(request.param, request)


@pytest.fixture(params=[name for name in STACKS if name != "rust-reqwest-http"])
def secure_client(request):
    """Return a client on each stack that is built with TLS."""
    return client_on(request.param, request)


@pytest.fixture
def pinging_client(request):
    """Return a client that pings, on the stack that the test names."""
    return client_on(request.param, request)


def backend_program(name):
    """Return the program of a backend, which `make backends` gets, or else this."""
    from backends import builds

    tools = builds.BUILDS[name].tools
    need(*tools)
    try:
        return builds.get(name)
    except builds.BuildError as error:
        do_without(tools, f"{name} cannot be had: {error}")


@pytest.fixture(scope="session")
def jaeger():
    """Run Jaeger until all tests are done."""
    from backends.jaeger.backend import Jaeger

    with Jaeger(backend_program("jaeger")) as running:
        yield running


@pytest.fixture(scope="session")
def zipkin():
    """Run Zipkin until all tests are done."""
    from backends.zipkin.backend import Zipkin

    with Zipkin(backend_program("zipkin")) as running:
        yield running


@pytest.fixture(scope="session")
def tempo():
    """Run Tempo until all tests are done."""
    from backends.tempo.backend import Tempo

    with Tempo(backend_program("tempo")) as running:
        yield running
