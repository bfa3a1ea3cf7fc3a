"""What the benchmark runs beside Spanmill, made once and kept outside the tree: Go programs and the wheel of Rotel."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "spanmill" / "bench"
ROTEL = "rotel==0.0.1a15"


class UnavailableError(Exception):
    """Something that the benchmark would run cannot be had here; the text says why."""


def go_program(name: str) -> Path:
    """Build the Go module `bench/<name>`; return the binary. The modules it needs are verified by its go.sum."""
    if shutil.which("go") is None:
        raise UnavailableError("no Go toolchain")
    binary = CACHE / name
    print(f"building {name} (the first time takes minutes where it is large) ...", file=sys.stderr)
    _run(["go", "build", "-buildvcs=false", "-o", str(binary), "."], HERE / name)
    return binary


def rotel_binary() -> Path:
    """Install the wheel into a virtual environment of its own; return the binary in it."""
    environment = CACHE / f"{ROTEL.replace('==', '-')}-py{sys.version_info.major}.{sys.version_info.minor}"
    if not any(environment.glob("lib/*/site-packages/rotel/rotel-agent")):
        print(f"installing {ROTEL} ...", file=sys.stderr)
        _run([sys.executable, "-m", "venv", str(environment)], HERE)
        _run([str(environment / "bin/python"), "-m", "pip", "install", "--quiet", ROTEL], HERE)
    return next(environment.glob("lib/*/site-packages/rotel/rotel-agent"))


def output_of(command: Sequence[str | Path], directory: Path = HERE) -> str:
    """Return what a command prints; raise where it fails."""
    return _run(command, directory).strip()


def _run(command: Sequence[str | Path], directory: Path) -> str:
    try:
        return subprocess.run(command, cwd=directory, check=True, text=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        detail = (getattr(error, "stderr", "") or str(error)).strip().splitlines()
        raise UnavailableError(f"{' '.join(map(str, command))}: {detail[-1] if detail else error}") from error
