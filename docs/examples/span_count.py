"""Connector `span_count`: takes traces and hands on a metric, the number of spans."""

from collector.api import ComponentConfig, ConnectorFactory, Consumer, Idle, Settings
from collector.data import Batch, Signal
from collector.data.messages import REQUESTS


class Config(ComponentConfig):
    """Counts spans."""


class SpanCount(Idle):
    """Makes one data point of each batch."""

    def __init__(self, config: Config, settings: Settings, next_consumer: Consumer) -> None:
        self._clock = settings.clock
        self._next = next_consumer

    async def consume(self, batch: Batch) -> None:
        """Hand on how many spans a batch has."""
        request = REQUESTS[Signal.METRICS]()
        metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="spans", unit="{span}")
        metric.sum.aggregation_temporality = 1  # delta: what came since the data point before
        metric.sum.data_points.add(time_unix_nano=self._clock.time_ns(), as_int=batch.count)
        await self._next.consume(Batch(Signal.METRICS, request.SerializeToString()))


FACTORY = ConnectorFactory(
    type="span_count",
    config=Config,
    create=SpanCount,
    signals=frozenset({Signal.TRACES}),
    produces=lambda signal: frozenset({Signal.METRICS}),
)
