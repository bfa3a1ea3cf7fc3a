"""Processor `adaptive_sampler`: holds a target while traffic changes, and shares it fairly.

Traces are told apart by keys. Every key gets the same share of the target; what a rare one does not need goes to the
others, so nothing rare is drowned by what is frequent. What each key offers is learned all the time, and a spike is
answered before it has cost more than a part of an interval (`governor`).

A trace is kept where its randomness reaches the threshold of its key, which goes into `ot=th`: adjusted counts add up
to what was offered, without bias. Where an earlier sampler has left out more, its threshold stays.

In mode `tail` whole traces are waited for, in mode `head` each batch is decided about when it comes.
"""

from collector.api import Component, ComponentId, Consumer, Host, Processor, ProcessorFactory, Settings, StartError
from collector.data import Batch, Signal
from collector.sampling.learned import LearnedRates, ServesRates
from collector.sampling.mode import sampler_of
from processors.adaptive_sampler.config import Config
from processors.adaptive_sampler.decider import AdaptiveDecider

__all__ = ["FACTORY", "Config"]


class Teaching:
    """A sampler that tells an extension what it learns."""

    def __init__(self, sampler: Processor, rates: LearnedRates, extension: ComponentId) -> None:
        self._sampler = sampler
        self._rates = rates
        self._extension = extension

    async def start(self, host: Host) -> None:
        """Find the extension, then begin to sample.

        Raises:
            StartError: there is no such extension, or it serves something else.

        """
        serve_by(host.extension(self._extension), self._rates, self._extension)
        await self._sampler.start(host)

    async def consume(self, batch: Batch) -> None:
        """Sample."""
        await self._sampler.consume(batch)

    async def shutdown(self) -> None:
        """End as the sampler does."""
        await self._sampler.shutdown()


def serve_by(extension: Component | None, rates: LearnedRates, name: ComponentId) -> None:
    """Let an extension serve what is learned."""
    option = "remote_sampling.extension"
    if extension is None:
        raise StartError(f"{option}: no extension {name} is running: declare it, and list it in service.extensions")
    if not isinstance(extension, ServesRates):
        raise StartError(f"{option}: the extension {name} tells SDKs nothing: name one of type jaegerremotesampling")
    extension.serve(rates)


def create(config: Config, settings: Settings, next_consumer: Consumer) -> Processor:
    """Build the processor."""
    decider = AdaptiveDecider(config, settings)
    sampler = sampler_of(config, settings, next_consumer, decider)
    if config.remote_sampling is None or decider.rates is None:
        return sampler
    return Teaching(sampler, decider.rates, ComponentId.parse(config.remote_sampling.extension))


FACTORY = ProcessorFactory(type="adaptive_sampler", config=Config, create=create, signals=frozenset({Signal.TRACES}))
