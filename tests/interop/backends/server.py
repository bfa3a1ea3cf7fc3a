"""A backend as a process of its own on loopback, asked by its own API."""

import asyncio
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.error import URLError
from urllib.request import urlopen

import aiohttp
from backends.records import Record

from collector.testing.process import free_port

READY_SECONDS = 120
ARRIVAL_SECONDS = 60


class BackendServer:
    """Runs a program until the block ends; what it stores goes with it. Use as `with Jaeger(program) as jaeger`.

    A backend names the ports that it takes in `PORTS`; each is given to the program as a variable of the environment
    such as `QUERY_PORT`, besides `FOLDER`, a folder for what it stores, and is found in `ports` in lower case: `query`.
    """

    PORTS: ClassVar[Sequence[str]] = ()

    def __init__(self, program: Path) -> None:
        self._program = program
        self.ports: Mapping[str, int] = {name: free_port() for name in self.PORTS}

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="spanmill-backend-")
        self._log = Path(self._folder.name, "log")
        try:
            self.start()
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()

    def start(self) -> None:
        """Run the program, also again after `stop`, and wait until it is ready."""
        variables = {f"{name.upper()}_PORT": str(port) for name, port in self.ports.items()}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command(self._program),
                cwd=self._folder.name,
                env={**os.environ, **variables, "FOLDER": self._folder.name},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the program as a crash does: nobody waits for what it would do at its end."""
        self._process.kill()
        self._process.wait()

    def command(self, program: Path) -> Sequence[str | Path]:
        """Return the command that runs the program."""
        raise NotImplementedError

    @property
    def health(self) -> str:
        """The URL that answers 200 once the backend takes spans and can be asked for them."""
        raise NotImplementedError

    async def spans(self, trace_id: str) -> list[Record]:
        """Return the spans of a trace as the backend has them, in the order of their ids; empty where it has none."""
        raise NotImplementedError

    def told(self, record: Record) -> Record:
        """Return a span as it looks once this backend has told of it; the same, unless it has words of its own."""
        return record

    async def received(self) -> int:
        """Return how many spans the backend was sent since it began: it may not show one that came twice."""
        raise NotImplementedError

    async def arrived(self, trace_id: str, count: int) -> list[Record]:
        """Wait until so many spans of a trace can be had, and return them."""
        spans: list[Record] = []
        try:
            async with asyncio.timeout(ARRIVAL_SECONDS):
                while len(spans := await self.spans(trace_id)) < count:  # noqa: ASYNC110 - it is another process
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{len(spans)} of {count} spans arrived:\n{self.log[-4000:]}") from None
        return spans

    async def get(self, url: str, missing: Any = None) -> Any:
        """Return the JSON at a URL, or `missing` where there is none."""
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            if answer.status == 404:
                return missing
            answer.raise_for_status()
            return await answer.json(content_type=None)

    @property
    def log(self) -> str:
        """All that the backend has said so far."""
        return self._log.read_text(errors="replace")

    def _wait_until_ready(self) -> None:
        last = time.monotonic() + READY_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None:
                raise RuntimeError(f"{self._program.name} ended with {self._process.returncode}:\n{self.log}")
            if time.monotonic() > last:
                raise TimeoutError(f"{self._program.name} was not ready in {READY_SECONDS} s:\n{self.log}")
            time.sleep(0.1)

    def _is_ready(self) -> bool:
        try:
            with urlopen(self.health, timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False
