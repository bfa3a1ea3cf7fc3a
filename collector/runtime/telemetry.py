"""Where components get their instruments from."""

from typing import Protocol

from collector.api import ComponentId, Counter, Gauge, Histogram, Kind, Telemetry


class TelemetrySource(Protocol):
    """Gives each component its telemetry. `enabled` says whether there is a point in counting."""

    enabled: bool

    def of(self, kind: Kind, component_id: ComponentId) -> Telemetry:
        """Return the telemetry of one component."""


class _Nothing:
    """A counter, gauge and histogram that forgets."""

    def add(self, amount: float = 1, /, **labels: str) -> None:
        pass

    def set(self, value: float, /, **labels: str) -> None:
        pass

    def record(self, value: float, /, **labels: str) -> None:
        pass


class NoTelemetry:
    """The source at `level: none`; it is the telemetry of every component, too."""

    enabled = False
    _nothing = _Nothing()

    def of(self, kind: Kind, component_id: ComponentId) -> Telemetry:  # noqa: ARG002 - all components get the same
        """Return telemetry that forgets."""
        return self

    def counter(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Counter:  # noqa: ARG002
        """Return a counter that forgets."""
        return self._nothing

    def gauge(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Gauge:  # noqa: ARG002
        """Return a gauge that forgets."""
        return self._nothing

    def histogram(
        self,
        name: str,  # noqa: ARG002
        description: str,  # noqa: ARG002
        buckets: tuple[float, ...],  # noqa: ARG002
        labels: tuple[str, ...] = (),  # noqa: ARG002
    ) -> Histogram:
        """Return a histogram that forgets."""
        return self._nothing
