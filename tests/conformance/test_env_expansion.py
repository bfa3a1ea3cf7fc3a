"""`${env:...}` against the Go collector's own table of types, escapes and recursion."""

from typing import Any

import pytest

from collector.api import ComponentConfig, option
from collector.config import ConfigErrors, load
from collector.config.validation import validate
from collector.testing.cases import parameters, table

pytestmark = pytest.mark.conformance


class Whole(ComponentConfig):
    field: int = option(description="An int target.")


class Text(ComponentConfig):
    field: str = option(description="A string target.")


class Switch(ComponentConfig):
    field: bool = option(description="A bool target.")


class Slice(ComponentConfig):
    field: list[Any] = option(description="A slice target.")


TARGETS: dict[str, type[ComponentConfig]] = {"int": Whole, "string": Text, "bool": Switch, "slice": Slice}


def cases() -> list[Any]:
    rows = table("configs/confmap/env_expansion_types.json").get("cases", ())
    return parameters(rows, lambda index, row: f"{index}-{row['target_type']}")


@pytest.mark.parametrize("case", cases())
def test_expansion(case, tmp_path):
    source = tmp_path / "c.yaml"
    source.write_text(case["yaml"])
    if message := case.get("resolve_error_contains"):
        with pytest.raises(ConfigErrors, match=message.replace(".", r"\.")):
            load([str(source)], env=case["env"])
        return

    config, errors = validate(TARGETS[case["target_type"]], load([str(source)], env=case["env"]).root)

    if "unmarshal_error_contains" in case:
        assert errors
        assert all(error.path == "field" and error.message.startswith("expected ") for error in errors)
    else:
        assert errors == []
        assert case["expected"] == config.field
        assert type(case["expected"]) is type(config.field)
