"""Start-up of the collector: time until it is ready, the memory that it then holds, and what its imports cost.

    python bench/startup.py [--config FILE ...] [--runs 9] [--imports] [--commands]

Without `--config` two built-in configurations are measured: `grpc` (OTLP over gRPC in and out, no own metrics: the
smallest collector that forwards) and `all` (OTLP over gRPC and HTTP in, own metrics served).

Method: the collector runs as its own process, N times after one start that is not counted and that fills the caches of
the disk and of compiled bytecode (in a folder of this run's own, so that the state of the checkout makes no difference).
*ready* is the time from the spawn to the log line `everything is ready`, *CPU* what the process used until then. Memory
is read from `/proc/<pid>/smaps_rollup` (Linux) half a second later, in MiB: *RSS* is what tools show; *PSS* divides
each page by the number of processes that share it; *anon* is what the process wrote itself, *file* what it maps of
libraries, which the system can drop and share. Medians are printed.

`--imports` shows what the modules of each package add, without those of other packages that they load: the process looks
at its own memory before and after the loading of each. What is left is *running*: configuration, event loop, servers.
`--commands` shows how long commands take that only print something.
"""

import argparse
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from collector.testing.process import free_port

ROOT = Path(__file__).parent.parent
CONFIGS = {
    "grpc": """
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:{0}"}}}}}}}}
exporters: {{otlp_grpc: {{endpoint: "127.0.0.1:{1}", tls: {{insecure: true}}}}}}
service:
  pipelines: {{traces: {{receivers: [otlp], exporters: [otlp_grpc]}}}}
  telemetry: {{metrics: {{level: none}}}}
""",
    "all": """
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: "127.0.0.1:{0}"}}, http: {{endpoint: "127.0.0.1:{2}"}}}}}}}}
exporters: {{otlp_grpc: {{endpoint: "127.0.0.1:{1}", tls: {{insecure: true}}}}}}
service:
  pipelines: {{traces: {{receivers: [otlp], exporters: [otlp_grpc]}}}}
  telemetry: {{metrics: {{readers: [{{pull: {{exporter: {{prometheus: {{host: 127.0.0.1, port: {3}}}}}}}}}]}}}}
""",
}
COMMANDS: dict[str, Sequence[str]] = {
    "--version": (),
    "--help": (),
    "components": (),
    "validate": ("--config",),
}
SETTLED = 0.5

# What a process runs for `--imports`: the command line in `sys.argv`, every module's loading measured, less what it loads
# itself. At the end one line for each module: its name, KiB resident, KiB anonymous.
_METERED = """
import re, sys

def memory():
    with open("/proc/self/smaps_rollup") as file:
        text = file.read()
    return [int(re.search(rf"^{name}:\\s+(\\d+)", text, re.M)[1]) for name in ("Rss", "Anonymous")]

costs, inner = {"interpreter": memory()}, [[0, 0]]

def metered(name, work):
    def run(*arguments):
        before = memory()
        inner.append([0, 0])
        try:
            return work(*arguments)
        finally:
            below = inner.pop()
            for index, (now, then) in enumerate(zip(memory(), before)):
                costs.setdefault(name, [0, 0])[index] += now - then - below[index]
                inner[-1][index] += now - then
    return run

class Meter:
    def find_spec(self, name, path, target=None):
        found = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next(filter(None, found), None)
        if spec is not None and spec.loader is not None and not isinstance(spec.loader, type):
            for step in ("create_module", "exec_module"):
                setattr(spec.loader, step, metered(name, getattr(spec.loader, step)))
        return spec

sys.meta_path.insert(0, Meter())
from collector.cli import main
main()
for name, cost in costs.items():
    print(name, *cost)
"""


@dataclass(frozen=True)
class Start:
    """One start: seconds, then MiB."""

    ready: float
    cpu: float
    rss: float
    pss: float
    anon: float
    file: float

    @classmethod
    def median(cls, starts: Sequence["Start"]) -> "Start":
        """Return a start that has the median of each figure."""
        return cls(*map(statistics.median, zip(*map(astuple, starts), strict=True)))


def start(config: Path, env: Mapping[str, str]) -> Start:
    """Start the collector once, measure it, and end it."""
    began = time.monotonic()
    command = [sys.executable, "-m", "collector", "run", "--config", str(config)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env) as process:
        try:
            log = list(_until_ready(process))
            if process.poll() is not None:
                raise SystemExit(f"the collector did not start:\n{''.join(log)}")
            ready, cpu = time.monotonic() - began, _cpu_seconds(process.pid)
            time.sleep(SETTLED)
            memory = _memory(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
    rss, anon = memory["Rss"], memory["Anonymous"]
    return Start(ready, cpu, rss, memory["Pss"], anon, rss - anon)


def _until_ready(process: subprocess.Popen[str]) -> Iterator[str]:
    for line in process.stderr or ():
        yield line
        if "everything is ready" in line:
            return
    process.wait()


def _cpu_seconds(pid: int) -> float:
    user, system = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> dict[str, float]:
    """Return the lines of smaps_rollup, in MiB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return {name: int(kib) / 1024 for name, kib in re.findall(r"^(\w+):\s+(\d+) kB", text, re.MULTILINE)}


def command_seconds(command: Sequence[str], env: Mapping[str, str]) -> float:
    """Return how long a command takes to its end."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-m", "collector", *command], check=True, capture_output=True, env=env)
    return time.monotonic() - began


def import_costs(config: Path, env: Mapping[str, str]) -> dict[str, tuple[float, float]]:
    """Return what each package adds to RSS and to anonymous memory, in MiB, largest first."""
    command = [sys.executable, "-c", _METERED, "run", "--config", str(config)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env) as process:
        list(_until_ready(process))
        whole = _memory(process.pid)
        process.send_signal(signal.SIGTERM)
        report, _ = process.communicate()
    rss: Counter[str] = Counter()
    anon: Counter[str] = Counter()
    for line in report.splitlines():
        name, total, written = line.rsplit(" ", 2)
        package = _package(name)
        rss[package] += int(total)
        anon[package] += int(written)
    costs = {package: (kib / 1024, anon[package] / 1024) for package, kib in rss.most_common()}
    return {**costs, "running": (whole["Rss"] - rss.total() / 1024, whole["Anonymous"] - anon.total() / 1024)}


def _package(module: str) -> str:
    """Return the package that a module counts under: two levels of our own, one of all others."""
    parts = module.split(".")
    if parts[0] == "collector":
        return ".".join(parts[:2])
    return "standard library" if parts[0] in sys.stdlib_module_names else parts[0]


def main() -> None:
    """Parse the arguments, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, action="append", help="a configuration file; may be repeated")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--imports", action="store_true", help="also show what each package adds")
    parser.add_argument("--commands", action="store_true", help="also time commands that only print something")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spanmill-startup-") as directory:
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": f"{directory}/bytecode"}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        configs = arguments.config or list(_built_in(Path(directory)))
        print(f"{'configuration':<16}" + "".join(f"{field.name:>10}" for field in fields(Start)))
        for config in configs:
            start(config, env)
            median = Start.median([start(config, env) for _ in range(arguments.runs)])
            print(f"{config.stem:<16}" + "".join(f"{figure:>10.2f}" for figure in astuple(median)))
        if arguments.commands:
            _show_commands(configs[0], env, arguments.runs)
        for config in configs if arguments.imports else ():
            _show_imports(config, env)


def _built_in(directory: Path) -> Iterator[Path]:
    for name, template in CONFIGS.items():
        file = directory / f"{name}.yaml"
        file.write_text(template.format(*(free_port() for _ in range(4))))
        yield file


def _show_commands(config: Path, env: Mapping[str, str], runs: int) -> None:
    print(f"\n{'command':<16}{'seconds':>10}")
    for name, options in COMMANDS.items():
        command = [name, *(part for option in options for part in (option, str(config)))]
        command_seconds(command, env)
        print(f"{name:<16}{statistics.median(command_seconds(command, env) for _ in range(runs)):>10.2f}")


def _show_imports(config: Path, env: Mapping[str, str]) -> None:
    print(f"\n{f'imports of {config.stem}':<24}{'rss':>8}{'anon':>8}")
    for package, (rss, anon) in import_costs(config, env).items():
        print(f"{package:<24}{rss:>8.2f}{anon:>8.2f}")


if __name__ == "__main__":
    main()
