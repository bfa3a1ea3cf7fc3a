"""The plots of docs/benchmarks: CPU per span, ratios, memory, and how cost grows."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bench import svg
from bench.results import Case, Results, Spread, figure

TITLES = {
    "cpu": "CPU per span, by the spans in a request (µs, lower is better)",
    "ratio": "CPU of the others, in times that of Spanmill (right of 1: Spanmill takes less)",
    "memory": "Memory (MiB, lower is better)",
    "growth": "How cost grows (µs of CPU, lower is better)",
    "held": "Memory of a span that waits (bytes, lower is better)",
}
PANEL = (330.0, 210.0)
GAP = (70.0, 80.0)
TOP = 92.0
MEMORY_GROUP = "forward, gRPC"


def draw(results: Results) -> dict[str, str]:
    """Return the plots there are figures for, by name."""
    drawn = {"cpu": cpu(results), "ratio": ratio(results), "memory": memory(results), "growth": growth(results)}
    return {name: picture for name, picture in drawn.items() if picture}


@dataclass(frozen=True)
class Line:
    """The points of one collector in a panel."""

    colour: str
    name: str
    points: Sequence[tuple[float, float]]
    unit: str = "µs"


def cpu(results: Results) -> str:
    """Draw CPU per span over the spans in a request, a panel for each table that has several sizes."""
    groups = {title: cases for title, cases in results.groups.items() if len(cases) > 2 and not cases[0].shape.grows}
    panels = [
        (title, _lines(results, cases, lambda case: case.shape.spans, lambda case: 1 / case.shape.spans))
        for title, cases in groups.items()
    ]
    return _panels("cpu", _colours(results), panels)


def growth(results: Results) -> str:
    """Draw what a request costs over the connections, and what a span costs over the resources of its request."""
    panels = []
    for cases in results.groups.values():
        shape = cases[0].shape
        if shape.grows == "connections":
            one = [case for case in results.cases if case.shape == replace(shape, connections=1)]
            title = f"a request of {shape.spans} spans, by connections"
            panels.append((title, _lines(results, one + cases, lambda case: case.shape.connections, lambda _: 1)))
        elif shape.grows == "resources":
            points = _lines(results, cases, lambda case: case.shape.resources, lambda case: 1 / case.shape.spans)
            panels.append(("a span, by the resources in its request", points))
    return _panels("growth", _colours(results), panels)


def held(lines: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """Draw the memory of a span over the traces that are held: the points of each collector by its title."""
    colours = dict(zip(lines, svg.COLOURS, strict=False))
    drawn = [Line(colours[title], title, points, "bytes") for title, points in lines.items()]
    return _panels("held", colours, [("one of 370 bytes, by the traces that are held", drawn)])


def ratio(results: Results) -> str:
    """Draw a row for each case: the median ratio of each other collector, with its spread over the rounds."""
    rows = [(case, ratios) for case in results.cases if (ratios := _ratios(results, case))]
    if not rows:
        return ""
    left, width, step = 380.0, 440.0, 22.0
    edges = [edge for _, ratios in rows for spread in ratios.values() for edge in (spread.low, spread.high)]
    scale = svg.Scale.over([*edges, 1.0], left, left + width)
    bottom = TOP + step * len(rows)
    marks = svg.legend(20, 56, _colours(results, results.others()))
    for tick in scale.ticks():
        marks.append(svg.line(scale(tick), TOP - 12, scale(tick), bottom, kind="axis" if tick == 1 else "grid"))
        marks.append(svg.text(scale(tick), bottom + 18, f"{tick:g} x", kind="quiet", anchor="middle"))
    for number, (case, ratios) in enumerate(rows):
        y = TOP + step * number
        marks.append(svg.text(left - 14, y + 4, case.shape.title, anchor="end"))
        for name, spread in ratios.items():
            marks += _spread(scale, spread, y, _colour(results, name), results.titles[name])
    return svg.document(left + width + 40, bottom + 36, TITLES["ratio"], marks)


def memory(results: Results) -> str:
    """Draw bars: memory at rest, and the peak in each size of plain forwarding."""
    columns: list[tuple[str, dict[str, float]]] = []
    if idle := {name: Spread.of(start.idle).middle for name, start in results.starts.items() if start.idle}:
        columns.append(("at rest", idle))
    columns += [
        (f"peak, {case.shape.label}", {name: series.peak for name, series in case.series.items()})
        for case in results.groups.get(MEMORY_GROUP, [])
    ]
    if not columns:
        return ""
    highest = max(value for _, bars in columns for value in bars.values())
    bar, space, height = 30.0, 36.0, 220.0
    step = bar * len(results.titles) + space
    marks = svg.legend(20, 56, _colours(results))
    bottom = TOP + height
    for number, (label, bars) in enumerate(columns):
        x = 40 + step * number
        marks.append(svg.text(x + (step - space) / 2, bottom + 20, label, kind="quiet", anchor="middle"))
        for position, name in enumerate(results.titles):
            if name in bars:
                size = height * bars[name] / highest
                hint = f"{results.titles[name]}: {bars[name]:.1f} MiB"
                marks.append(
                    svg.bar(x + bar * position, bottom - size, bar - 3, size, colour=_colour(results, name), hint=hint)
                )
                middle = x + bar * position + (bar - 3) / 2
                marks.append(svg.text(middle, bottom - size - 5, f"{bars[name]:.0f}", kind="quiet", anchor="middle"))
    marks.append(svg.line(30, bottom, 40 + step * len(columns) - space + 10, bottom, kind="axis"))
    return svg.document(40 + step * len(columns), bottom + 40, TITLES["memory"], marks)


def _lines(
    results: Results, cases: Sequence[Case], x: Callable[[Case], float], factor: Callable[[Case], float]
) -> list[Line]:
    return [
        Line(
            _colour(results, name),
            title,
            [(x(case), case.series[name].cost.middle * factor(case)) for case in cases if name in case.series],
        )
        for name, title in results.titles.items()
    ]


def _panels(name: str, colours: Mapping[str, str], panels: Sequence[tuple[str, list[Line]]]) -> str:
    """Draw panels in two columns."""
    if not panels:
        return ""
    marks = svg.legend(20, 56, colours)
    for number, (title, lines) in enumerate(panels):
        left = GAP[0] + (number % 2) * (PANEL[0] + GAP[0])
        top = TOP + 20 + (number // 2) * (PANEL[1] + GAP[1])
        marks += _panel(left, top, title, lines)
    rows, columns = math.ceil(len(panels) / 2), min(2, len(panels))
    width, height = 30 + columns * (PANEL[0] + GAP[0]), TOP + rows * (PANEL[1] + GAP[1])
    return svg.document(width, height, TITLES[name], marks)


def _panel(left: float, top: float, title: str, lines: Sequence[Line]) -> Iterator[str]:
    points = [point for line in lines for point in line.points]
    right, bottom = left + PANEL[0], top + PANEL[1]
    across = svg.Scale.over([x for x, _ in points], left, right)
    up = svg.Scale.over([y for _, y in points], bottom, top)
    yield svg.text(left, top - 12, title, kind="head")
    for tick in up.ticks():
        yield svg.line(left, up(tick), right, up(tick))
        yield svg.text(left - 8, up(tick) + 4, f"{tick:,g}", kind="quiet", anchor="end")
    for x in sorted({x for x, _ in points}):
        yield svg.text(across(x), bottom + 18, f"{x:,.0f}", kind="quiet", anchor="middle")
    yield svg.line(left, bottom, right, bottom, kind="axis")
    for line in lines:
        placed = [(across(x), up(y)) for x, y in line.points]
        yield svg.path(placed, line.colour)
        for (x, y), (at_x, at_y) in zip(line.points, placed, strict=True):
            yield svg.dot(at_x, at_y, line.colour, f"{line.name}, {x:,.0f}: {figure(y)} {line.unit}")


def _spread(scale: svg.Scale, spread: Spread, y: float, colour: str, title: str) -> list[str]:
    hint = f"{title}: {spread.middle:.2f} ({spread.low:.2f} to {spread.high:.2f})"
    return [
        svg.whisker(scale(spread.low), scale(spread.high), y, colour),
        svg.dot(scale(spread.middle), y, colour, hint),
    ]


def _ratios(results: Results, case: Case) -> dict[str, Spread]:
    return {name: spread for name in results.others() if (spread := case.ratio(name))}


def _colour(results: Results, name: str) -> str:
    return svg.COLOURS[list(results.titles).index(name)]


def _colours(results: Results, names: Sequence[str] | None = None) -> dict[str, str]:
    """Return the colour of each collector by its title."""
    return {results.titles[name]: _colour(results, name) for name in (results.titles if names is None else names)}
