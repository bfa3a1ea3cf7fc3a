"""Processes that are measured: pinned to a core, started, read from /proc, ended. Linux only."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
COLLECTOR_CORE, LOAD_CORE = CORES[0], CORES[-1]
_POLL = 0.002


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Pin what is started within the block to a core; a runtime then sizes itself for one core, as it would alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Watched:
    """A collector as a child process on its own core; use as `with Watched(...) as collector`."""

    def __init__(
        self, command: Sequence[str | Path], *, directory: Path, log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self._log = log
        self._started = time.monotonic()
        with log.open("wb") as file, on_core(COLLECTOR_CORE):
            self._process = subprocess.Popen(
                command,
                cwd=directory,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait_until_ready(self, ports: Sequence[int], seconds: float = 60.0) -> float:
        """Return the seconds from the start until every port accepts; raise with the log where it does not come."""
        for port in ports:
            while not _accepts(port):
                if self._process.poll() is not None or time.monotonic() > self._started + seconds:
                    raise RuntimeError(
                        f"not ready after {seconds} s or ended:\n{self._log.read_text(errors='replace')}"
                    )
                time.sleep(_POLL)
        return time.monotonic() - self._started

    @property
    def cpu_seconds(self) -> float:
        """The user and system time of the process and of all its children, those that have ended included."""
        return sum(_cpu_seconds(pid) for pid in self._family())

    @property
    def rss_mib(self) -> float:
        """The memory that is resident now."""
        return self._memory("VmRSS")

    @property
    def peak_mib(self) -> float:
        """The most memory that was resident so far."""
        return self._memory("VmHWM")

    def _memory(self, field: str) -> float:
        return sum(_status(pid, field) for pid in self._family()) / 1024

    def _family(self) -> list[int]:
        family = [self._process.pid]
        for pid in family:  # grows while it is walked
            for task in PROC.joinpath(str(pid), "task").glob("*/children"):
                family += map(int, task.read_text().split())
        return family


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _cpu_seconds(pid: int) -> float:
    fields = PROC.joinpath(str(pid), "stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / TICKS


def _status(pid: int, field: str) -> int:
    """Return a field of a process's status in KiB."""
    for line in PROC.joinpath(str(pid), "status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1])
    return 0
