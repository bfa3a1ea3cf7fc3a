"""What SDKs are told, so that they sample at the source.

An SDK does not say in its spans what it has left out, so nobody can know what it would have sent. What is known is what
it was told, what arrives since, and what should: so much more than what is kept. Their ratio corrects what it is told
next. That comes to rest where an SDK does as it is told; one that does not is told the least in the end.
"""

from collections import defaultdict
from dataclasses import dataclass

from collector.sampling.learned import ServiceRates
from processors.adaptive_sampler.config import Config, RemoteSamplingConfig
from processors.adaptive_sampler.governor import OTHER, Governor

# The most that one correction changes: what is learned lags behind.
_LARGEST_STEP = 10.0
_TENTH = 0.1


@dataclass(slots=True)
class _Flow:
    """What arrives and what is kept of it, in a second."""

    arriving: float = 0.0
    kept: float = 0.0


class RemoteRates:
    """Knows how services are to sample. Implements `LearnedRates`."""

    def __init__(self, options: RemoteSamplingConfig, config: Config, governor: Governor) -> None:
        self._governor = governor
        self._headroom = options.headroom
        self._least = options.min_percentage / 100
        self._interval = options.interval
        self._due_at: float | None = None
        within = config.keep_every_key_within
        self._lower_bound = 1 / (within * _TENTH) if within else 0.0
        self._service = config.keys.index("service")
        self._operation = config.keys.index("operation") if "operation" in config.keys else None
        # By service and operation; that of a service as a whole has no operation.
        self._told: dict[tuple[str, str | None], float] = {}
        self._rates: dict[str, ServiceRates] = {}

    def rates_of(self, service: str) -> ServiceRates | None:
        """Return what a service is to do, None where nothing is known of it."""
        return self._rates.get(service)

    def refresh(self, now: float) -> None:
        """Work it out anew, where it is time."""
        if self._due_at is None:
            self._due_at = now + self._interval
        if now < self._due_at:
            return
        self._due_at = now + self._interval
        # What is no longer known is told the default, and begins again when it comes back.
        self._told = {name: self._corrected(name, flow) for name, flow in self._flows().items()}
        operations: defaultdict[str, dict[str, float]] = defaultdict(dict)
        for (service, operation), rate in self._told.items():
            if operation is not None:
                operations[service][operation] = rate
        self._rates = {
            service: ServiceRates(rate, operations[service], self._lower_bound)
            for (service, operation), rate in self._told.items()
            if operation is None
        }

    def _flows(self) -> dict[tuple[str, str | None], _Flow]:
        flows: defaultdict[tuple[str, str | None], _Flow] = defaultdict(_Flow)
        for key in self._governor.keys.values():
            if key.values == OTHER or not key.rate:
                continue
            service = key.values[self._service]
            names: list[str | None] = [None]
            if self._operation is not None:
                names.append(key.values[self._operation])
            for name in names:
                flow = flows[service, name]
                flow.arriving += key.rate
                flow.kept += self._governor.share(key)
        return flows

    def _corrected(self, name: tuple[str, str | None], flow: _Flow) -> float:
        told = self._told.get(name, 1.0)
        ratio = self._headroom * flow.kept / flow.arriving
        ratio = min(max(ratio, 1 / _LARGEST_STEP), _LARGEST_STEP)
        return min(max(told * ratio, self._least), 1.0)
