"""Public conformance cases, read from where they lie beside the checkout; imports pytest.

`SPANMILL_CONFORMANCE` names another folder. Where there is no such folder the tests skip; a table that is missing from
a folder that is there is an error, so that nothing passes because it read nothing.
"""

import json
import os
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

CASES = Path(os.environ.get("SPANMILL_CONFORMANCE") or Path(__file__).parents[3] / "shared" / "conformance")
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason=f"needs the public conformance cases in {CASES.name}/")


@cache
def table(name: str) -> Any:
    """Return a JSON table of the cases, such as `otlp/retryable_codes.json`; an empty one where there are no cases."""
    return json.loads((CASES / name).read_text()) if CASES.is_dir() else {}


def parameters(rows: Iterable[Any], name_of: Callable[[int, Any], str]) -> list[Any]:
    """Return a pytest parameter for each row, or one that is skipped where there are no cases.

    Raises:
        ValueError: the cases are there, but the rows are empty.

    """
    found = [pytest.param(row, id=name_of(index, row)) for index, row in enumerate(rows)]
    if not found and CASES.is_dir():
        raise ValueError("the cases are there, but this table has no rows")
    return found or [pytest.param({}, id="absent", marks=needs_cases)]
