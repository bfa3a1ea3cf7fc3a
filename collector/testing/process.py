"""The collector as a real process: started on configuration text, watched by its log, ended by a signal."""

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import aiohttp

_STARTED = "everything is ready"


def free_port(preferred: int = 0) -> int:
    """Return the preferred TCP port of localhost where it is free, else another that is.

    On Linux it stays reserved while this process lives. A socket that is bound and does not listen keeps the system
    from giving the port to those who ask for any, and does not hinder those who ask for this one.
    """
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("localhost", port))
            except OSError:
                continue
            chosen: int = probe.getsockname()[1]
            if sys.platform == "linux":
                probe.detach()
            return chosen
    raise OSError("localhost has no free port")


class CollectorProcess:
    """`spanmill run` as a child process; use as `async with CollectorProcess(yaml) as collector`.

    `config` is YAML text or a list of paths. The log (standard error) is kept in `log`; leaving the block ends the
    process with SIGTERM and waits for it.
    """

    def __init__(
        self, config: str | Sequence[str | Path], *, env: Mapping[str, str] | None = None, arguments: Sequence[str] = ()
    ) -> None:
        self._config = config
        self._environment = {**os.environ, **(env or {})}
        self._arguments = list(arguments)
        self._process: asyncio.subprocess.Process | None = None
        self._directory = tempfile.TemporaryDirectory(prefix="spanmill-")
        self._log = Path(self._directory.name, "log")

    async def __aenter__(self) -> Self:
        try:
            await self.launch()
            await self.wait_for_log(_STARTED)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def launch(self) -> None:
        """Start the process without waiting for it to be ready."""
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "collector", "run", *self._config_arguments(), *self._arguments),
                env=self._environment,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )

    def _config_arguments(self) -> list[str]:
        paths = self._config
        if isinstance(paths, str):
            file = Path(self._directory.name, "config.yaml")
            file.write_text(paths)
            paths = [file]
        return [argument for path in paths for argument in ("--config", str(path))]

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.stop()
        finally:
            self._directory.cleanup()

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The running process."""
        if self._process is None:
            raise RuntimeError("the collector was not started")
        return self._process

    @property
    def log(self) -> str:
        """All that the collector has logged so far."""
        return self._log.read_text(errors="replace")

    @property
    def rss_mib(self) -> float:
        """The resident memory of the process (Linux)."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20

    async def wait_for_log(self, text: str, seconds: float = 30.0) -> None:
        """Return once the log holds a text; raise with the log where it does not in time or the process ended."""
        try:
            async with asyncio.timeout(seconds):
                while text not in self.log:
                    if self.process.returncode is not None:
                        raise RuntimeError(f"the collector ended with {self.process.returncode}:\n{self.log}")
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise TimeoutError(f"{text!r} did not come in {seconds} s:\n{self.log}") from None

    async def stop(self, number: signal.Signals = signal.SIGTERM, seconds: float = 60.0) -> int:
        """End the process by a signal; return its exit code."""
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(number)
        try:
            async with asyncio.timeout(seconds):
                return await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise TimeoutError(f"the collector did not end in {seconds} s:\n{self.log}") from None


async def scrape(port: int, host: str = "localhost") -> dict[str, float]:
    """Return a collector's own metrics, each summed over its labels."""
    async with aiohttp.ClientSession() as session, session.get(f"http://{host}:{port}/metrics") as answer:
        text = await answer.text()
    totals: dict[str, float] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name = line.split("{")[0].split(" ")[0]
            totals[name] = totals.get(name, 0.0) + float(line.rsplit(" ", 1)[1])
    return totals
