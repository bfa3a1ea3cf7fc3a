"""A document and a catalog of components to a configuration that can run, or every reason why not."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from collector.api import AnyFactory, ComponentConfig, ComponentId, Kind
from collector.config import lint, wiring
from collector.config.catalog import Catalog, CatalogError
from collector.config.errors import ConfigError, ConfigErrors, ConfigWarning, Finding
from collector.config.messages import mismatch, suggestion, unknown_key
from collector.config.nodes import Keys, Node, format_keys
from collector.config.service import PipelineId, ServiceConfig
from collector.config.sources import Document, plugin_errors
from collector.config.validation import validate

F = TypeVar("F", bound=Finding)
SECTIONS = (*(kind.section for kind in Kind), "service", "plugins")


@dataclass(frozen=True, slots=True)
class Declared:
    """A component that a configuration declares. `directory` is that of the file which declares it."""

    id: ComponentId
    factory: AnyFactory
    config: ComponentConfig
    directory: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A configuration in which everything fits together."""

    receivers: dict[ComponentId, Declared]
    processors: dict[ComponentId, Declared]
    exporters: dict[ComponentId, Declared]
    connectors: dict[ComponentId, Declared]
    extensions: dict[ComponentId, Declared]
    service: ServiceConfig
    document: Document
    warnings: tuple[ConfigWarning, ...] = ()

    def of_kind(self, kind: Kind) -> dict[ComponentId, Declared]:
        """Return the components of a kind."""
        components: dict[ComponentId, Declared] = getattr(self, kind.section)
        return components


def bind(document: Document, catalog: Catalog) -> Config:
    """Check a document against the components there are.

    Raises:
        ConfigErrors: everything that is wrong, each with its place.

    """
    return _Binder(document, catalog).bind()


class _Binder:
    """Collects errors and warnings on the way through all sections."""

    def __init__(self, document: Document, catalog: Catalog) -> None:
        self._document = document
        self._root = document.root
        self._catalog = catalog
        self._errors: list[ConfigError] = []
        self._warnings: list[ConfigWarning] = list(document.warnings)
        # Everything that has an id; with no factory where the type is not known.
        self._factories: dict[Kind, dict[ComponentId, AnyFactory | None]] = {kind: {} for kind in Kind}

    def bind(self) -> Config:
        self._check_sections()
        if not any((section := self._root.child(kind.section)) and section.value for kind in Kind):
            message = "empty configuration: declare receivers, exporters, and the service.pipelines that connect them"
            self._fail((), message, self._root)
            raise ConfigErrors(_sorted(self._errors))
        components = {kind.section: self._bind_kind(kind) for kind in Kind}
        service = self._bind_service()
        self._errors += plugin_errors(self._document)
        if self._errors or service is None:
            raise ConfigErrors(_sorted(self._errors), self._document.warnings)
        self._warnings += lint.unused(service, self._factories, self._root)
        return Config(**components, service=service, document=self._document, warnings=tuple(_sorted(self._warnings)))

    def _check_sections(self) -> None:
        for key, node in self._root.items():
            if key not in SECTIONS:
                self._fail((key,), unknown_key(str(key), SECTIONS), node)
            elif key != "plugins" and not isinstance(node.value, dict | None):
                self._fail((key,), mismatch(["a map"], node.plain()), node)

    def _bind_kind(self, kind: Kind) -> dict[ComponentId, Declared]:
        bound = {}
        for component_id, (keys, node) in self._ids((kind.section,), ComponentId.parse).items():
            factory = self._factories[kind][component_id] = self._find(kind, component_id, keys, node)
            if factory is None:
                continue
            config, errors = validate(factory.config, node, keys)
            self._errors += errors
            self._warnings += lint.option_warnings(factory.config, node, keys)
            if config is not None:
                bound[component_id] = Declared(component_id, factory, config, node.declared.directory)
        return bound

    def _ids(self, keys: Keys, parse: Any) -> dict[Any, tuple[Keys, Node]]:
        """Return the entries of a map by their ids."""
        found: dict[Any, tuple[Keys, Node]] = {}
        section = self._root.find(keys)
        for key, node in section.items() if section and isinstance(section.value, dict) else ():
            where = (*keys, key)
            try:
                entry_id = parse(key)
            except ValueError as error:
                self._fail(where, str(error), node)
                continue
            if entry_id in found:
                message = f'duplicate name "{key}": without blanks it is {entry_id}, declared at {found[entry_id][1].declared}'
                self._fail(where, message, node)
            found.setdefault(entry_id, (where, node))
        return found

    def _find(self, kind: Kind, component_id: ComponentId, keys: Keys, node: Node) -> AnyFactory | None:
        name = component_id.type
        try:
            factory = self._catalog.find(kind, name)
        except CatalogError as error:
            self._fail(keys, str(error), node)
            return None
        if factory is None and self._catalog.planned(kind, name):
            self._fail(keys, f"the {name} {kind.value} is planned but not built yet", node)
        elif factory is None and self._catalog.foreign(kind, name):
            what = f"the {name} {kind.value} is part of the OpenTelemetry Collector, Spanmill does not have it"
            self._fail(keys, f"{what}: leave it in a Collector, and let the two speak OTLP", node)
        elif factory is None:
            nearest = suggestion(name, self._catalog.known(kind)) or suggestion(name, self._catalog.types(kind))
            self._fail(keys, f'unknown type: "{name}" for id: "{component_id}"{nearest}', node)
        elif name in factory.aliases:
            message = f'"{name}" is the old name of the {kind.value}: write "{factory.type}"'
            self._warnings.append(ConfigWarning(format_keys(keys), message, node.declared))
        return factory

    def _bind_service(self) -> ServiceConfig | None:
        node = self._root.child("service") or Node({}, self._root.origin)
        service, errors = validate(ServiceConfig, node, ("service",))
        self._errors += errors
        self._ids(("service", "pipelines"), PipelineId.parse)
        self._warnings += lint.option_warnings(ServiceConfig, node, ("service",))
        wireable = service or self._without_telemetry(node)
        if wireable is not None:
            self._errors += wiring.check(wireable, self._factories, self._root)
        return service

    @staticmethod
    def _without_telemetry(node: Node) -> ServiceConfig | None:
        """Return what there is to connect in a service section whose other parts have errors."""
        parts = {key: inner for key, inner in node.items() if key in ("extensions", "pipelines")}
        return validate(ServiceConfig, Node({str(key): inner for key, inner in parts.items()}, node.origin))[0]

    def _fail(self, keys: Keys, message: str, node: Node) -> None:
        self._errors.append(ConfigError(format_keys(keys), message, node.declared))


def _sorted(findings: list[F]) -> list[F]:
    """Return each finding once, in the order of the files."""
    return sorted(dict.fromkeys(findings), key=_place)


def _place(finding: Finding) -> tuple[str, int, int]:
    return (finding.origin.source, finding.origin.line, finding.origin.column) if finding.origin else ("", 0, 0)
