"""Processor `probabilistic_sampler`: keeps a share of spans or log records, decided item by item without memory.

All modes are consistent (see `collector.processing.probability`): what one collector keeps, another with a higher
percentage keeps as well. Each mode writes the threshold that was applied, into `tracestate` (`ot=th`) of a span or the
attribute `sampling.threshold` of a log record, so that what comes after knows how many items each one stands for.

Unlike the OpenTelemetry Collector's, a percentage of 0 keeps nothing even with `fail_closed: false`, and a log record's
`sampling_priority` of 0 drops the record and above 100 keeps it, as the documentation of both says.
"""

from collector.api import ProcessorFactory, Settings, Transform, transform
from collector.data import Batch, Signal
from processors.probabilistic_sampler.config import Config
from processors.probabilistic_sampler.logs import LogSampler
from processors.probabilistic_sampler.rule import Rule
from processors.probabilistic_sampler.spans import span_sampler
from processors.probabilistic_sampler.tally import Tally

__all__ = ["FACTORY", "Config"]


def build(config: Config, settings: Settings) -> Transform:
    """Return the function that samples a batch."""
    rule = Rule(config)
    tallies = {signal: Tally(settings, signal) for signal in FACTORY.signals}
    samplers = {
        Signal.TRACES: span_sampler(rule, tallies[Signal.TRACES]).sample,
        Signal.LOGS: LogSampler(rule, tallies[Signal.LOGS], config).sample,
    }

    def sample(batch: Batch) -> Batch | None:
        opened = batch.open()
        for _, scope in opened.scopes():
            items = scope.raws()
            kept = samplers[batch.signal](items)
            if kept != items:
                scope.replace_all(kept)
        tallies[batch.signal].flush()
        return Batch.of_opened(opened, batch.client) if len(opened) else None

    return sample


FACTORY = ProcessorFactory(
    type="probabilistic_sampler",
    config=Config,
    create=transform(build),
    signals=frozenset({Signal.TRACES, Signal.LOGS}),
)
