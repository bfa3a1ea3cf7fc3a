"""Figures: per request, round by round against each other, saved and read."""

from bench.results import Results, Spread


def test_cost_is_cpu_per_request(results):
    assert Spread(10, 20, 40) == results.cases[0].series["spanmill"].cost


def test_ratios_are_of_the_same_round(results):
    """The median of 2, 2.5 and 1.5: not the ratio of the medians, which is 2.5."""
    assert Spread(1.5, 2.0, 2.5) == results.cases[0].ratio("otelcol")


def test_there_is_no_ratio_without_figures(results):
    assert results.cases[3].ratio("rotel") is None


def test_what_did_not_arrive_is_counted(results):
    rotel = results.cases[0].series["rotel"]
    assert (6, 0.98) == (rotel.lost, rotel.arrived)


def test_figures_come_back_as_they_were_saved(results, tmp_path):
    results.save(tmp_path / "results.json")
    assert results == Results.read(tmp_path / "results.json")


def test_cases_are_grouped_by_what_they_have_in_common(results):
    groups = {title: [case.shape.label for case in cases] for title, cases in results.groups.items()}
    assert groups == {
        "forward, gRPC": ["1 span", "16 spans", "512 spans"],
        "head, gRPC": ["64 spans"],
        "forward, gRPC, by connections": ["10 connections, 16 spans"],
        "forward, gRPC, by resources": ["10 resources of 1 span"],
    }
