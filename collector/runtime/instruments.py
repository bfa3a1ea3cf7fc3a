"""The collector's own instruments, on those of `prometheus_client`."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import prometheus_client
from prometheus_client.metrics_core import Metric

from collector.api import ComponentId, Counter, Gauge, Histogram, Kind, Telemetry


class OwnTelemetry:
    """All instruments of a collector, each series labelled with its component: `receiver="otlp"`."""

    enabled = True

    def __init__(self) -> None:
        # Several with one name, where components of different kinds have it.
        self._metrics: dict[tuple[str, tuple[str, ...]], Any] = {}
        self._counters: list[_Counter] = []

    def of(self, kind: Kind, component_id: ComponentId) -> Telemetry:
        """Return the telemetry of one component."""
        return _ComponentTelemetry(self.metric, self._counters, kind.value, str(component_id))

    def metric(self, metric_type: Callable[..., Any], name: str, description: str, labels: tuple[str, ...]) -> Any:
        """Return the metric of a name with these labels, made where it is new."""
        key = name, labels
        if key not in self._metrics:
            self._metrics[key] = metric_type(name, description, labels, registry=None)
        return self._metrics[key]

    def collect(self) -> Iterator[Metric]:
        """Yield every metric that has series, those of one name as one."""
        for counter in self._counters:
            counter.flush()
        families: dict[str, Metric] = {}
        for metric in self._metrics.values():
            for family in metric.collect():
                merged = families.setdefault(family.name, family)
                if merged is not family:
                    merged.samples += family.samples
        yield from (family for family in families.values() if family.samples)


MetricMaker = Callable[[Callable[..., Any], str, str, tuple[str, ...]], Any]


class _ComponentTelemetry:
    def __init__(self, make: MetricMaker, counters: "list[_Counter]", label: str, component: str) -> None:
        self._make = make
        self._counters = counters
        self._label = label
        self._component = component

    def counter(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Counter:
        metric = self._metric(prometheus_client.Counter, name, description, labels)
        counter = _Counter(metric, self._component, labels)
        self._counters.append(counter)
        return counter

    def gauge(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Gauge:
        return _Gauge(self._metric(prometheus_client.Gauge, name, description, labels), self._component, labels)

    def histogram(
        self, name: str, description: str, buckets: tuple[float, ...], labels: tuple[str, ...] = ()
    ) -> Histogram:
        with_buckets = partial(prometheus_client.Histogram, buckets=buckets)
        return _Histogram(self._metric(with_buckets, name, description, labels), self._component, labels)

    def _metric(self, metric_type: Callable[..., Any], name: str, description: str, labels: tuple[str, ...]) -> Any:
        return self._make(metric_type, name, description, (self._label, *labels))


class _Series:
    """The series of one metric that belong to one component; `verb` is the method that a value is given to."""

    verb: str

    def __init__(self, metric: Any, component: str, labels: tuple[str, ...]) -> None:
        self._metric = metric
        self._component = component
        self._labels = labels
        # By the names and values that callers pass, in their order: one look-up finds the method to call.
        self._found: dict[tuple[str, ...], Callable[[float], None]] = {}
        if not labels:
            self._find({})  # a series without labels shows from the start, as zero

    def _give(self, value: float, labels: dict[str, str]) -> None:
        method = self._found.get((*labels, *labels.values())) or self._find(labels)
        method(value)

    def _find(self, labels: dict[str, str]) -> Callable[[float], None]:
        if labels.keys() != set(self._labels):
            raise ValueError(f"the labels are {self._labels}, not {tuple(labels)}")
        child = self._metric.labels(self._component, *(labels[name] for name in self._labels))
        method: Callable[[float], None] = getattr(child, self.verb)
        self._found[(*labels, *labels.values())] = method
        return method


class _Counter(_Series):
    """Adds up by itself and hands over when it is read: batches are counted more often than anybody looks."""

    verb = "inc"

    def __init__(self, metric: Any, component: str, labels: tuple[str, ...]) -> None:
        super().__init__(metric, component, labels)
        self._sums: dict[tuple[str, ...], float] = {}

    def add(self, amount: float = 1, /, **labels: str) -> None:
        if amount < 0:
            raise ValueError(f"a counter only grows: {amount} cannot be added")
        key = (*labels, *labels.values())
        try:
            self._sums[key] += amount
        except KeyError:
            self._find(labels)
            self._sums[key] = amount

    def flush(self) -> None:
        """Hand over what was added up."""
        for key, amount in self._sums.items():
            self._found[key](amount)
            self._sums[key] = 0


class _Gauge(_Series):
    verb = "set"

    def set(self, value: float, /, **labels: str) -> None:
        self._give(value, labels)


class _Histogram(_Series):
    verb = "observe"

    def record(self, value: float, /, **labels: str) -> None:
        self._give(value, labels)
