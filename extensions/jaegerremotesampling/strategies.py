"""Jaeger's file of strategies (https://www.jaegertracing.io/docs/1.76/sampling/#file-based-sampling-configuration)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from collector.data.messages import ProtoMessage
from extensions.jaegerremotesampling.messages import PROBABILISTIC, RATE_LIMITING, Strategy

# Of traces, where a file does not say more: Jaeger's own default.
DEFAULT_PROBABILITY = 0.001
_MOST_INT32 = 2**31 - 1

_PROBABILISTIC, _RATE_LIMITING = "probabilistic", "ratelimiting"


class _Sampling(BaseModel):
    """How to sample: a share of the traces, or so many in a second."""

    model_config = ConfigDict(strict=True, frozen=True)

    type: str = _PROBABILISTIC
    param: Annotated[float, Field(ge=0, le=_MOST_INT32, allow_inf_nan=False)] = DEFAULT_PROBABILITY

    @property
    def is_known(self) -> bool:
        """Whether the type is one that samplers can be told; others, such as `const`, stand for the default share."""
        return self.type in (_PROBABILISTIC, _RATE_LIMITING)

    @property
    def share(self) -> float:
        return self.param if self.type == _PROBABILISTIC else DEFAULT_PROBABILITY

    def strategy(self) -> ProtoMessage:
        if self.type == _RATE_LIMITING:
            return Strategy(strategyType=RATE_LIMITING, rateLimitingSampling={"maxTracesPerSecond": int(self.param)})
        return Strategy(strategyType=PROBABILISTIC, probabilisticSampling={"samplingRate": self.share})


class _Operation(_Sampling):
    """How to sample one operation, which can only be by a share."""

    operation: str


class _Service(_Sampling):
    """How to sample a service, and its operations."""

    operation_strategies: list[_Operation] = []

    def shares(self) -> dict[str, float]:
        """Return the shares of operations; samplers know no rates of operations."""
        return {entry.operation: entry.share for entry in self.operation_strategies if entry.type != _RATE_LIMITING}

    def remarks(self, service: str) -> Iterator[str]:
        """Yield what samplers cannot be told."""
        for place, entry in (
            (service, self),
            *((f"{service}, {one.operation}", one) for one in self.operation_strategies),
        ):
            if not entry.is_known:
                yield f'{place}: "{entry.type}" is no type of sampling: write {_PROBABILISTIC} or {_RATE_LIMITING}'
        for entry in self.operation_strategies:
            if entry.type == _RATE_LIMITING:
                yield f"{service}, {entry.operation}: operations are sampled by share only, the rate is left out"


class _NamedService(_Service):
    service: str


class _File(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)

    default_strategy: _Service | None = None
    service_strategies: list[_NamedService] = []


@dataclass(frozen=True, slots=True)
class Strategies:
    """The strategy of each service that has one, and that of all others; and remarks for who wrote the file."""

    by_service: Mapping[str, ProtoMessage]
    default: ProtoMessage
    remarks: Sequence[str] = ()

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Return the strategies of a file; one that is `null` says nothing.

        Raises:
            ValueError: it is not what Jaeger reads; the message says where.

        """
        try:
            parsed = json.loads(text)
            file = _File.model_validate({} if parsed is None else parsed)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise ValueError(f"{place or 'the file'}: {first['msg']}") from None
        except (ValueError, RecursionError) as error:
            raise ValueError(f"it is not valid JSON: {error}") from None
        default = file.default_strategy or _Service()
        by_service = {entry.service: _strategy(entry, default.shares()) for entry in file.service_strategies}
        remarks = [*default.remarks("default_strategy")]
        for entry in file.service_strategies:
            remarks += entry.remarks(entry.service)
        return cls(by_service, _strategy(default, {}), remarks)

    def of(self, service: str) -> ProtoMessage:
        """Return the strategy of a service."""
        return self.by_service.get(service, self.default)


def _strategy(entry: _Service, inherited: Mapping[str, float]) -> ProtoMessage:
    """Return a service's strategy; the shares of operations that it does not have itself are the default's."""
    strategy = entry.strategy()
    shares = {**entry.shares(), **{name: share for name, share in inherited.items() if name not in entry.shares()}}
    if shares or entry.operation_strategies:
        operations: list[dict[str, Any]] = [
            {"operation": name, "probabilisticSampling": {"samplingRate": share}} for name, share in shares.items()
        ]
        strategy.operationSampling.CopyFrom(
            type(strategy.operationSampling)(defaultSamplingProbability=entry.share, perOperationStrategies=operations)
        )
    return strategy
