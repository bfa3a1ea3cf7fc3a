"""Pictures of what the samplers keep of what they are offered, into docs/benchmarks.

`python bench/sampling_plots.py` runs the real processors on simulated traffic, about a minute of computing; the same
traffic gives the same pictures. Names as arguments pick some: `python bench/sampling_plots.py adaptive`.
"""

import asyncio
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import structlog

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench import svg  # noqa: E402 - found through the line above
from bench.sampling_traffic import Kind, Seen, Traffic, run  # noqa: E402
from collector.api import Kind as ComponentKind  # noqa: E402
from collector.runtime.registry import Registry  # noqa: E402

FOLDER = ROOT / "docs/benchmarks"
NAMES = dict(zip(("offered", "kept", "what the kept stand for"), svg.COLOURS, strict=False))
# Lines lie on each other where a sampler is good: the first drawn are the widest.
WIDTHS = {"offered": 6.0, "what the kept stand for": 4.0, "kept": 2.0}
PANEL, GAP, TOP = (400.0, 210.0), (76.0, 84.0), 104.0
MINUTE, HOUR = 60.0, 3600.0

Points = Sequence[tuple[float, float]]
Panel = tuple[str, dict[str, Points], float | None]


# --- what is simulated ---------------------------------------------------------------------------------------------

INCIDENT = Kind("GET /orders", 0.5, error=True)
MORNING = [Kind("GET /orders", 45), INCIDENT, Kind("GET /reports", 0.5, slow=True), Kind("GET /cart", 4)]


def _morning(kind: Kind, time: float) -> float:
    """Traffic doubles slowly, is ten times as much for a minute, and then errors are 40 times as many for two."""
    factor = 1 + time / (20 * MINUTE)
    if kind is INCIDENT and 13 * MINUTE <= time < 15 * MINUTE:
        factor *= 40
    return factor * (10 if 8 * MINUTE <= time < 9 * MINUTE else 1)


def _days(_: Kind, time: float) -> float:
    """Each day doubles and halves again; on the second there are 15 minutes of ten times as much."""
    return (2 - abs(time / HOUR % 24 - 12) / 12) * (10 if 30 * HOUR <= time < 30.25 * HOUR else 1)


SHORT = Traffic(MORNING, 20 * MINUTE, 1.0, _morning)
# What a thousand keys are like: the largest comes 100,000 times as often as the smallest.
LONG = Traffic(
    [Kind(f"GET /{rank}", 2.5 * rank ** (-5 / 3), error=rank % 20 == 7) for rank in range(1, 1001)],
    48 * HOUR,
    6.0,
    _days,
)
RULES = {
    "probabilistic_sampler": {"sampling_percentage": 5, "mode": "equalizing"},
    "tail_sampling": {
        "decision_wait": "5s",
        "policies": [
            {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}},
            {"name": "slow", "type": "latency", "latency": {"threshold_ms": 1000}},
            {"name": "rest", "type": "probabilistic", "probabilistic": {"sampling_percentage": 5}},
        ],
    },
    "priority_sampler": {
        "mode": "head",
        "rules": [
            {"name": "errors", "when": {"status": "error"}, "keep": 100},
            {"name": "slow", "when": {"trace": {"duration": {"above": "1s"}}}, "keep": 100},
            {"name": "rest", "keep": 5},
        ],
    },
    "adaptive_sampler": {"mode": "head", "traces_per_second": 2.5, "interval": "5m", "keys": ["operation", "status"]},
}


async def sample(processor: str, traffic: Traffic, width: float) -> Seen:
    """Return what a processor keeps of traffic, in parts of so many seconds."""
    factory: Any = Registry().find(ComponentKind.PROCESSOR, processor)
    return await run(factory, RULES[processor], traffic, width)


# --- what is drawn -------------------------------------------------------------------------------------------------


def lines(seen: Seen, unit: float, wanted: Callable[[Kind], bool]) -> dict[str, Points]:
    """Return what is offered and kept over time, in so many seconds."""
    counted = zip(NAMES, (seen.offered, seen.kept, seen.stands_for), strict=True)
    return {name: [(time / unit, rate) for time, rate in seen.line(what, wanted)] for name, what in counted}


async def short(processor: str, title: str) -> str:
    """Draw twenty minutes."""
    seen = await sample(processor, SHORT, 20.0)
    panels: list[Panel] = [
        ("all traces, in a second, by minutes", lines(seen, MINUTE, lambda _: True), None),
        ("traces with an error, in a second", lines(seen, MINUTE, lambda kind: kind.error), None),
    ]
    return picture(title, panels)


async def adaptive() -> str:
    """Draw two days of a thousand keys."""
    seen = await sample("adaptive_sampler", LONG, 5 * MINUTE)
    everything = lines(seen, HOUR, lambda _: True)
    spike = {name: [point for point in points if 29 <= point[0] <= 32] for name, points in everything.items()}
    kept, offered = seen.by_kind(seen.kept), seen.by_kind(seen.offered)
    ranked = sorted((offered[kind] / LONG.seconds, kept[kind] / LONG.seconds) for kind in kept)
    by_key = {"offered": [(rate, rate) for rate, _ in ranked], "kept": ranked}
    panels: list[Panel] = [
        ("all traces, in a second, by hours", everything, 2.5),
        ("traces with an error, in a second", lines(seen, HOUR, lambda kind: kind.error), None),
        ("the spike: all traces, in a second", spike, 2.5),
        ("each of 1,000 keys: kept over offered, in a second", by_key, None),
    ]
    return picture("adaptive_sampler: 2.5 traces in a second, fair to a thousand keys, over two days", panels)


def picture(title: str, panels: Sequence[Panel]) -> str:
    """Draw panels in two columns."""
    marks = svg.legend(20, 60, NAMES)
    if any(target for *_, target in panels):
        marks.append(svg.text(390, 60, "grey: the target", kind="quiet"))
    for number, panel in enumerate(panels):
        left = GAP[0] + number % 2 * (PANEL[0] + GAP[0])
        marks += draw_panel(left, TOP + number // 2 * (PANEL[1] + GAP[1]), *panel)
    rows = -(-len(panels) // 2)
    return svg.document(2 * (PANEL[0] + GAP[0]) + 30, TOP + rows * (PANEL[1] + GAP[1]) - 30, title, marks)


def draw_panel(left: float, top: float, title: str, drawn: dict[str, Points], target: float | None) -> Iterator[str]:
    """Draw lines over time, or over rates where these span powers of ten; the heights are always logarithmic."""
    right, bottom = left + PANEL[0], top + PANEL[1]
    across = [x for points in drawn.values() for x, _ in points]
    up = svg.Scale.over([y for points in drawn.values() for _, y in points if y > 0], bottom, top)
    along: svg.Scale | svg.Linear
    if min(across) > 0 and max(across) > 1000 * min(across):
        along = svg.Scale.over(across, left, right)
        ticks = along.ticks()
    else:
        along = svg.Linear(min(across), max(across), left, right)
        step = next(step for step in (0.5, 1, 2, 5, 6, 12) if (max(across) - min(across)) / step <= 8)
        ticks = [step * number for number in range(round(max(across) / step) + 1) if step * number >= min(across)]
    yield svg.text(left, top - 12, title, kind="head")
    for tick in up.ticks():
        yield svg.line(left, up(tick), right, up(tick))
        yield svg.text(left - 8, up(tick) + 4, f"{tick:,g}", kind="quiet", anchor="end")
    for tick in ticks:
        yield svg.text(along(tick), bottom + 18, f"{tick:,g}", kind="quiet", anchor="middle")
    yield svg.line(left, bottom, right, bottom, kind="axis")
    if target is not None:
        yield svg.line(left, up(target), right, up(target), kind="axis")
    for name in (name for name in WIDTHS if name in drawn):
        points = [(along(x), up(max(y, up.low))) for x, y in drawn[name]]
        yield svg.path(points, NAMES[name], width=WIDTHS[name])


PICTURES = {
    "probabilistic": lambda: short("probabilistic_sampler", "probabilistic_sampler: 5 % of everything"),
    "tail": lambda: short("tail_sampling", "tail_sampling: errors, slower than 1 s, and 5 % of everything"),
    "priority": lambda: short("priority_sampler", "priority_sampler: all errors, all slower than 1 s, 5 % of the rest"),
    "adaptive": adaptive,
}


async def main(names: Sequence[str]) -> None:
    """Draw what is asked for, or everything."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    for name in names or PICTURES:
        (FOLDER / f"{name}.svg").write_text(await PICTURES[name]())
        print(f"docs/benchmarks/{name}.svg")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
