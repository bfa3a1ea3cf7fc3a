"""Whether pipelines and components fit together: references, signals, connectors, cycles."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from collector.api import AnyFactory, ComponentConfig, ComponentId, ConnectorFactory, Kind
from collector.config.errors import ConfigError
from collector.config.messages import suggestion
from collector.config.nodes import Keys, Node, format_keys
from collector.config.service import PipelineConfig, PipelineId, ServiceConfig

# What is declared, with its factory, or with None where that is not known (which is reported elsewhere).
Components = Mapping[Kind, Mapping[ComponentId, AnyFactory | None]]
# What may stand in each list of a pipeline: a connector stands where a receiver or an exporter does.
_ROLES = (
    ("receivers", Kind.RECEIVER, (Kind.RECEIVER, Kind.CONNECTOR)),
    ("processors", Kind.PROCESSOR, (Kind.PROCESSOR,)),
    ("exporters", Kind.EXPORTER, (Kind.EXPORTER, Kind.CONNECTOR)),
)
_PIPELINES: Keys = ("service", "pipelines")


def check(service: ServiceConfig, components: Components, root: Node) -> list[ConfigError]:
    """Return everything that keeps the components from being connected as the service section says."""
    wiring = _Wiring(service, components, root)
    return [
        *wiring.required_sections(),
        *wiring.ambiguous_ids(),
        *wiring.extensions(),
        *wiring.pipelines(),
        *wiring.connectors(),
        *wiring.cycles(),
    ]


class _Wiring:
    def __init__(self, service: ServiceConfig, components: Components, root: Node) -> None:
        self._service = service
        self._components = components
        self._root = root
        self._connectors = components[Kind.CONNECTOR]
        # The pipelines that end with a connector, and those that begin with it.
        self._into: dict[ComponentId, list[PipelineId]] = defaultdict(list)
        self._out_of: dict[ComponentId, list[PipelineId]] = defaultdict(list)
        for pipeline_id, pipeline in service.pipelines.items():
            for component_id in pipeline.exporters:
                self._into[component_id].append(pipeline_id)
            for component_id in pipeline.receivers:
                self._out_of[component_id].append(pipeline_id)

    def _error(self, keys: Keys, message: str) -> ConfigError:
        return ConfigError(format_keys(keys), message, self._root.nearest(keys).declared)

    def required_sections(self) -> Iterator[ConfigError]:
        for kind in (Kind.RECEIVER, Kind.EXPORTER):
            if not self._components[kind]:
                message = f"no {kind.value} configuration specified in config: declare at least one"
                yield self._error((kind.section,), message)
        if not self._service.pipelines:
            yield self._error(_PIPELINES, "service must have at least one pipeline")

    def ambiguous_ids(self) -> Iterator[ConfigError]:
        for component_id in self._connectors:
            for kind in (Kind.RECEIVER, Kind.EXPORTER):
                if component_id in self._components[kind]:
                    message = (
                        f'ambiguous id: there is a {kind.value} "{component_id}" too, and pipelines name both alike: '
                        f'rename the connector, such as to "{component_id.type}/connector"'
                    )
                    yield self._error((Kind.CONNECTOR.section, str(component_id)), message)

    def extensions(self) -> Iterator[ConfigError]:
        for index, component_id in enumerate(self._service.extensions):
            if component_id not in self._components[Kind.EXTENSION]:
                keys = ("service", "extensions", index)
                yield self._missing(keys, "extension", component_id, list(self._components[Kind.EXTENSION]))

    def pipelines(self) -> Iterator[ConfigError]:
        for pipeline_id, pipeline in self._service.pipelines.items():
            keys = (*_PIPELINES, str(pipeline_id))
            if not pipeline.receivers:
                yield self._error(keys, "must have at least one receiver")
            if not pipeline.exporters:
                yield self._error(keys, "must have at least one exporter")
            for section, kind, kinds in _ROLES:
                references: list[ComponentId] = getattr(pipeline, section)
                yield from self._references(pipeline_id, (*keys, section), references, kind, kinds)
            yield from self._repeated_processors(keys, pipeline)

    def _references(
        self, pipeline: PipelineId, keys: Keys, references: list[ComponentId], kind: Kind, kinds: Sequence[Kind]
    ) -> Iterator[ConfigError]:
        for index, component_id in enumerate(references):
            owner = next((owner for owner in kinds if component_id in self._components[owner]), None)
            if owner is None:
                known = [name for owner in kinds for name in self._components[owner]]
                yield self._missing((*keys, index), kind.value, component_id, known)
                continue
            factory = self._components[owner][component_id]
            if owner is not Kind.CONNECTOR and factory is not None and pipeline.signal not in factory.signals:
                signals = ", ".join(sorted(signal.value for signal in factory.signals))
                message = (
                    f"telemetry type is not supported: {kind.value} {factory.type} handles {signals}, "
                    f"not {pipeline.signal.value}"
                )
                yield self._error((*keys, index), message)

    def _missing(self, keys: Keys, role: str, component_id: ComponentId, known: list[ComponentId]) -> ConfigError:
        nearest = suggestion(str(component_id), [str(name) for name in known])
        return self._error(keys, f'references {role} "{component_id}" which is not configured{nearest}')

    def _repeated_processors(self, keys: Keys, pipeline: PipelineConfig) -> Iterator[ConfigError]:
        for index, component_id in enumerate(pipeline.processors):
            if component_id in pipeline.processors[:index]:
                message = (
                    f'references processor "{component_id}" multiple times: declare a second one, {component_id.type}/2'
                )
                yield self._error((*keys, "processors", index), message)

    def connectors(self) -> Iterator[ConfigError]:
        """Every use of a connector needs a fitting use at its other end."""
        for component_id, factory in self._connectors.items():
            if not isinstance(factory, ConnectorFactory):
                continue
            edges = list(self._edges(component_id, factory))
            for role, other, pipelines, connected in (
                ("exporter", "receiver", self._into[component_id], {source for source, _ in edges}),
                ("receiver", "exporter", self._out_of[component_id], {target for _, target in edges}),
            ):
                loose = [pipeline for pipeline in pipelines if pipeline not in connected]
                if loose:
                    names = ", ".join(map(str, loose))
                    message = (
                        f'connector "{component_id}" used as {role} in [{names}] pipeline but not used in any supported '
                        f"{other} pipeline"
                    )
                    yield self._error((*_PIPELINES, str(loose[0]), f"{role}s"), message)

    def _edges(
        self, component_id: ComponentId, factory: ConnectorFactory[ComponentConfig]
    ) -> Iterator[tuple[PipelineId, PipelineId]]:
        for source in self._into[component_id]:
            if source.signal in factory.signals:
                produced = factory.produces(source.signal)
                yield from ((source, target) for target in self._out_of[component_id] if target.signal in produced)

    def cycles(self) -> Iterator[ConfigError]:
        """Telemetry in a cycle would never leave it."""
        steps: dict[PipelineId, list[tuple[ComponentId, PipelineId]]] = defaultdict(list)
        for component_id, factory in self._connectors.items():
            if isinstance(factory, ConnectorFactory):
                for source, target in self._edges(component_id, factory):
                    steps[source].append((component_id, target))
        finished: set[PipelineId] = set()
        for pipeline_id in self._service.pipelines:
            cycle = _find_cycle(pipeline_id, steps, finished, [])
            if cycle:
                keys = (*_PIPELINES, cycle[0].removeprefix("pipeline "))
                yield self._error(keys, f"cycle detected: {' -> '.join(cycle)}")


def _find_cycle(
    pipeline: PipelineId,
    steps: Mapping[PipelineId, Sequence[tuple[ComponentId, PipelineId]]],
    finished: set[PipelineId],
    path: list[str],
) -> list[str]:
    """Return the names along the first cycle that can be reached: pipelines, and the connectors between them."""
    name = f"pipeline {pipeline}"
    if name in path:
        return [*path[path.index(name) :], name]
    if pipeline in finished:
        return []
    finished.add(pipeline)
    for connector, target in steps.get(pipeline, ()):
        cycle = _find_cycle(target, steps, finished, [*path, name, f"connector {connector}"])
        if cycle:
            return cycle
    return []
