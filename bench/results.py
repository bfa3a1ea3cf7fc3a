"""What a comparison found: figures per collector, case and round; kept as JSON, so that a report can be made again."""

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from bench.shapes import Shape

MICRO = 1e6


def figure(value: float) -> str:
    """Return a figure with about three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


@dataclass(frozen=True)
class Spread:
    """A median with the smallest and the largest."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Return the spread of some figures, at least one."""
        ordered = sorted(values)
        return cls(ordered[0], statistics.median(ordered), ordered[-1])


@dataclass(frozen=True)
class Round:
    """One round of one collector: CPU seconds, and what went through it meanwhile."""

    cpu: float
    seconds: float
    requests: int
    refused: int
    offered: int  # spans in the requests accepted
    arrived: int  # spans that the backend received

    @property
    def cost(self) -> float:
        """CPU microseconds per request."""
        return MICRO * self.cpu / self.requests


@dataclass
class Series:
    """All rounds of one collector in one case, and the most memory that it held (MiB)."""

    rounds: list[Round] = field(default_factory=list)
    peak: float = 0.0

    @property
    def cost(self) -> Spread:
        """CPU microseconds per request."""
        return Spread.of(one.cost for one in self.rounds)

    @property
    def arrived(self) -> float:
        """The share of the spans offered that arrived."""
        return sum(one.arrived for one in self.rounds) / sum(one.offered for one in self.rounds)

    @property
    def lost(self) -> int:
        """Spans offered that did not arrive: losses, where the work is to forward."""
        return sum(one.offered - one.arrived for one in self.rounds)

    @property
    def refused(self) -> int:
        """Requests that were not accepted."""
        return sum(one.refused for one in self.rounds)


@dataclass
class Case:
    """A shape, the size of a request (bytes, before compression), and the series of each collector by its name."""

    shape: Shape
    size: int
    series: dict[str, Series] = field(default_factory=dict)

    def ratio(self, name: str, to: str = "spanmill") -> Spread | None:
        """Return how many times the CPU of `to` a collector takes, round by round; None where one has no figures."""
        if name not in self.series or to not in self.series:
            return None
        pairs = zip(self.series[name].rounds, self.series[to].rounds, strict=True)
        return Spread.of(one.cost / other.cost for one, other in pairs)


@dataclass
class Start:
    """The starts of one collector: seconds until it listened, and the memory (MiB) it held at rest after them."""

    ready: list[float] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)


@dataclass
class Results:
    """A whole comparison; `titles` and `versions` by the name of the collector, in their order."""

    generator: str
    seconds: float
    rounds: int
    titles: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    starts: dict[str, Start] = field(default_factory=dict)
    cases: list[Case] = field(default_factory=list)

    @property
    def groups(self) -> dict[str, list[Case]]:
        """The cases by the table that they belong to."""
        groups: dict[str, list[Case]] = {}
        for case in self.cases:
            groups.setdefault(case.shape.group, []).append(case)
        return groups

    def others(self) -> Sequence[str]:
        """Return the collectors that Spanmill is compared with."""
        return [name for name in self.titles if name != "spanmill"]

    def save(self, path: Path) -> None:
        """Write all figures."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return the figures that were saved."""
        data = json.loads(path.read_text())
        data["starts"] = {name: Start(**start) for name, start in data["starts"].items()}
        data["cases"] = [_case(case) for case in data["cases"]]
        return cls(**data)


def _case(data: dict[str, Any]) -> Case:
    series = {
        name: Series([Round(**one) for one in entry["rounds"]], entry["peak"]) for name, entry in data["series"].items()
    }
    return Case(Shape(**data["shape"]), data["size"], series)
