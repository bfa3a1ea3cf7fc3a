"""The page about components, from components that a test makes."""

import pytest

from collector.api import (
    ComponentConfig,
    ConnectorFactory,
    ExporterFactory,
    ExtensionFactory,
    ProcessorFactory,
    Stability,
    option,
)
from collector.config.component_reference import component_reference, example, purpose, signals
from collector.data import Signal


class Shared(ComponentConfig):
    """What several have."""

    url: str = option("", "Where to.")
    size: int = option(1, "How much.")
    speed: int = option(1, "How fast.")


# Shared models are told by where they live.
Shared.__module__ = "collector.net.shared"


class Tiny(ComponentConfig):
    """So small that it is told in its place."""

    id: str = option(description="An id.")


Tiny.__module__ = "collector.net.tiny"


class Sender(Shared):
    """Sends.

    ```yaml
    url: http://localhost
    ```
    """

    size: int = option(5, "How much of it.")
    tiny: Tiny | None = option(None, "A tiny block.")


class Plain(ComponentConfig):
    """Does it."""

    target: Shared | None = option(None, "A shared block.")


class Twice(ComponentConfig):
    """Has blocks that inherit."""

    class Inner(Shared):
        """Inherits."""

        own: str = option("", "Its own.")

    inner: Inner | None = option(None, "A block.")
    inert: Inner | None = option(None, "Accepted for compatibility; has no effect.")


SENDER = ExporterFactory(type="sender", config=Sender, create=lambda *_: None, aliases=("old",))
PLAIN = ProcessorFactory(
    type="plain",
    config=Plain,
    create=lambda *_: None,
    signals=frozenset({Signal.TRACES, Signal.LOGS}),
    stability=Stability.ALPHA,
)
TWICE = ExtensionFactory(type="twice", config=Twice, create=lambda *_: None)
TO_METRICS = ConnectorFactory(
    type="counter",
    config=Plain,
    create=lambda *_: None,
    signals=frozenset({Signal.TRACES}),
    produces=lambda _: frozenset({Signal.METRICS}),
)


@pytest.fixture(scope="module")
def page():
    return component_reference([PLAIN, SENDER, TO_METRICS, TWICE])


def section(page, heading):
    return page.split(f"### {heading}\n")[1].split("\n#")[0]


def test_a_component_says_what_it_is(page):
    text = section(page, "Processor plain")
    assert "Does it." in text
    assert "Signals: logs, traces. Stability: alpha.\n" in text
    assert "Old names: `old`." in section(page, "Exporter sender")


def test_the_purpose_is_the_first_line():
    assert "Sends." == purpose(SENDER)


def test_the_example_is_the_fenced_part_of_the_docstring():
    assert "exporters:\n  sender:\n    url: http://localhost\n" == example(SENDER)


def test_without_one_the_example_is_the_name():
    assert "processors:\n  plain:\n" == example(PLAIN)


def test_an_extension_has_no_signals_and_a_connector_two():
    assert [] == list(signals(TWICE))
    assert ["traces to metrics"] == list(signals(TO_METRICS))


def test_inherited_options_are_linked_and_what_is_declared_anew_is_told(page):
    text = section(page, "Exporter sender")
    assert "`size` | whole number | `5`" in text
    assert "`url` |" not in text
    assert "It takes the options of [Shared](#shared), too." in text


def test_a_shared_block_is_a_link(page):
    text = section(page, "Processor plain")
    assert "| `target` | [Shared](#shared) | off | A shared block. |" in text
    assert "target.url" not in text


def test_a_block_that_inherits_says_so(page):
    text = section(page, "Extension twice")
    assert "A block. It takes the options of [Shared](#shared), too." in text
    assert "| `inner.own` |" in text
    assert "inner.url" not in text


def test_what_has_no_effect_is_not_told_in_detail(page):
    text = section(page, "Extension twice")
    assert "| `inert` | block | off | Accepted for compatibility; has no effect. |" in text
    assert "inert.own" not in text


def test_a_tiny_block_is_told_in_its_place(page):
    assert "| `tiny.id` | text | required | An id. |" in section(page, "Exporter sender")
    assert "### Tiny" not in page


def test_a_shared_model_is_told_once(page):
    assert 1 == page.count("### Shared\n")
    assert "What several have." in section(page, "Shared")
    assert "| `url` | text |" in section(page, "Shared")


def test_without_components_there_is_the_service():
    assert "| `pipelines` |" in component_reference([])
    assert "Shared options" not in component_reference([])
