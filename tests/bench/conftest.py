"""The tools of bench/ are scripts and no installed package: their tests find them from the root of the tree."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from bench.results import Case, Results, Round, Series, Start
from bench.shapes import Shape

# Processes are pinned, and watched in /proc.
collect_ignore = [] if sys.platform == "linux" else ["test_load.py"]


def series_of(*costs, requests=100, lost=0, peak=50.0):
    """Return rounds of so many microseconds of CPU a request."""
    rounds = [Round(cost * requests / 1e6, 1.0, requests, 0, requests, requests - lost) for cost in costs]
    return Series(rounds, peak)


@pytest.fixture
def results():
    """Spanmill beside two others: one of them cannot sample, and loses spans where it forwards."""
    found = Results("Go", 1.0, 3, missing={"base": "no such checkout"})
    found.titles = {"spanmill": "Spanmill", "otelcol": "otelcol", "rotel": "Rotel"}
    found.versions = {"spanmill": "0.1.0", "otelcol": "v1", "rotel": "alpha"}
    found.starts = {name: Start([0.3, 0.1, 0.2], [30.0, 31.0, 32.0]) for name in found.titles}
    for spans in (1, 16, 512):
        forward = {
            "spanmill": series_of(10, 20, 40),
            "otelcol": series_of(20, 50, 60),
            "rotel": series_of(5, 5, 5, lost=2),
        }
        found.cases.append(Case(Shape(spans=spans), 400 * spans, forward))
    found.cases += [
        Case(Shape(work="head"), 2000, {"spanmill": series_of(8, 8, 8, lost=90), "otelcol": series_of(16, 8, 4)}),
        Case(Shape(spans=16, connections=10), 2000, {"spanmill": series_of(9)}),
        Case(Shape(spans=10, resources=10), 2_000_000, {"spanmill": series_of(9)}),
    ]
    return found
