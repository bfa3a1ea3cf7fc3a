"""Processor `memory_limiter`: refuses data while the process has too much memory, so that it is never killed for it.

Above the soft limit (`limit` less `spike_limit`) everything is refused with an error that asks the sender to come
again: UNAVAILABLE with a hint when, which the OTLP specification has for a server that cannot keep up, and which senders
retry. Unlike in the OpenTelemetry Collector the figure is the process's resident memory, which is what a container is
killed for, and a receiver asks (`admit`) before it reads a request, so what is refused costs next to nothing.

When over a limit, garbage is collected now and then; the interval doubles up to its maximum while that frees little,
because what queues hold is no garbage.
"""

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import model_validator

from collector.api import (
    ComponentConfig,
    Consumer,
    Counter,
    Duration,
    Host,
    ProcessorFactory,
    RetryableError,
    Settings,
    StartError,
    TaskOwner,
    option,
)
from collector.data import ALL_SIGNALS, Batch, Signal
from collector.processing.memory import available_bytes, release, resident_bytes

_MIB = 1 << 20
_REASON = "memory"
# A collection that frees less than this share of the memory has not helped.
_EFFECTIVE_SHARE = 0.05


class Config(ComponentConfig):
    """Refuses data while the process uses too much memory.

    ```yaml
    check_interval: 1s
    limit_mib: 512
    ```
    """

    check_interval: Duration = option(
        0.0,
        "How often the memory is measured, such as `1s`; required, and refused senders are told to wait as long.",
        examples=["1s"],
    )
    limit_mib: int = option(
        0, "Most memory of the process, in MiB; 0 to give `limit_percentage` instead.", ge=0, lt=2**32
    )
    spike_limit_mib: int = option(
        0,
        "How many MiB below the limit data is refused already, for what comes between two measurements; 0 for "
        "a fifth of the limit.",
        ge=0,
        lt=2**32,
    )
    limit_percentage: int = option(
        0,
        "Most memory of the process, in percent of what the container or machine has; `limit_mib` wins.",
        ge=0,
        lt=2**32,
    )
    spike_limit_percentage: int = option(
        0,
        "How far below the limit data is refused already, in percent of what the container or machine has; 0 "
        "for a fifth of the limit.",
        ge=0,
        lt=2**32,
    )
    min_gc_interval_when_soft_limited: Duration = option(
        10.0, "Least time between two garbage collections above the soft limit."
    )
    min_gc_interval_when_hard_limited: Duration = option(
        0.0, "Least time between two garbage collections above the limit itself."
    )
    max_gc_interval_when_soft_limited: Duration = option(
        30.0,
        "Most time to which that interval grows above the soft limit, while collections free little; 0 lets "
        "it not grow.",
    )
    max_gc_interval_when_hard_limited: Duration = option(
        30.0,
        "Most time to which that interval grows above the limit itself, while collections free little; 0 lets "
        "it not grow.",
    )

    @model_validator(mode="after")
    def _check_intervals(self) -> "Config":
        if self.check_interval <= 0:
            raise ValueError("'check_interval' must be greater than zero, such as 1s")
        soft, hard = self.min_gc_interval_when_soft_limited, self.min_gc_interval_when_hard_limited
        if soft < hard:
            raise ValueError(
                "'min_gc_interval_when_soft_limited' should be larger than 'min_gc_interval_when_hard_limited'"
            )
        max_soft, max_hard = self.max_gc_interval_when_soft_limited, self.max_gc_interval_when_hard_limited
        for word, least, most in (("soft", soft, max_soft), ("hard", hard, max_hard)):
            if most < 0:
                raise ValueError(f"'max_gc_interval_when_{word}_limited' must be non-negative")
            if 0 < most < least:
                raise ValueError(
                    f"'max_gc_interval_when_{word}_limited' must be greater than or equal to "
                    f"'min_gc_interval_when_{word}_limited' (or 0 to disable)"
                )
        if 0 < max_soft < max_hard:
            raise ValueError(
                "'max_gc_interval_when_soft_limited' should be larger than or equal to "
                "'max_gc_interval_when_hard_limited' (when both are set)"
            )
        return self

    @model_validator(mode="after")
    def _check_limits(self) -> "Config":
        if self.limit_mib == 0 and self.limit_percentage == 0:
            raise ValueError("'limit_mib' or 'limit_percentage' must be greater than zero")
        if self.limit_percentage > 100 or self.spike_limit_percentage > 100:
            raise ValueError(
                "'limit_percentage' and 'spike_limit_percentage' must be greater than zero and less than or equal to "
                "hundred"
            )
        if 0 < self.limit_mib <= self.spike_limit_mib:
            raise ValueError("'spike_limit_mib' must be smaller than 'limit_mib'")
        if 0 < self.limit_percentage <= self.spike_limit_percentage:
            raise ValueError("'spike_limit_percentage' must be smaller than 'limit_percentage'")
        return self


@dataclass(frozen=True, slots=True)
class Limits:
    """The two limits, in bytes."""

    soft: int
    hard: int

    @classmethod
    def of(cls, config: Config, available: Callable[[], int]) -> "Limits":
        """Return the limits that a configuration asks for; `available` is asked only for percentages."""
        if config.limit_mib:
            hard, spike = config.limit_mib * _MIB, config.spike_limit_mib * _MIB
        else:
            total = available()
            hard, spike = total * config.limit_percentage // 100, total * config.spike_limit_percentage // 100
        return cls(hard - (spike or hard // 5), hard)


class Collections:
    """When garbage may be collected on one of the two paths."""

    def __init__(self, least: float, most: float, check_interval: float) -> None:
        self._least = least
        self._most = most
        # The first step of the growth, also where the least interval is none.
        self._step = max(least, check_interval)
        self._interval = least

    def due(self, since: float) -> bool:
        """Return whether enough time has passed since the last collection."""
        return since >= self._interval

    def learn(self, *, helped: bool) -> None:
        """Wait longer after a collection that did not help."""
        if helped:
            self._interval = self._least
        elif self._most:
            self._interval = min(max(2 * self._interval, self._step), self._most)


class MemoryLimiter:
    """Lets batches pass, or refuses them, by the last measurement."""

    def __init__(
        self,
        config: Config,
        settings: Settings,
        next_consumer: Consumer,
        measure: Callable[[], int] = resident_bytes,
        free: Callable[[], None] = release,
    ) -> None:
        self._config = config
        self._next = next_consumer
        self._clock = settings.clock
        self._logger = settings.logger
        self._measure = measure
        self._free = free
        self._limits = Limits(0, 0)
        self._refusing = False
        self._freed_at = settings.clock.monotonic()
        self._soft, self._hard = (
            Collections(least, most, config.check_interval)
            for least, most in (
                (config.min_gc_interval_when_soft_limited, config.max_gc_interval_when_soft_limited),
                (config.min_gc_interval_when_hard_limited, config.max_gc_interval_when_hard_limited),
            )
        )
        self._tasks = TaskOwner(str(settings.id), settings.logger)
        self._accepted, self._refused = (
            {signal: _counters(settings, signal, outcome) for signal in ALL_SIGNALS}
            for outcome in ("accepted", "refused")
        )
        self._refused_requests = settings.telemetry.counter(
            "otelcol_processor_memory_limiter_refused_requests",
            "Requests refused before they were read, so nobody knows what was in them",
            ("signal",),
        )

    async def start(self, host: Host) -> None:  # noqa: ARG002 - the contract's arguments
        """Measure once, then every interval."""
        try:
            self._limits = Limits.of(self._config, available_bytes)
        except OSError as error:
            raise StartError(f"{error}: write limit_mib instead of limit_percentage") from error
        self._logger.info(
            "memory limiter configured", limit_mib=self._limits.hard // _MIB, soft_limit_mib=self._limits.soft // _MIB
        )
        self.check()
        self._tasks.start("check", self._check_often())

    async def shutdown(self) -> None:
        """Stop measuring; what still comes is let through, so that the pipeline can drain."""
        await self._tasks.cancel()
        self._refusing = False

    async def consume(self, batch: Batch) -> None:
        """Pass a batch on, or refuse it."""
        if self._refusing:
            self._count(self._refused, batch)
            raise self._refusal()
        self._count(self._accepted, batch)
        await self._next.consume(batch)

    def admit(self, signal: Signal) -> None:
        """Refuse before a request is read."""
        if self._refusing:
            self._refused_requests.add(1, signal=signal.value)
            raise self._refusal()

    def check(self) -> None:
        """Measure, free what can be freed, and decide whether to refuse from now on."""
        used = self._measure()
        if used >= self._limits.soft:
            used = self._reclaim(used)
        refusing = used >= self._limits.soft
        if refusing != self._refusing:
            figures = {
                "used_mib": used // _MIB,
                "soft_limit_mib": self._limits.soft // _MIB,
                "limit_mib": self._limits.hard // _MIB,
            }
            if refusing:
                self._logger.warning("memory is above the soft limit: refusing data", **figures)
            else:
                self._logger.info("memory is back within limits: taking data again", **figures)
        self._refusing = refusing

    def _reclaim(self, used: int) -> int:
        collections = self._hard if used >= self._limits.hard else self._soft
        now = self._clock.monotonic()
        if not collections.due(now - self._freed_at):
            return used
        self._free()
        self._freed_at = now
        left = self._measure()
        collections.learn(helped=used - left >= used * _EFFECTIVE_SHARE)
        return left

    async def _check_often(self) -> None:
        while True:
            await self._clock.sleep(self._config.check_interval)
            self.check()

    def _refusal(self) -> RetryableError:
        return RetryableError(
            "data refused due to high memory usage",
            reason=_REASON,
            retry_after=self._config.check_interval,
        )

    @staticmethod
    def _count(counters: dict[Signal, list[Counter]], batch: Batch) -> None:
        for counter in counters[batch.signal]:
            counter.add(batch.count)


def _counters(settings: Settings, signal: Signal, outcome: str) -> list[Counter]:
    """Return the counters of an outcome: under the name of today and under that of the years before."""
    return [
        settings.telemetry.counter(f"otelcol_processor_{prefix}{outcome}_{signal.items}", f"{outcome} {signal.items}")
        for prefix in ("memory_limiter_", "")
    ]


def create(config: Config, settings: Settings, next_consumer: Consumer) -> MemoryLimiter:
    """Build the processor."""
    return MemoryLimiter(config, settings, next_consumer)


FACTORY = ProcessorFactory(type="memory_limiter", config=Config, create=create)
