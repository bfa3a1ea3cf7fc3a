"""The options of the processor `adaptive_sampler`."""

import difflib
from typing import Annotated, Literal, Self

from pydantic import field_validator, model_validator

from collector.api import Caveat, ComponentConfig, ComponentId, Duration, option
from collector.sampling.mode import ModeConfig
from collector.sampling.percentage import Percentage

Unit = Literal["traces", "spans", "bytes"]

_RATES: dict[str, Unit] = {"traces_per_second": "traces", "spans_per_second": "spans", "bytes_per_second": "bytes"}
_TARGETS = (*_RATES, "percentage")

_KEYS = ("service", "operation", "status")
_ALIKE = 0.8  # so that `service.name` and `http.status` are not taken for slips


def _doubt(key: object) -> str | None:
    """Return that a key is the name of an attribute, where it looks like a slip."""
    near = difflib.get_close_matches(str(key), _KEYS, n=1, cutoff=_ALIKE)
    return f'"{key}" is the name of an attribute: did you mean "{near[0]}"?' if near and key not in _KEYS else None


class RemoteSamplingConfig(ComponentConfig):
    """Tells the SDKs of services to sample at the source, by what was learned."""

    extension: str = option("jaegerremotesampling", "Id of the extension that serves it, with `source: {adaptive:}`.")
    headroom: float = option(
        2.0, "How many times of what is kept the SDKs are to send, so that there is something to choose from.", ge=1
    )
    min_percentage: Percentage = option(
        1.0, "The least that an SDK is told. Below 0.4 most SDKs choose by bits that the choice made here needs, too."
    )
    interval: Duration = option(
        120.0, "How often it is worked out anew: longer than SDKs take to ask, and their spans to come.", gt=0
    )

    @field_validator("extension")
    @classmethod
    def _check_extension(cls, extension: str) -> str:
        ComponentId.parse(extension)
        return extension


class Config(ModeConfig):
    """Holds a target while traffic changes, shared fairly among the keys of traces.

    ```yaml
    traces_per_second: 100
    keys: [service, operation, status]
    ```
    """

    traces_per_second: float | None = option(None, "Target: traces that are kept in a second.", gt=0)
    spans_per_second: float | None = option(None, "Target: spans that are kept in a second.", gt=0)
    bytes_per_second: float | None = option(None, "Target: bytes of spans that are kept in a second.", gt=0)
    percentage: Percentage | None = option(
        None,
        "Target: how many of a hundred traces are kept, of all keys together, such as `5` or `5%`. Those that earlier "
        "samplers left out count (`ot=th`).",
        gt=0,
    )
    instances: int = option(1, "How many collectors share the target; each holds its part by itself.", ge=1)
    keys: list[Annotated[str, Caveat(_doubt)]] = option(
        ["service", "operation", "status"],
        "What traces have in common that share a rate: `service` and `operation` of the root span, `status` (`error` "
        "where a span failed, else `ok`), or the name of an attribute of a span or resource.",
    )
    interval: Duration = option(
        10.0,
        "The time in which all settles after a change: rates are learned ten times in it, and at once in a spike.",
        ge=1,
    )
    min_percentage: Percentage = option(0.0, "The least of each key that is kept, even where that exceeds the target.")
    max_percentage: Percentage = option(100.0, "The most of each key that is kept.", gt=0)
    initial_percentage: Percentage = option(
        100.0, "The most that is kept in the first tenth of an interval, while nothing is known yet.", gt=0
    )
    keep_every_key_within: Duration = option(
        600.0,
        "A key is kept at least once in this time if it comes at least once in a tenth of it, whatever the target; 0 "
        "for no such promise.",
        ge=0,
    )
    max_keys: int = option(5000, "Most keys that are known; others share one rate until there is room.", ge=1)
    max_key_metrics: int = option(50, "Most keys that have metrics of their own: the largest.", ge=0)
    remote_sampling: RemoteSamplingConfig | None = option(
        None, "Tell the SDKs of services to sample at the source, through the extension `jaegerremotesampling`."
    )

    @field_validator("keys")
    @classmethod
    def _check_keys(cls, keys: list[str]) -> list[str]:
        if not keys or not all(keys) or len(set(keys)) < len(keys):
            raise ValueError("name at least one key, none empty and none twice, such as [service, operation, status]")
        return keys

    @model_validator(mode="after")
    def _check_target(self) -> Self:
        given = [name for name in _TARGETS if getattr(self, name) is not None]
        if len(given) != 1:
            found = f"not {' and '.join(given)}" if given else "none is there"
            raise ValueError(f"give one target, {found}: {', '.join(_TARGETS[:-1])} or {_TARGETS[-1]}")
        if self.min_percentage > self.max_percentage:
            raise ValueError(
                f"min_percentage ({self.min_percentage:g}) is above max_percentage ({self.max_percentage:g}): swap them"
            )
        if self.remote_sampling is not None and "service" not in self.keys:
            raise ValueError("remote_sampling needs to know whose rates they are: add service to keys")
        return self

    @property
    def unit(self) -> Unit:
        """What the target counts."""
        return next((unit for name, unit in _RATES.items() if getattr(self, name) is not None), "traces")

    @property
    def target(self) -> float:
        """What is to be kept by this instance: so many units in a second, or a share where there is a percentage."""
        if self.percentage is not None:
            return self.percentage / 100
        rate: float = next(filter(None, (getattr(self, name) for name in _RATES)))
        return rate / self.instances
