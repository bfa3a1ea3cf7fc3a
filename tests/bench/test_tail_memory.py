"""The memory of what waits: the table, and the plot."""

from xml.etree import ElementTree as ET

import pytest

from bench import plots
from bench.tail_memory import Held, lines, table

FOUND = [Held("Spanmill", 1000, 4.0, 5.0), Held("Spanmill", 100_000, 400.0, 410.0), Held("otelcol", 1000, 20.0, 21.0)]


def test_a_row_has_memory_a_ratio_and_peaks():
    assert "| 1,000, 8,000 spans | 4, 524 B | 20, 2,621 B | **5.00** | 5 / 21 |" in table(FOUND)


def test_what_was_not_held_is_said():
    assert "| 100,000, 800,000 spans | 400, 524 B | left out: too much | - | 410 / - |" in table(FOUND)


def test_the_plot_has_a_point_for_each_figure():
    picture = plots.held(lines(FOUND))
    assert plots.TITLES["held"] == ET.fromstring(picture).get("aria-label")
    assert 3 == picture.count("<circle")
    assert "otelcol, 1,000: 2,621 bytes" in picture


@pytest.mark.parametrize("title", ["Spanmill", "otelcol"])
def test_one_collector_is_enough(title):
    alone = [one for one in FOUND if one.collector == title]
    assert f"| traces held | {title}, MiB and a span | peak MiB ({title}) |" in table(alone)
