"""The registry: lazy built-ins, packages, files, and errors that name what is wrong."""

import importlib.metadata
import subprocess
import sys

import pytest

from collector.api import Kind
from collector.config import CatalogError
from collector.runtime import registry as registry_module
from collector.runtime.registry import ALIASES, BUILT_IN, REMOVED, Registry

KINDS = {kind.section: kind for kind in Kind}
PLUGIN = '''
from collector.api import ComponentConfig, ProcessorFactory

class Config(ComponentConfig):
    """Does nothing."""

FACTORY = ProcessorFactory(type="{type}", config=Config, create=lambda config, settings, next_consumer: next_consumer)
'''


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """Return a function that writes a module and makes it importable."""

    def write(name, text):
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return path

    return write


@pytest.fixture
def installed(monkeypatch):
    """Return a function that declares entry points, as an installed package would."""

    def declare(group, **entries):
        points = [importlib.metadata.EntryPoint(name, value, group) for name, value in entries.items()]
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda: importlib.metadata.EntryPoints(points))

    return declare


@pytest.mark.parametrize(("section", "name"), [(section, name) for section in BUILT_IN for name in BUILT_IN[section]])
def test_every_built_in_loads_under_its_name_and_its_older_names(section, name):
    """The table of older names says the same as the factories."""
    kind = KINDS[section]
    factory = Registry().find(kind, name)
    assert (kind, name) == (factory.kind, factory.type)
    aliases = {alias for alias, target in ALIASES.get(section, {}).items() if target == name}
    assert aliases == set(factory.aliases)
    for alias in aliases:
        assert factory is Registry().find(kind, alias)


def test_nothing_is_imported_before_it_is_asked_for():
    """A gRPC exporter that no configuration names costs no memory."""
    code = "import sys; import collector.runtime.registry as r; r.Registry().types(r.Kind.EXPORTER); print('grpc' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "False" == answer.stdout.strip()


def test_unknown_planned_and_removed_types_are_told_apart():
    catalog = Registry()
    assert catalog.find(Kind.RECEIVER, "nosuch") is None
    assert not catalog.planned(Kind.RECEIVER, "nosuch")
    assert catalog.find(Kind.RECEIVER, "kafka") is None
    for kind, names in {
        Kind.RECEIVER: ["kafka", "prometheus"],
        Kind.CONNECTOR: ["spanmetrics", "span_metrics"],
        Kind.EXTENSION: ["healthcheckv2"],
    }.items():
        assert all(catalog.planned(kind, name) for name in names)
    for kind, names in {
        Kind.RECEIVER: ["hostmetrics", "host_metrics", "filelog"],
        Kind.PROCESSOR: ["k8sattributes", "resourcedetection"],
        Kind.EXPORTER: ["datadog"],
    }.items():
        assert all(catalog.foreign(kind, name) and not catalog.planned(kind, name) for name in names)
    with pytest.raises(CatalogError, match='use "debug"'):
        catalog.find(Kind.EXPORTER, "logging")


def test_a_type_is_there_or_planned_or_foreign_or_removed():
    """No name is in two of the lists, which give different answers."""
    for section, built_in in BUILT_IN.items():
        lists = [
            built_in.keys() | ALIASES.get(section, {}).keys(),
            registry_module.PLANNED[section],
            registry_module.FOREIGN[section],
            REMOVED.get(section, {}).keys(),
        ]
        assert len(set().union(*lists)) == sum(len(names) for names in lists)


def test_every_name_that_means_something_is_known():
    """So that a typo in any of them is noticed."""
    assert {"debug", "otlp", "kafka", "datadog"} <= set(Registry().known(Kind.EXPORTER))


def test_types_are_the_current_names():
    types = Registry().types(Kind.EXPORTER)
    assert sorted(types) == types
    assert {"otlp_grpc", "debug"} <= set(types)
    assert "otlp" not in types


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        ("", "absent_module:FACTORY", "there is no module absent_module"),
        ("import absent_dependency", "mine:FACTORY", "needs the module absent_dependency, which is not installed"),
        ("1 / 0", "mine:FACTORY", "is broken: importing mine fails with ZeroDivisionError"),
        ("", "mine:FACTORY", "is broken: mine:FACTORY is no ProcessorFactory"),
        (PLUGIN.format(type="other"), "mine:FACTORY", 'mine:FACTORY calls itself "other"'),
    ],
)
def test_what_is_wrong_with_a_package_is_named(plugin, installed, text, target, message):
    """A module that is missing reads differently from one that is broken."""
    plugin("mine", text)
    installed("spanmill.processors", extra=target)
    with pytest.raises(CatalogError, match=message):
        Registry().find(Kind.PROCESSOR, "extra")


def test_a_package_adds_components(plugin, installed):
    plugin("mine", PLUGIN.format(type="extra"))
    installed("spanmill.processors", extra="mine:FACTORY")
    catalog = Registry()
    assert "extra" == catalog.find(Kind.PROCESSOR, "extra").type
    assert "extra" in catalog.types(Kind.PROCESSOR)
    assert catalog.find(Kind.RECEIVER, "extra") is None


def test_a_package_cannot_replace_a_built_in(plugin, installed):
    plugin("mine", PLUGIN.format(type="batch"))
    installed("spanmill.processors", batch="mine:FACTORY")
    with pytest.raises(CatalogError, match='"batch" is built in, but the package mine:FACTORY declares it too'):
        Registry().find(Kind.PROCESSOR, "batch")


def test_a_file_adds_components(plugin):
    path = plugin("mine", PLUGIN.format(type="extra"))
    catalog = Registry()
    [factory] = catalog.add_file(path)
    assert factory is catalog.find(Kind.PROCESSOR, "extra")
    assert "extra" in catalog.types(Kind.PROCESSOR)


def test_a_file_may_use_what_looks_its_module_up(plugin):
    """Annotations as text are resolved in the file."""
    text = "from __future__ import annotations\nfrom dataclasses import dataclass, KW_ONLY\n@dataclass\nclass A:\n    _: KW_ONLY\n"
    assert Registry().add_file(plugin("mine", text + PLUGIN.format(type="extra")))


def test_a_file_may_have_several(plugin):
    text = (
        PLUGIN.format(type="one")
        + 'FACTORIES = [FACTORY, ProcessorFactory(type="two", config=Config, create=FACTORY.create)]\ndel FACTORY'
    )
    assert ["one", "two"] == [factory.type for factory in Registry().add_file(plugin("mine", text))]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", 'mine.py: the file defines no component: it needs "FACTORY = '),
        ("FACTORY = 1", "mine.py: 1 is no factory: use ReceiverFactory"),
        ("def broken(:", "mine.py: running the file fails with SyntaxError"),
        ("import absent_dependency", "mine.py: running the file fails with ModuleNotFoundError: .*absent_dependency"),
        (PLUGIN.format(type="batch"), 'mine.py: the processor "batch" is built in already: rename it'),
    ],
)
def test_what_is_wrong_with_a_file_is_named(plugin, text, message):
    with pytest.raises(CatalogError, match=message):
        Registry().add_file(plugin("mine", text))


def test_two_files_cannot_have_one_name(plugin):
    catalog = Registry()
    catalog.add_file(plugin("mine", PLUGIN.format(type="extra")))
    with pytest.raises(CatalogError, match='"extra" is defined by another file already'):
        catalog.add_file(plugin("other", PLUGIN.format(type="extra")))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CatalogError, match="there is no such file"):
        Registry().add_file(tmp_path / "absent.py")
    with pytest.raises(CatalogError, match=r"does not end in \.py"):
        Registry().add_file(tmp_path / "notes.txt")
