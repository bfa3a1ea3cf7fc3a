"""Senders of other languages, built once into a cache outside the tree.

Where a toolchain is missing the test says which and skips; where `SPANMILL_REQUIRE` names it, as CI does for those
that the machine has, it fails instead.
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import pytest_asyncio

from collector.testing.backend import OtlpBackend

HERE = Path(__file__).parent
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
    if not missing:
        return
    required = os.environ.get("SPANMILL_REQUIRE", "").split()
    (pytest.fail if set(missing) & set(required) else pytest.skip)(f"needs {' and '.join(missing)} on the path")


def cached(name, *sources):
    """Return a folder of the cache for these source files; a change of one makes a new folder."""
    digest = hashlib.sha256(b"".join((HERE / source).read_bytes() for source in sources)).hexdigest()[:12]
    folder = CACHE / f"{name}-{digest}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def run(*command, cwd, env=None):
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}:\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="session")
def node_sender():
    """Install the Node.js sender; the command that starts it."""
    need("node", "npm")
    sources = ("node/package.json", "node/send.mjs")
    folder = cached("node", *sources)
    for source in sources:
        shutil.copy(HERE / source, folder)
    if not (folder / "node_modules").exists():
        run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", cwd=folder)
    return ["node", str(folder / "send.mjs")]


@pytest.fixture(scope="session")
def go_sender():
    """Build the Go sender; the command that starts it."""
    need("go")
    folder = cached("go", "go/main.go", "go/go.mod", "go/go.sum")
    if not (folder / "send").exists():
        run("go", "build", "-o", folder / "send", ".", cwd=HERE / "go")
    return [str(folder / "send")]


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
