from typing import Literal

from collector.api import ComponentConfig, Duration, SecretStr, option
from collector.config.reference import option_table
from collector.config.service import ServiceConfig


class Leaf(ComponentConfig):
    """A leaf."""

    name: str = option(description="A name.")


class Tree(ComponentConfig):
    """All kinds of options."""

    text: str = option("a|b", "Text with | in it.")
    wait: Duration = option(0.2, "A time.")
    mode: Literal["a", "b"] = option("a", "A choice.")
    key: SecretStr | None = option(None, "A key.", deprecated="use keys")
    leaf: Leaf | None = option(None, "A block.")
    leaves: list[Leaf] = option([], "Blocks.")
    named: dict[str, Leaf] = option({}, "Named blocks.")
    again: "list[Tree]" = option([], "Itself.")
    size: int | str = option(5, "A size.")


def test_every_option_has_a_row():
    assert option_table(Tree).splitlines() == [
        "| option | type | default | description |",
        "| --- | --- | --- | --- |",
        r"| `text` | text | `a\|b` | Text with \| in it. |",
        "| `wait` | duration | `200ms` | A time. |",
        "| `mode` | `a`, `b` | `a` | A choice. |",
        "| `key` | secret |  | A key. **Deprecated**: use keys. |",
        "| `leaf` | block | off | A block. |",
        "| `leaf.name` | text | required | A name. |",
        "| `leaves` | list of blocks | `[]` | Blocks. |",
        "| `leaves[].name` | text | required | A name. |",
        "| `named` | map of blocks | `{}` | Named blocks. |",
        "| `named.*.name` | text | required | A name. |",
        "| `again` | list of blocks | `[]` | Itself. |",
        "| `size` | whole number or text | `5` | A size. |",
    ]


def test_a_model_without_options_says_so():
    class Empty(ComponentConfig):
        """Nothing."""

    assert option_table(Empty) == "This component has no options.\n"


def test_the_service_section_can_be_told():
    assert "| `telemetry.logs.level` |" in option_table(ServiceConfig)
