"""The load generator and the backend, as a process of their own that is told by JSON lines what to do."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from bench.builds import UnavailableError, go_program
from bench.processes import LOAD_CORE, on_core
from bench.shapes import Shape

IN_FLIGHT = 16
FALLBACK = [sys.executable, str(Path(__file__).parent / "load_python.py")]


@dataclass(frozen=True)
class Sent:
    """What a run of the generator came to: requests and spans that the collector accepted, requests that it refused."""

    answered: int
    refused: int
    spans: int
    seconds: float
    error: str  # the first refusal


def load_command() -> tuple[str, list[str]]:
    """Return the language and the command of the load generator: the compiled one where it can be built."""
    try:
        return "Go", [str(go_program("loadgen"))]
    except UnavailableError as error:
        print(f"the load generator is the slower one, in Python: {error}", file=sys.stderr)
        return "Python", FALLBACK


class Load:
    """Generator and backend on their own core; use as `with Load(command) as load`."""

    def __init__(self, command: Sequence[str]) -> None:
        with on_core(LOAD_CORE):
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
            )
        self.sink_port = int(self._read()["sink_port"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._process.communicate(timeout=20)  # it ends with its input, once a run is over
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def open(self, shape: Shape, port: int, payloads: Path) -> None:
        """Connect to a collector; what was open before is closed."""
        connections = shape.connections if shape.transport == "grpc" else max(shape.connections, IN_FLIGHT)
        self._tell(
            "open",
            transport=shape.transport,
            port=port,
            payloads=str(payloads),
            gzip=shape.compression == "gzip",
            fresh=shape.interleaved,
            connections=connections,
            in_flight=IN_FLIGHT,
        )

    def run(self, seconds: float, requests: int = 0) -> Sent:
        """Send in a closed loop for a while, or so many requests if not 0; return once the last one is answered."""
        answer = self._ask("run", seconds=seconds, requests=requests)
        fields = {name: answer[name] for name in ("answered", "refused", "spans", "seconds")}
        return Sent(**fields, error=answer.get("error", ""))

    def close(self) -> None:
        """Close the connections."""
        self._tell("close")

    def spans_arrived(self) -> int:
        """Return how many spans the backend has received since it started."""
        return int(self._ask("counts")["spans"])

    def _tell(self, do: str, **arguments: Any) -> None:
        if error := self._ask(do, **arguments).get("error"):
            raise RuntimeError(f"the load generator: {error}")

    def _ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        if self._process.stdin is None:
            raise RuntimeError("the load generator has no input")
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError("the load generator ended")
        answer: dict[str, Any] = json.loads(line)
        return answer
