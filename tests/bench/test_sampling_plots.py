"""The pictures of samplers: what is counted, and that the same traffic draws the same picture."""

import xml.etree.ElementTree as ET

import pytest

from bench import sampling_plots
from bench.sampling_traffic import Kind, Traffic, run
from processors.probabilistic_sampler import FACTORY

KINDS = [Kind("GET /orders", 90), Kind("GET /orders", 10, error=True)]


def traffic(seconds=60.0):
    return Traffic(KINDS, seconds, 1.0, lambda kind, time: 2.0 if kind.error and time >= 30 else 1.0)


async def test_what_is_counted():
    """What is offered, what is kept, and what the kept traces stand for, by time and kind."""
    seen = await run(FACTORY, {"sampling_percentage": 25, "mode": "equalizing"}, traffic(), 10.0)
    errors = [rate for _, rate in seen.line(seen.offered, lambda kind: kind.error)]
    assert errors == pytest.approx([10, 10, 10, 20, 20, 20], rel=0.3)
    offered, kept, stands_for = (seen.by_kind(what) for what in (seen.offered, seen.kept, seen.stands_for))
    for kind in KINDS:
        assert kept[kind] == pytest.approx(offered[kind] / 4, rel=0.3)
        assert stands_for[kind] == pytest.approx(4 * kept[kind])


async def test_everything_that_is_kept_is_kept():
    seen = await run(FACTORY, {"sampling_percentage": 100, "mode": "equalizing"}, traffic(10), 10.0)
    assert seen.offered == seen.kept == seen.stands_for


async def test_pictures(monkeypatch):
    """Two runs draw the same; a picture is SVG, and has a line for each of three things in each panel."""
    monkeypatch.setattr(sampling_plots, "SHORT", traffic())
    first, second = [await sampling_plots.short("probabilistic_sampler", "a title") for _ in range(2)]
    assert first == second
    lines = ET.fromstring(first).findall("{http://www.w3.org/2000/svg}polyline")
    assert 6 == len(lines)
