"""Real configurations of public repositories: each gets the verdict that the Go collector gives it.

A configuration that names a component which is planned gets no full verdict: it counts as right where nothing else is
wrong with a valid one. Printed with `-rP`: the score, and what is left.
"""

import csv

import pytest

from collector.config import ConfigError, ConfigErrors, bind, load
from collector.runtime.registry import Registry
from collector.testing.cases import CASES, needs_cases, parameters

pytestmark = pytest.mark.conformance

CONFIGS = CASES / "configs"
# What the variables of the configurations could hold, by a part of their names; the first that fits counts.
VALUES = {
    "OTLP_ENDPOINT": "http://localhost:4318",
    "OPENTELEMETRY_ENDPOINT": "http://localhost:4318",
    "EXPORTER_ENDPOINT": "http://localhost:4318",
    "mock_endpoint": "localhost:4317",
    "PORT": "4317",
    "port": "4317",
    "FORMAT": "localhost:4317",
    "SCHEME": "localhost:4317",
    "IP": "127.0.0.1",
    "level": "info",
}
PLANNED = "is planned but not built yet"


def rows() -> list[dict[str, str]]:
    if not CASES.is_dir():
        return []
    with (CONFIGS / "index.tsv").open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def files():
    return parameters(rows(), lambda _, row: row["file"].removesuffix(".yaml"))


def environment(names: str) -> dict[str, str]:
    variables = [name for name in names.split(",") if name]
    return {name: next((text for part, text in VALUES.items() if part in name), "value") for name in variables}


def errors_of(row: dict[str, str]) -> list[ConfigError]:
    try:
        bind(load([str(CONFIGS / row["file"])], env=environment(row["env"])), Registry())
    except ConfigErrors as error:
        return error.errors
    return []


def complaint(row: dict[str, str], errors: list[ConfigError]) -> str:
    """Return what is wrong with a verdict; nothing where it is right."""
    unplanned = [str(error) for error in errors if PLANNED not in error.message]
    if row["expected"] == "valid" and unplanned:
        return f"is valid, but: {'; '.join(unplanned)}"
    if row["expected"].startswith("invalid") and not errors:
        return f"is invalid: {row['error_contains']}"
    # What was valid once has components that the Go collector of today refuses too.
    if row["expected"] == "valid-legacy" and not any("any more" in text for text in unplanned):
        return "has a component that is no more, but that is not said"
    return ""


@pytest.mark.parametrize("row", files())
def test_verdict(row):
    assert complaint(row, errors_of(row)) == ""


@pytest.mark.parametrize("row", [case for case in files() if str(case.id).startswith("invalid")])
def test_errors_say_where(row):
    """Each error has a place in the file and a path, but for a file that has nothing."""
    for error in errors_of(row):
        assert error.origin is not None
        assert error.path or "empty configuration" in error.message
        assert str(error).startswith(str(CONFIGS / row["file"]))


@needs_cases
def test_score():
    """Most configurations get a full verdict, not only word that something is planned."""
    full, planned, left = 0, 0, []
    for row in rows():
        errors = errors_of(row)
        if text := complaint(row, errors):
            left.append(f"{row['file']} {text}")
        elif errors and all(PLANNED in error.message for error in errors):
            planned += 1
        else:
            full += 1
    print(f"{full} full verdicts, {planned} only wait for a planned component, {len(left)} wrong", *left, sep="\n")  # noqa: T201
    assert full + planned + len(left) >= 95
    assert full >= 45
