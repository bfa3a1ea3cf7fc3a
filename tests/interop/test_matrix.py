"""What the README says of ways in and out is what the tests of the backends hold."""

from pathlib import Path

from backends.matrix import table


def test_the_readme_has_the_matrix():
    readme = Path(__file__).parents[2].joinpath("README.md").read_text()
    assert table() in readme, f"let the README say:\n\n{table()}"
