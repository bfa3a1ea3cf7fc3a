"""Strategies from what samplers of this collector have learned."""

from collector.api import Idle
from collector.data.messages import ProtoMessage
from collector.sampling.learned import LearnedRates, ServiceRates
from extensions.jaegerremotesampling.messages import PROBABILISTIC, Strategy


class LearnedSource(Idle):
    """Asks each sampler in turn; of services that none knows it says the initial probability."""

    def __init__(self, initial: float) -> None:
        self._initial = ServiceRates(initial, {})
        self._samplers: list[LearnedRates] = []

    def add(self, rates: LearnedRates) -> None:
        """Ask this sampler, too."""
        self._samplers.append(rates)

    async def strategy_of(self, service: str) -> ProtoMessage:
        """Return what is known of a service."""
        answers = (sampler.rates_of(service) for sampler in self._samplers)
        return _strategy(next((rates for rates in answers if rates is not None), self._initial))


def _strategy(rates: ServiceRates) -> ProtoMessage:
    strategy = Strategy(strategyType=PROBABILISTIC, probabilisticSampling={"samplingRate": rates.default})
    if rates.operations:
        strategy.operationSampling.defaultSamplingProbability = rates.default
        strategy.operationSampling.defaultLowerBoundTracesPerSecond = rates.lower_bound
        for operation, rate in rates.operations.items():
            strategy.operationSampling.perOperationStrategies.add(
                operation=operation, probabilisticSampling={"samplingRate": rate}
            )
    return strategy
