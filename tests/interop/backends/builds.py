"""Gets the backends into a cache outside the tree, once: `make backends` runs it, and a test gets what is missing.

What is got is verified by hashes in this tree: Go's modules by the go.sum beside each go.mod, which has all that are
built, so that no checksum database is asked; Zipkin's file by its SHA256SUMS.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spanmill" / "interop"
# Jaeger and Tempo are a thousand packages each.
BUILD_SECONDS = 1200


class BuildError(Exception):
    """A backend cannot be had; the message says what the tool said."""


class Build(NamedTuple):
    """How a backend is got: the tools that it takes, the files it is made of, and the steps into a folder."""

    tools: Sequence[str]
    sources: Sequence[str]
    program: str
    make: Callable[[Path, Path], None]


def missing_tools(name: str) -> list[str]:
    """Return those of a backend's tools that are not on the path."""
    return [tool for tool in BUILDS[name].tools if shutil.which(tool) is None]


def get(name: str) -> Path:
    """Return the program of a backend, which is got where this is the first time, or where its sources changed.

    Raises:
        BuildError: the tools could not get it.

    """
    build = BUILDS[name]
    source = HERE / name
    digest = hashlib.sha256(b"".join((source / file).read_bytes() for file in build.sources)).hexdigest()[:12]
    program = CACHE / f"{name}-{digest}" / build.program
    if not program.exists():
        unfinished = program.parent / "unfinished"
        unfinished.mkdir(parents=True, exist_ok=True)
        build.make(source, unfinished)
        # It is there whole or not at all.
        (unfinished / build.program).rename(program)
        shutil.rmtree(unfinished)
    return program


def _go(package: str) -> Callable[[Path, Path], None]:
    def make(source: Path, target: Path) -> None:
        # Without symbols, which are half of the file.
        _run("go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", str(target), package, cwd=source)

    return make


def _maven(source: Path, target: Path) -> None:
    _run("mvn", "--quiet", "--batch-mode", "--strict-checksums", f"-Dbuild.folder={target}", "package", cwd=source)
    for line in (source / "SHA256SUMS").read_text().splitlines():
        expected, name = line.split()
        if hashlib.sha256((target / name).read_bytes()).hexdigest() != expected:
            raise BuildError(f"{target / name} is not what SHA256SUMS says")


def _run(*command: str, cwd: Path) -> None:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise BuildError(f"{' '.join(command)} took more than {BUILD_SECONDS} s") from None
    if done.returncode:
        raise BuildError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")


_GO_FILES = ("go.mod", "go.sum")
BUILDS = {
    "zipkin": Build(("java", "mvn"), ("pom.xml", "SHA256SUMS"), "zipkin.jar", _maven),
    "jaeger": Build(("go",), _GO_FILES, "jaeger", _go("github.com/jaegertracing/jaeger/cmd/jaeger")),
    "tempo": Build(("go",), _GO_FILES, "tempo", _go("github.com/grafana/tempo/cmd/tempo")),
}


def main() -> None:
    """Get all backends whose tools are there; say which are not, and end with an error where one cannot be had."""
    failed = [name for name in BUILDS if not _got(name)]
    if failed:
        sys.exit(f"{' and '.join(failed)} cannot be had")


def _got(name: str) -> bool:
    """Get a backend; return whether it is there, or left out because of a tool that is not."""
    if missing := missing_tools(name):
        _say(f"{name}: left out, needs {' and '.join(missing)} on the path")
        return True
    _say(f"{name} ... (the first time takes minutes)")
    began = time.monotonic()
    try:
        _say(f"{name}: {get(name)} ({time.monotonic() - began:.0f} s)")
    except BuildError as error:
        _say(str(error))
        return False
    return True


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
