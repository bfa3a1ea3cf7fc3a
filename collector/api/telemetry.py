"""How a component counts what it does. The runtime adds the label that names the component."""

from typing import Protocol


class Counter(Protocol):
    """A sum that only grows."""

    def add(self, amount: float = 1, /, **labels: str) -> None:
        """Add to the series with these labels."""


class Gauge(Protocol):
    """A value that goes up and down."""

    def set(self, value: float, /, **labels: str) -> None:
        """Set the series with these labels."""


class Histogram(Protocol):
    """A distribution of values."""

    def record(self, value: float, /, **labels: str) -> None:
        """Record a value in the series with these labels."""


class Telemetry(Protocol):
    """Makes instruments. Asking twice for a name gives the same instrument.

    Names are the Go collector's where it has one (`otelcol_processor_batch_timeout_trigger_send`), without `_total`.
    `labels` names every label that the calls will pass, all of them each time.
    """

    def counter(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Counter:
        """Return the counter of this name."""

    def gauge(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Gauge:
        """Return the gauge of this name."""

    def histogram(
        self, name: str, description: str, buckets: tuple[float, ...], labels: tuple[str, ...] = ()
    ) -> Histogram:
        """Return the histogram of this name, with upper bounds in ascending order."""
