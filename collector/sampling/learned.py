"""What a sampler has learned that clients can use: the seam between it and the extension that tells them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class ServiceRates:
    """How a service is to sample at the source.

    `operations` are probabilities from 0 to 1 by the name of the root span, `default` is that of all other
    operations, and `lower_bound` so many traces of each operation in a second are to be sent in any case.
    """

    default: float
    operations: Mapping[str, float]
    lower_bound: float = 0.0


class LearnedRates(Protocol):
    """A sampler that knows how services are to sample."""

    def rates_of(self, service: str) -> ServiceRates | None:
        """Return what a service is to do, None where nothing is known of it."""


@runtime_checkable
class ServesRates(Protocol):
    """An extension that tells clients what samplers have learned."""

    def serve(self, rates: LearnedRates) -> None:
        """Ask this sampler, too, from now on.

        Raises:
            StartError: it is configured to tell them something else.

        """
