"""From a plan to component instances that are connected, but not started."""

from dataclasses import dataclass
from typing import Any

from collector.api import Clock, Component, Consumer, Exporter, Kind, Settings, StartError, SystemClock
from collector.config import Config, ConfigError, ConfigErrors, Declared
from collector.data import Signal
from collector.delivery import Delivery, DeliveryConfig
from collector.runtime.fanout import SignalRouter, fan_out
from collector.runtime.graph import Key, Node, plan
from collector.runtime.logs import component_logger
from collector.runtime.observers import DirectDelivery, ItemCounter, ReceiverObserver
from collector.runtime.telemetry import TelemetrySource


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What is started and stopped: a component instance, or the delivery around an exporter."""

    key: Key
    component: Component


def build(config: Config, telemetry: TelemetrySource, clock: Clock | None = None) -> list[Part]:
    """Build the extensions and every component that pipelines use, and return them in starting order.

    Raises:
        ConfigErrors: some cannot be built as the configuration says.

    """
    builder = _Builder(config, telemetry, clock or SystemClock())
    for name in config.service.extensions:
        builder.add_extension(config.extensions[name])
    for node in plan(config):
        builder.add(node)
    if builder.errors:
        raise ConfigErrors(builder.errors)
    return builder.parts


class _Builder:
    """Builds node by node, sinks first, and keeps what takes the batches of each."""

    def __init__(self, config: Config, telemetry: TelemetrySource, clock: Clock) -> None:
        self._root = config.document.root
        self._telemetry = telemetry
        self._clock = clock
        self._consumers: dict[tuple[Key, Signal], Consumer] = {}
        self.parts: list[Part] = []
        self.errors: list[ConfigError] = []

    def add_extension(self, declared: Declared) -> None:
        """Build an extension."""
        key = Key(Kind.EXTENSION, declared.id)
        self._add_part(key, self._create(declared, self._settings(key, declared, frozenset())))

    def add(self, node: Node) -> None:
        """Build a node, everything that it hands on to being there."""
        match node.key.kind:
            case Kind.EXPORTER:
                self._add_exporter(node)
            case Kind.PROCESSOR:
                self._add_processor(node)
            case Kind.CONNECTOR:
                self._add_connector(node)
            case _:
                self._add_receiver(node)

    def _add_receiver(self, node: Node) -> None:
        settings = self._settings(node.key, node.declared, node.signals)
        router = self._router(node)
        observed = ReceiverObserver(settings.telemetry, node.signals, router) if self._telemetry.enabled else router
        self._add_part(node.key, self._create(node.declared, settings, observed))

    def _add_processor(self, node: Node) -> None:
        settings = self._settings(node.key, node.declared, node.signals)
        [(signal, followers)] = node.next.items()
        after = self._fan_out(followers, signal)
        if self._telemetry.enabled:
            after = ItemCounter(settings.telemetry, "outgoing", after)
        processor = self._add_part(node.key, self._create(node.declared, settings, after))
        before = ItemCounter(settings.telemetry, "incoming", processor) if self._telemetry.enabled else processor
        self._consumers[node.key, signal] = before

    def _add_connector(self, node: Node) -> None:
        settings = self._settings(node.key, node.declared, node.signals)
        connector = self._add_part(node.key, self._create(node.declared, settings, self._router(node)))
        for signal in node.signals:
            self._consumers[node.key, signal] = connector

    def _add_exporter(self, node: Node) -> None:
        settings = self._settings(node.key, node.declared, node.signals)
        exporter: Exporter = self._add_part(node.key, self._create(node.declared, settings))
        config = node.declared.config
        if not isinstance(config, DeliveryConfig):
            direct = DirectDelivery(settings.telemetry, node.signals, exporter)
            self._consumers |= {(node.key, signal): direct for signal in node.signals}
            return
        for signal in node.signals:
            delivery = Delivery(exporter, config, self._settings(node.key, node.declared, frozenset({signal})))
            self._consumers[node.key, signal] = self._add_part(node.key, delivery)

    def _router(self, node: Node) -> SignalRouter:
        return SignalRouter({signal: self._fan_out(keys, signal) for signal, keys in node.next.items() if keys})

    def _fan_out(self, keys: tuple[Key, ...], signal: Signal) -> Consumer:
        return fan_out([self._consumers[key, signal] for key in keys])

    def _settings(self, key: Key, declared: Declared, signals: frozenset[Signal]) -> Settings:
        pipeline = key.instance if key.kind is Kind.PROCESSOR else ""
        return Settings(
            id=declared.id,
            logger=component_logger(key.kind, declared.id, pipeline),
            telemetry=self._telemetry.of(key.kind, declared.id),
            clock=self._clock,
            signals=signals,
            directory=declared.directory,
            instance=pipeline,
        )

    def _add_part(self, key: Key, component: Any) -> Any:
        self.parts.append(Part(key, component))
        return component

    def _create(self, declared: Declared, *arguments: Any) -> Any:
        """Return what the factory makes; where it fails, note why and go on, to find every error at once."""
        try:
            return declared.factory.create(declared.config, *arguments)
        except (StartError, ValueError) as error:
            message = str(error)
        except Exception as error:  # noqa: BLE001 - a component of a third party may raise anything
            message = f"the component cannot be built, which is its defect: {type(error).__name__}: {error}"
        section, name = declared.factory.kind.section, str(declared.id)
        origin = self._root.nearest((section, name)).declared
        self.errors.append(ConfigError(f"{section}.{name}", message, origin))
        return None
