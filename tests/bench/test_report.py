"""The page: tables, plots, and the part of it that is generated."""

from xml.etree import ElementTree as ET

import pytest

from bench import plots, report


def test_a_row_has_costs_ratios_and_peaks(results):
    row = "| 16 spans, 6.4 kB | 20 (1.25 a span) | 50 (3.12 a span) | 5 (0.312 a span), 6 spans lost |"
    ratios = " **2.00** (1.50 to 2.50) | **0.25** (0.12 to 0.50) | 50 / 50 / 50 |"
    assert row + ratios in report.text(results)


def test_sampling_tells_what_was_kept_and_loses_nothing(results):
    assert "8 (0.125 a span), 10.0% kept |" in report.text(results)
    assert [] == report.losers(results.cases[3])


def test_who_loses_is_named(results):
    assert ["rotel"] == report.losers(results.cases[0])


def test_what_cannot_be_had_is_named(results):
    text = report.text(results)
    assert "| base | not available: no such checkout |" in text
    assert "| not available | **1.00** (0.50 to 2.00) | not available | 50 / 50 / - |" in text


def test_starts_are_medians(results):
    assert "| Spanmill | 0.20 | 31.0 |" in report.text(results)


def test_writing_replaces_the_generated_part_only(results, tmp_path, monkeypatch):
    page = tmp_path / "benchmarks.md"
    page.write_text(f"before\n\n{report.BEGIN}\nold\n{report.END}\n\nafter\n")
    monkeypatch.setattr(report, "DOCS", tmp_path)
    monkeypatch.setattr(report, "PAGE", page)
    for _ in range(2):
        report.write(results)
    written = page.read_text()
    assert written.startswith("before\n\n")
    assert written.endswith("\n\nafter\n")
    assert 1 == written.count("### Forward, gRPC\n")
    assert "old" not in written
    assert sorted(path.stem for path in (tmp_path / "benchmarks").iterdir()) == sorted(plots.TITLES)
    assert all(f"](benchmarks/{name}.svg)" in written for name in plots.TITLES)


@pytest.mark.parametrize("name", plots.TITLES)
def test_a_plot_is_one_picture_that_says_its_title(name, results):
    picture = ET.fromstring(plots.draw(results)[name])
    assert plots.TITLES[name] == picture.get("aria-label")


def test_a_plot_has_a_point_for_each_figure(results):
    """Three ratios of otelcol in the forwarding of three sizes, and one in sampling; three of Rotel."""
    assert 7 == plots.ratio(results).count("<circle")
    assert 9 == plots.cpu(results).count("<circle")


def test_nothing_is_drawn_without_figures(results):
    results.cases, results.starts = [], {}
    assert {} == plots.draw(results)
