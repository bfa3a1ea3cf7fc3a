"""From a configuration to a plan: which component instances there are, who hands on to whom, and who starts first.

Pure: nothing is built and no event loop is needed. That everything fits together was checked when the configuration
was bound.

- A receiver has one instance for all its pipelines and signals; so has an exporter.
- A processor has one instance for each pipeline.
- A connector has one instance for each signal that it takes.
"""

import graphlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from collector.api import ComponentId, ConnectorFactory, Kind
from collector.config import Config, Declared, PipelineId
from collector.data import Signal


@dataclass(frozen=True, slots=True)
class Key:
    """Names one instance. `instance` is a processor's pipeline or the signal that a connector takes."""

    kind: Kind
    id: ComponentId
    instance: str = ""

    def __str__(self) -> str:
        return f"{self.kind.value}/{self.id}"


@dataclass(frozen=True, slots=True)
class Node:
    """One instance: the signals of the pipelines that use it, and to whom it hands each signal on."""

    key: Key
    declared: Declared
    signals: frozenset[Signal]
    next: Mapping[Signal, tuple[Key, ...]] = field(default_factory=dict)


def plan(config: Config) -> list[Node]:
    """Return every instance in starting order: sinks before what feeds them, receivers last. Stop in reverse.

    Raises:
        graphlib.CycleError: connectors form a cycle, which `collector.config.bind` refuses.

    """
    nodes = {node.key: node for node in _Planner(config).nodes()}
    followers = {key: [follower for keys in node.next.values() for follower in keys] for key, node in nodes.items()}
    ordered = [nodes[key] for key in graphlib.TopologicalSorter(followers).static_order()]
    # A stable sort: data comes in only when everything behind it stands.
    return sorted(ordered, key=lambda node: node.key.kind is Kind.RECEIVER)


class _Planner:
    def __init__(self, config: Config) -> None:
        self._config = config
        self._pipelines = config.service.pipelines

    def nodes(self) -> Iterator[Node]:
        """Yield the instances, exporters first; within a kind in the order of the file."""
        for name, declared in self._config.exporters.items():
            if signals := self._signals_into(name):
                yield Node(Key(Kind.EXPORTER, name), declared, frozenset(signals))
        for name, declared in self._config.connectors.items():
            for taken in self._signals_into(name):
                followers = {given: self._heads(name, given) for given in _produces(declared, taken)}
                yield Node(Key(Kind.CONNECTOR, name, taken.value), declared, frozenset({taken}), followers)
        for pipeline in self._pipelines:
            yield from self._processors(pipeline)
        for name, declared in self._config.receivers.items():
            if signals := self._signals_from(name):
                followers = {signal: self._heads(name, signal) for signal in signals}
                yield Node(Key(Kind.RECEIVER, name), declared, frozenset(signals), followers)

    def _processors(self, pipeline: PipelineId) -> Iterator[Node]:
        """Yield a pipeline's processors, last first."""
        follower = self._exits(pipeline)
        for name in reversed(self._pipelines[pipeline].processors):
            key, signal = Key(Kind.PROCESSOR, name, str(pipeline)), pipeline.signal
            yield Node(key, self._config.processors[name], frozenset({signal}), {signal: follower})
            follower = (key,)

    def _heads(self, source: ComponentId, signal: Signal) -> tuple[Key, ...]:
        """Return what a source's pipelines of a signal begin with: a processor, or the exits where there is none."""
        heads: list[Key] = []
        for pipeline, parts in self._pipelines.items():
            if pipeline.signal is signal and source in parts.receivers:
                first = [Key(Kind.PROCESSOR, name, str(pipeline)) for name in parts.processors[:1]]
                heads += first or self._exits(pipeline)
        return tuple(heads)

    def _exits(self, pipeline: PipelineId) -> tuple[Key, ...]:
        """Return what a pipeline ends with, each once."""
        return tuple(
            Key(Kind.CONNECTOR, name, pipeline.signal.value)
            if name in self._config.connectors
            else Key(Kind.EXPORTER, name)
            for name in dict.fromkeys(self._pipelines[pipeline].exporters)
        )

    def _signals_from(self, source: ComponentId) -> list[Signal]:
        pipelines = (pipeline for pipeline, parts in self._pipelines.items() if source in parts.receivers)
        return list(dict.fromkeys(pipeline.signal for pipeline in pipelines))

    def _signals_into(self, sink: ComponentId) -> list[Signal]:
        pipelines = (pipeline for pipeline, parts in self._pipelines.items() if sink in parts.exporters)
        return list(dict.fromkeys(pipeline.signal for pipeline in pipelines))


def _produces(declared: Declared, taken: Signal) -> frozenset[Signal]:
    """Return the signals that a connector makes of one that it takes."""
    factory = declared.factory
    return factory.produces(taken) if isinstance(factory, ConnectorFactory) else frozenset()
