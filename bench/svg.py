"""A few SVG marks, in colours that read on a light page and on a dark one."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Self

# One colour a collector, told apart by people who see colours differently as well (Okabe and Ito), on both grounds.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
STYLE = """
  text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #24292f; }
  .title { font-size: 15px; font-weight: 600; }
  .head { font-size: 13px; font-weight: 600; }
  .quiet { fill: #57606a; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  .axis { stroke: #57606a; stroke-width: 1.5; }
  .ground { fill: #ffffff; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet { fill: #9198a1; }
    .grid { stroke: #30363d; }
    .axis { stroke: #9198a1; }
    .ground { fill: #0d1117; }
  }
"""


@dataclass(frozen=True)
class Scale:
    """A logarithmic axis: figures to pixels."""

    low: float
    high: float
    begin: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], begin: float, end: float) -> Self:
        """Return the scale that holds all values with some room."""
        return cls(min(values) / 1.15, max(values) * 1.15, begin, end)

    def __call__(self, value: float) -> float:
        """Return the pixel of a figure."""
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.begin + share * (self.end - self.begin)

    def ticks(self) -> list[float]:
        """Return round figures within: 1, 2 and 5 of each power of ten, or powers alone where those are many."""
        steps = (1, 2, 5) if self.high / self.low < 200 else (1,)
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        return [step * 10**power for power in powers for step in steps if self.low <= step * 10**power <= self.high]


@dataclass(frozen=True)
class Linear:
    """A linear axis: figures to pixels."""

    low: float
    high: float
    begin: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the pixel of a figure."""
        return self.begin + (value - self.low) / (self.high - self.low) * (self.end - self.begin)


def document(width: float, height: float, title: str, marks: Sequence[str]) -> str:
    """Return a picture of so many pixels; the title is drawn, and is what screen readers read."""
    body = "\n".join(marks)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-label="{escape(title)}">\n<style>{STYLE}</style>\n'
        f'<rect class="ground" width="100%" height="100%" rx="8"/>\n'
        f"{text(20, 28, title, kind='title')}\n{body}\n</svg>\n"
    )


def text(x: float, y: float, words: str, *, kind: str = "", anchor: str = "start") -> str:
    """Return words; `kind` is a class of the style, `anchor` start, middle or end."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, *, kind: str = "grid") -> str:
    """Return a straight line of a class of the style."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def bar(x: float, y: float, width: float, height: float, *, colour: str, hint: str) -> str:
    """Return a filled rectangle; the hint shows under the pointer."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="2" fill="{colour}">'
        f"<title>{escape(hint)}</title></rect>"
    )


def path(points: Sequence[tuple[float, float]], colour: str, *, width: float = 2.5) -> str:
    """Return a line through points."""
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return (
        f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="{width:g}" stroke-linejoin="round"/>'
    )


def dot(x: float, y: float, colour: str, hint: str) -> str:
    """Return a point; the hint shows under the pointer."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"><title>{escape(hint)}</title></circle>'


def whisker(x1: float, x2: float, y: float, colour: str) -> str:
    """Return a spread along the x axis."""
    return f'<line x1="{x1:.1f}" y1="{y:.1f}" x2="{x2:.1f}" y2="{y:.1f}" stroke="{colour}" stroke-width="2" opacity="0.5"/>'


def legend(x: float, y: float, colours: Mapping[str, str]) -> list[str]:
    """Return a row of names, each with its colour."""
    marks = []
    for name, colour in colours.items():
        marks += [bar(x, y - 10, 12, 12, colour=colour, hint=name), text(x + 18, y, name)]
        x += 42 + 6.6 * len(name)
    return marks
