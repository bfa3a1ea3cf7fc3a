from collections.abc import Mapping
from typing import Annotated, Any

import pytest
from pydantic import Field

from collector.api import ComponentConfig, Duration, SecretStr, option
from collector.config.shapes import names_at, options, shapes, shapes_at


class Block(ComponentConfig):
    wait: Duration | None = option(None, "A time.")
    waits: list[Duration] = option([], "Times.")
    named: Mapping[str, SecretStr] = option({}, "Secrets.")
    deep: dict[str, list[SecretStr]] = option({}, "Secrets in lists.")
    size: Annotated[int, Field(ge=1)] | str = option(1, "A size.")
    again: "Block | list[Block] | None" = option(None, "Itself.")
    called: str = option("", "An option whose word Python keeps to itself.", alias="from")


@pytest.mark.parametrize(
    ("keys", "durations"), [(("wait",), [True, False]), (("waits", 0), [True]), (("size",), [False, False])]
)
def test_durations_are_known_wherever_they_stand(keys, durations):
    assert durations == [shape.is_duration for shape in shapes_at(Block, keys)]


@pytest.mark.parametrize("keys", [("named",), ("named", "x"), ("deep",), ("deep", "x", 0), ("again", 1, "named")])
def test_secrets_are_known_wherever_they_stand(keys):
    assert any(shape.is_secret for shape in shapes_at(Block, keys))


def test_names_of_options_are_those_in_files():
    assert list(options(Block))[-1] == "from"
    assert names_at(Block, ("again", 0)) == list(options(Block))
    assert names_at(Block, ("nowhere", "x")) == []


def test_a_plain_annotation_is_one_shape():
    (shape,) = shapes(Any)

    assert (shape.kind, shape.model, shape.items) == (Any, None, None)
