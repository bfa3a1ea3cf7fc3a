"""What a component needs around it in a test: settings, a host, and instruments that can be read."""

from collections import defaultdict
from pathlib import Path

import structlog

from collector.api import Clock, Component, ComponentId, Counter, Gauge, Histogram, Settings, SystemClock
from collector.data import ALL_SIGNALS, Signal

Labels = tuple[tuple[str, str], ...]


class Recorded:
    """Counter, gauge and histogram at once: `values` maps sorted label pairs to the sum, the value or the list."""

    def __init__(self) -> None:
        self.values: dict[Labels, float] = defaultdict(float)
        self.observations: dict[Labels, list[float]] = defaultdict(list)

    def add(self, amount: float = 1, /, **labels: str) -> None:
        """Count."""
        self.values[tuple(sorted(labels.items()))] += amount

    def set(self, value: float, /, **labels: str) -> None:
        """Set."""
        self.values[tuple(sorted(labels.items()))] = value

    def record(self, value: float, /, **labels: str) -> None:
        """Record."""
        self.observations[tuple(sorted(labels.items()))].append(value)

    @property
    def total(self) -> float:
        """The sum over all labels."""
        return sum(self.values.values())


class RecordingTelemetry:
    """Instruments by name, for assertions: `telemetry["otelcol_..."].total`."""

    def __init__(self) -> None:
        self.instruments: dict[str, Recorded] = defaultdict(Recorded)

    def counter(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Counter:
        """Return the instrument of this name."""
        return self.instruments[name]

    def gauge(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Gauge:
        """Return the instrument of this name."""
        return self.instruments[name]

    def histogram(
        self,
        name: str,
        description: str,
        buckets: tuple[float, ...],
        labels: tuple[str, ...] = (),
    ) -> Histogram:
        """Return the instrument of this name."""
        return self.instruments[name]

    def __getitem__(self, name: str) -> Recorded:
        return self.instruments[name]


class FakeHost:
    """A host that has the extensions it is given and remembers what failed."""

    def __init__(self, extensions: dict[ComponentId, Component] | None = None) -> None:
        self.extensions = extensions or {}
        self.failures: list[tuple[ComponentId, BaseException]] = []
        self.is_ready = True

    def extension(self, component_id: ComponentId) -> Component | None:
        """Return what was given."""
        return self.extensions.get(component_id)

    def fail(self, component_id: ComponentId, error: BaseException) -> None:
        """Remember."""
        self.failures.append((component_id, error))

    def ready(self) -> bool:
        """Return what was set."""
        return self.is_ready


def make_settings(
    component_id: str,
    *,
    clock: Clock | None = None,
    telemetry: RecordingTelemetry | None = None,
    signals: frozenset[Signal] = ALL_SIGNALS,
    directory: Path = Path(),
) -> Settings:
    """Return settings as the runtime would hand to a component of this id."""
    return Settings(
        id=ComponentId.parse(component_id),
        logger=structlog.get_logger().bind(component=component_id),
        telemetry=telemetry or RecordingTelemetry(),
        clock=clock or SystemClock(),
        signals=signals,
        directory=directory,
    )
