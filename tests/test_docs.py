"""What the documentation says: its YAML is valid, its tables are what the code has, its links lead somewhere."""

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from collector.api import Kind
from collector.cli import main
from collector.config import ServiceConfig, bind, load, plugin_files
from collector.config.component_reference import component_reference, example
from collector.config.shapes import field_shapes, options, shapes
from collector.data import Signal
from collector.delivery.meter import Meter
from collector.runtime.exposition import ProcessMetrics
from collector.runtime.registry import BUILT_IN, Registry
from collector.runtime.service import Service
from collector.testing import make_settings
from collector.testing.component import Recorded
from collector.testing.process import free_port

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
EVERY_COMPONENT = ROOT / "tests/every_component.yaml"
FACTORIES = [factory for kind in Kind for name in BUILT_IN[kind.section] if (factory := Registry().find(kind, name))]

ONLY_TRACES = {factory.type for factory in FACTORIES if factory.signals == {Signal.TRACES}}


def name_of(path):
    return str(path.relative_to(ROOT))


def blocks_of(path, language):
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", path.read_text(), re.DOTALL | re.MULTILINE)


EXAMPLES = [
    pytest.param(text, id=f"{name_of(page)}-{number}")
    for page in PAGES
    for number, text in enumerate(blocks_of(page, "yaml"), 1)
]


def completed(text):
    """Return a whole configuration around a part of one: what it declares is run by a pipeline."""
    part = yaml.safe_load(text)
    service = part.setdefault("service", {})
    service.setdefault("extensions", list(part.get("extensions", ())))
    if "pipelines" not in service:
        service["pipelines"] = pipelines_for(part)
    return part


def pipelines_for(part):
    receivers, exporters = (list(part.setdefault(section, {"nop": None})) for section in ("receivers", "exporters"))
    processors, connectors = (list(part.get(section, ())) for section in ("processors", "connectors"))
    signal = "traces" if ONLY_TRACES & {*receivers, *processors, *exporters} else "logs"
    first = {"receivers": receivers, "processors": processors, "exporters": connectors or exporters}
    return {signal: first} | (
        {f"{signal}/out": {"receivers": connectors, "exporters": exporters}} if connectors else {}
    )


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_valid(text, monkeypatch, tmp_path):
    """Without an error and without a warning, where the files and variables are that it names."""
    monkeypatch.chdir(DOCS / "examples")
    (tmp_path / "token").write_text("secret\n")
    environment = {"TOKEN": "secret", "TOKEN_FILE": str(tmp_path / "token"), "BACKEND": "localhost:14317"}
    document = load([f"yaml:{yaml.safe_dump(completed(text), sort_keys=False)}"], env=environment)
    registry = Registry()
    for path in plugin_files(document):
        registry.add_file(path)
    assert [] == [str(warning) for warning in bind(document, registry).warnings]


@pytest.mark.parametrize("page", ["README.md", "docs/components.md", "docs/configuration.md", "docs/operations.md"])
def test_a_page_has_examples(page):
    """Without any, the test above would show nothing."""
    assert blocks_of(ROOT / page, "yaml")


def test_the_component_reference_is_fresh(capsys):
    assert 0 == main(["components", "--format", "markdown"])
    assert capsys.readouterr().out == (DOCS / "components.md").read_text(), "run `make docs`"


@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: f"{factory.kind.value}-{factory.type}")
def test_the_reference_has_each_component(factory):
    page = component_reference(FACTORIES)
    assert example(factory) in page
    assert f"### {factory.kind.value.capitalize()} {factory.type}\n" in page


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


def anchors(page):
    """Return the anchors of a page's headings, made as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def described_options():
    """Yield every option there is, once, with the model that has it."""
    pending, seen = [ServiceConfig, *(factory.config for factory in FACTORIES)], set()
    while pending:
        model = pending.pop()
        if model in seen:
            continue
        seen.add(model)
        for name, field in options(model).items():
            yield f"{model.__module__}.{model.__name__}.{name}", field
            pending += models_in(field_shapes(field))


def models_in(allowed):
    for shape in allowed:
        if shape.model:
            yield shape.model
        elif shape.items is not None:
            yield from models_in(shapes(shape.items))


def test_options_are_described_in_sentences():
    descriptions = {name: field.description or "" for name, field in described_options()}
    assert descriptions
    assert {} == {
        name: text for name, text in descriptions.items() if not re.fullmatch(r"[A-Z`\"].*\.", text, re.DOTALL)
    }


class Instruments:
    """Remembers the metrics that components make, with the labels of each."""

    enabled = True

    def __init__(self):
        self.made = set()

    def of(self, kind, component_id):
        def instrument(name, description, labels=()):
            self.made.add((name, frozenset({kind.value, *labels})))
            return Recorded()

        def histogram(name, description, buckets, labels=()):
            return instrument(name, description, labels)

        return SimpleNamespace(counter=instrument, gauge=instrument, histogram=histogram)


async def instruments_of_everything(directory):
    """Return the instruments of a collector that has run every component, those made at the first use included."""
    (directory / "mine.py").write_text("def process(record):\n    return record\n")
    (directory / "strategies.json").write_text("{}")
    text = EVERY_COMPONENT.read_text().replace("DIRECTORY", str(directory)).replace("PORT", str(free_port()))
    instruments = Instruments()
    service = Service(bind(load([f"yaml:{text}"]), Registry()), instruments)
    await service.start()
    await service.shutdown()
    for signal in Signal:
        telemetry = instruments.of(Kind.EXPORTER, None)
        meter = Meter(make_settings("otlp_grpc", telemetry=telemetry, signals=frozenset({signal})))
        meter.sent(signal, 1)
        meter.failed(signal, 1, "shutdown")
        meter.refused(SimpleNamespace(signal=signal, count=1), "queue_full")
    for family in ProcessMetrics({"service_name": "spanmill"}).collect():
        instruments.made.add((family.name, frozenset(label for sample in family.samples for label in sample.labels)))
    return instruments.made


def documented():
    """Return the rows of the table of metrics: names with their labels."""
    rows = re.findall(
        r"^\| `((?:otelcol|target)_[\w<>]+)` \| (.*?) ?\|", (DOCS / "operations.md").read_text(), re.MULTILINE
    )
    return {
        (name.replace("<items>", signal.items).replace("<sampler>", sampler), frozenset(re.findall(r"`(\w+)`", labels)))
        for name, labels in rows
        for signal in Signal
        for sampler in ("adaptive_sampler", "priority_sampler", "tail_sampling")
    }


def test_every_component_is_in_the_file():
    """Otherwise the next test would not see its metrics."""
    declared = yaml.safe_load(EVERY_COMPONENT.read_text())
    assert {(factory.kind.section, factory.type) for factory in FACTORIES} == {
        (kind.section, name) for kind in Kind for name in declared[kind.section]
    }


async def test_the_table_of_metrics_is_complete(tmp_path):
    """It has every metric that a collector with all components makes, with its labels, and no other."""
    assert documented() == await instruments_of_everything(tmp_path)
