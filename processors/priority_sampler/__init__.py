"""Processor `priority_sampler`: keeps traces by rules, of which the first that matches decides.

A rule says what it is about (`when`) and how many of a hundred such traces are kept. Which ones follows from the
trace's randomness (see `collector.processing.probability`), so every instance decides alike, today and after a restart,
and a trace that one percentage keeps a higher one keeps as well. What was kept says in `ot=th` for how many it stands.

In mode `tail` whole traces are waited for, by what all such samplers share. In mode `head` each batch is decided about
when it comes, by what it shows of each trace.
"""

from collector.api import Consumer, Processor, ProcessorFactory, Settings
from collector.data import Signal
from collector.sampling.mode import sampler_of
from collector.sampling.percentage import format_percentage
from processors.priority_sampler.config import Config
from processors.priority_sampler.decider import RuleDecider

__all__ = ["FACTORY", "Config"]


def create(config: Config, settings: Settings, next_consumer: Consumer) -> Processor:
    """Build the processor."""
    decider = RuleDecider(config, settings)
    shares = [f"{rule.name}: {format_percentage(rule.keep)}" for rule in config.rules]
    settings.logger.info("the first rule that matches a trace decides", mode=config.mode, rules=shares)
    return sampler_of(config, settings, next_consumer, decider)


FACTORY = ProcessorFactory(type="priority_sampler", config=Config, create=create, signals=frozenset({Signal.TRACES}))
