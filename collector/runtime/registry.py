"""Which components there are: an explicit list, entry points of installed packages, and Python files.

A built-in is one line here. Nothing is imported before a configuration names it, so unused components cost nothing.
"""

import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import cast

from collector.api import AnyFactory, Factory, Kind
from collector.config import CatalogError
from collector.runtime.planned import FOREIGN, PLANNED

BUILT_IN: dict[str, dict[str, str]] = {
    "receivers": {
        "jaeger": "receivers.jaeger:FACTORY",
        "nop": "receivers.nop:FACTORY",
        "otlp": "receivers.otlp:FACTORY",
        "zipkin": "receivers.zipkin:FACTORY",
    },
    "processors": {
        "adaptive_sampler": "processors.adaptive_sampler:FACTORY",
        "attributes": "processors.attributes:FACTORY",
        "batch": "processors.batch:FACTORY",
        "memory_limiter": "processors.memory_limiter:FACTORY",
        "priority_sampler": "processors.priority_sampler:FACTORY",
        "probabilistic_sampler": "processors.probabilistic_sampler:FACTORY",
        "python": "processors.python:FACTORY",
        "redaction": "processors.redaction:FACTORY",
        "resource": "processors.resource:FACTORY",
        "scrub": "processors.scrub:FACTORY",
        "span_limits": "processors.span_limits:FACTORY",
        "span_name": "processors.span_name:FACTORY",
        "tail_sampling": "processors.tail_sampling:FACTORY",
    },
    "exporters": {
        "debug": "exporters.debug:FACTORY",
        "file": "exporters.file:FACTORY",
        "jaeger": "exporters.jaeger:FACTORY",
        "jaeger_thrift": "exporters.jaeger.thrift_http:FACTORY",
        "nop": "exporters.nop:FACTORY",
        "otlp_grpc": "exporters.otlp_grpc:FACTORY",
        "otlp_http": "exporters.otlp_http:FACTORY",
        "tempo": "exporters.tempo:FACTORY",
        "zipkin": "exporters.zipkin:FACTORY",
    },
    "connectors": {
        "forward": "connectors.forward:FACTORY",
    },
    "extensions": {
        "health_check": "extensions.health_check:FACTORY",
        "jaegerremotesampling": "extensions.jaegerremotesampling:FACTORY",
    },
}

# Older names of built-ins. Their factories list them too, but asking those would import every one.
ALIASES: dict[str, dict[str, str]] = {
    "exporters": {"otlp": "otlp_grpc", "otlphttp": "otlp_http"},
}

# Names that old configurations still have, and what to write now.
REMOVED: dict[str, dict[str, str]] = {
    "exporters": {
        "logging": 'the OpenTelemetry Collector removed it in v0.111: use "debug" and turn "loglevel" into "verbosity"',
        "opencensus": "the OpenTelemetry Collector removed it: send OTLP, by otlp_grpc or otlp_http",
    },
    "receivers": {"opencensus": "the OpenTelemetry Collector removed it: let applications send OTLP"},
    "processors": {
        "queued_retry": "use sending_queue and retry_on_failure of the exporter",
        "routing": "the OpenTelemetry Collector removed it: it has a connector of that name",
        "servicegraph": "the OpenTelemetry Collector removed it: it has a connector of that name",
        "spanmetrics": "the OpenTelemetry Collector removed it: it has a connector of that name",
    },
    "extensions": {
        "ballast": "the OpenTelemetry Collector removed it: use the processor memory_limiter",
        "memory_ballast": "the OpenTelemetry Collector removed it: use the processor memory_limiter",
    },
}


class Registry:
    """Finds factories by kind and type. Implements the `Catalog` that configurations are bound with."""

    def __init__(self) -> None:
        self._factories: dict[tuple[Kind, str], AnyFactory] = {}
        self._file_types: dict[Kind, set[str]] = {kind: set() for kind in Kind}

    def find(self, kind: Kind, type: str) -> AnyFactory | None:  # noqa: A002 - the field's word
        """Return the factory of a type or of an older name for it, or None where nobody has it.

        Raises:
            CatalogError: the type is known, but what it names is removed, missing or broken.

        """
        key = kind, type
        if key not in self._factories:
            factory = self._load(kind, type)
            if factory is None:
                return None
            self._factories[key] = factory
        return self._factories[key]

    def types(self, kind: Kind) -> list[str]:
        """Return the types of a kind, without their older names, in alphabetical order."""
        return sorted({*BUILT_IN[kind.section], *self._installed[kind], *self._file_types[kind]})

    def planned(self, kind: Kind, type: str) -> bool:  # noqa: A002 - the field's word
        """Return whether Spanmill is going to have a component that it has not yet."""
        return type in PLANNED[kind.section]

    def foreign(self, kind: Kind, type: str) -> bool:  # noqa: A002 - the field's word
        """Return whether a component is part of the OpenTelemetry Collector, but nothing that Spanmill plans."""
        return type in FOREIGN[kind.section]

    def known(self, kind: Kind) -> list[str]:
        """Return all names that mean something, also those of types that are not there."""
        section = kind.section
        return sorted({*self.types(kind), *ALIASES.get(section, ()), *PLANNED[section], *FOREIGN[section]})

    def add_file(self, path: Path) -> list[AnyFactory]:
        """Load the components of a Python file, which has one `FACTORY` or a list `FACTORIES`, and return them.

        Raises:
            CatalogError: there is no such file, it cannot be run, it has no factory, or a type is taken.

        """
        factories = list(_factories_of(_run(path), path))
        for factory in factories:
            for name in (factory.type, *factory.aliases):
                if (taken := self._owner(factory.kind, name)) is not None:
                    raise CatalogError(f'{path}: the {factory.kind.value} "{name}" is {taken} already: rename it')
                self._factories[factory.kind, name] = factory
            self._file_types[factory.kind].add(factory.type)
        return factories

    def _owner(self, kind: Kind, type: str) -> str | None:  # noqa: A002 - the field's word
        if _built_in(kind, type) is not None:
            return "built in"
        if (entry := self._installed[kind].get(type)) is not None:
            return f"part of the package {_package(entry)}"
        return "defined by another file" if (kind, type) in self._factories else None

    def _load(self, kind: Kind, type: str) -> AnyFactory | None:  # noqa: A002 - the field's word
        what = f'{kind.value} "{type}"'
        target = _built_in(kind, type)
        entry = self._installed[kind].get(type)
        if entry is not None:
            if target is not None:
                raise CatalogError(
                    f"the {what} is built in, but the package {_package(entry)} declares it too: remove it"
                )
            return _import(f"{what} of the package {_package(entry)}", kind, type, entry.value)
        if target is not None:
            return _import(what, kind, type, target)
        if (advice := REMOVED.get(kind.section, {}).get(type)) is not None:
            raise CatalogError(f"there is no {what} any more: {advice}")
        return None

    @cached_property
    def _installed(self) -> dict[Kind, dict[str, importlib.metadata.EntryPoint]]:
        """The components of installed packages, from entry points in `spanmill.receivers` and so on."""
        entries = importlib.metadata.entry_points()
        return {
            kind: {entry.name: entry for entry in entries.select(group=f"spanmill.{kind.section}")} for kind in Kind
        }


def _built_in(kind: Kind, type: str) -> str | None:  # noqa: A002 - the field's word
    name = ALIASES.get(kind.section, {}).get(type, type)
    return BUILT_IN[kind.section].get(name)


def _package(entry: importlib.metadata.EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else entry.value


def _import(what: str, kind: Kind, type: str, target: str) -> AnyFactory:  # noqa: A002 - the field's word
    """Return the factory at `module:ATTRIBUTE`."""
    module_name, _, attribute = target.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), attribute, None)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module_name}.".startswith(f"{error.name}."):
            raise CatalogError(f"the {what} is registered as {target}, but there is no module {error.name}") from error
        raise CatalogError(f"the {what} needs the module {error.name}, which is not installed") from error
    except Exception as error:
        raise CatalogError(f"the {what} is broken: importing {module_name} fails with {_describe(error)}") from error
    factory = _checked(found)
    if factory is None or factory.kind is not kind:
        raise CatalogError(f"the {what} is broken: {target} is no {kind.value.capitalize()}Factory")
    if type not in (factory.type, *factory.aliases):
        raise CatalogError(f'the {what} is broken: {target} calls itself "{factory.type}"')
    return factory


def _run(path: Path) -> ModuleType:
    """Return the module that a file makes."""
    spec = importlib.util.spec_from_file_location(f"plugin:{path}", path)
    if spec is None or spec.loader is None:
        raise CatalogError(f"{path}: components are loaded from Python files, and this name does not end in .py")
    if not path.is_file():
        raise CatalogError(f"{path}: there is no such file")
    # Dataclasses and pydantic look their module up to understand annotations.
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise CatalogError(f"{path}: running the file fails with {_describe(error)}") from error
    return module


def _factories_of(module: ModuleType, path: Path) -> Iterator[AnyFactory]:
    found = [module.FACTORY] if hasattr(module, "FACTORY") else getattr(module, "FACTORIES", [])
    if not found:
        raise CatalogError(
            f'{path}: the file defines no component: it needs "FACTORY = ProcessorFactory(...)" or a list FACTORIES'
        )
    for candidate in found:
        factory = _checked(candidate)
        if factory is None:
            raise CatalogError(f"{path}: {candidate!r} is no factory: use ReceiverFactory, ProcessorFactory and so on")
        yield factory


def _checked(candidate: object) -> AnyFactory | None:
    return cast(AnyFactory, candidate) if isinstance(candidate, Factory) and hasattr(candidate, "kind") else None


def _describe(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
