"""What a delivery counts, under the Go collector's names."""

from functools import cache

from collector.api import Counter, Settings
from collector.data import Batch, Signal

_BATCH_SIZES = (
    *(10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0),
    *(1e3, 2e3, 3e3, 4e3, 5e3, 6e3, 7e3, 8e3, 9e3, 10e3, 20e3, 30e3, 50e3, 100e3),
)


class Meter:
    """The instruments of one delivery. Items are spans, log records or metric data points."""

    def __init__(self, settings: Settings) -> None:
        self._telemetry = settings.telemetry
        self._labels = {"data_type": "+".join(sorted(signal.value for signal in settings.signals))}
        labels = tuple(self._labels)
        telemetry = settings.telemetry
        self._queue_size = telemetry.gauge(
            "otelcol_exporter_queue_size", "How much the sending queue holds, in the unit of its sizer.", labels
        )
        self._queue_capacity = telemetry.gauge(
            "otelcol_exporter_queue_capacity", "How much the sending queue can hold, in the unit of its sizer.", labels
        )
        self._in_flight = telemetry.gauge(
            "otelcol_exporter_in_flight_requests", "Requests being sent, pauses between attempts included.", labels
        )
        self._batch_size = telemetry.histogram(
            "otelcol_exporter_queue_batch_send_size", "Items in a request from the queue.", _BATCH_SIZES, labels
        )
        self._retries = telemetry.counter(
            "otelcol_exporter_retries", "Attempts that failed and were followed by another.", (*labels, "reason")
        )
        self._sending = 0
        # Made when a signal is first seen, so that no series of other signals show.
        self._sent = cache(lambda signal: self._counter(f"sent_{signal.items}", "delivered", ()))
        self._failed = cache(
            lambda signal: self._counter(f"send_failed_{signal.items}", "that could not be delivered", ("reason",))
        )
        self._refused = cache(
            lambda signal: self._counter(f"enqueue_failed_{signal.items}", "the queue did not take", ("reason",))
        )

    def _counter(self, name: str, what: str, labels: tuple[str, ...]) -> Counter:
        return self._telemetry.counter(f"otelcol_exporter_{name}", f"Items {what}.", labels)

    def queue(self, size: int, capacity: int) -> None:
        """Show how full the queue is."""
        self._queue_size.set(size, **self._labels)
        self._queue_capacity.set(capacity, **self._labels)

    def sending(self, change: int) -> None:
        """Note that a request begins (1) or ends (-1)."""
        self._sending += change
        self._in_flight.set(self._sending, **self._labels)

    def shipped(self, batch: Batch) -> None:
        """Note the size of a request from the queue."""
        self._batch_size.record(batch.count, **self._labels)

    def retried(self, reason: str) -> None:
        """Count an attempt that is followed by another."""
        self._retries.add(1, **self._labels, reason=reason)

    def sent(self, signal: Signal, count: int) -> None:
        """Count what was delivered."""
        self._sent(signal).add(count)

    def failed(self, signal: Signal, count: int, reason: str) -> None:
        """Count what was not."""
        self._failed(signal).add(count, reason=reason)

    def refused(self, batch: Batch, reason: str) -> None:
        """Count what the queue did not take."""
        self._refused(batch.signal).add(batch.count, reason=reason)
