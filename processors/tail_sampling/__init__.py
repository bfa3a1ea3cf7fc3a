"""Processor `tail_sampling`: keeps or drops whole traces, by policies that look at all of a trace.

It takes the configuration of the OpenTelemetry Collector's processor of that name and decides alike. What is beyond it,
and what differs, is in docs/tail-sampling.md.
"""

from collector.api import Consumer, ProcessorFactory, Settings
from collector.data import Signal
from collector.sampling.decision import Decider
from collector.sampling.tail import TailProcessor
from processors.tail_sampling.config import Config
from processors.tail_sampling.decider import WholeTraces, build_policies
from processors.tail_sampling.ingest import OnArrival
from processors.tail_sampling.tally import Instruments

__all__ = ["FACTORY", "Config"]


def decider_of(config: Config, settings: Settings) -> Decider:
    """Return what decides about traces."""
    if not config.policies:
        settings.logger.warning("there are no policies: every trace is dropped", advice="give tail_sampling policies")
    instruments = Instruments(settings)
    policies = build_policies(config, settings, instruments)
    if config.sampling_strategy == "span-ingest":
        return OnArrival(policies, instruments, config, settings)
    return WholeTraces(policies, instruments, config)


def create(config: Config, settings: Settings, next_consumer: Consumer) -> TailProcessor:
    """Build the processor."""
    return TailProcessor(config, settings, next_consumer, decider_of(config, settings), counts_votes=True)


FACTORY = ProcessorFactory(type="tail_sampling", config=Config, create=create, signals=frozenset({Signal.TRACES}))
