"""The options of the processor `probabilistic_sampler`."""

import math
import struct
from typing import Literal

from pydantic import field_validator

from collector.api import ComponentConfig, option
from collector.processing.probability import HEX_DIGITS, MIN_PROBABILITY

Mode = Literal["hash_seed", "proportional", "equalizing"]


class Config(ComponentConfig):
    """Keeps a share of all spans or log records, by their trace id, and writes down how large the share was.

    ```yaml
    mode: proportional
    sampling_percentage: 10
    ```
    """

    sampling_percentage: float = option(
        0.0, "How many of a hundred are kept; 100 and more keeps all, 0 only what its priority demands.", examples=[10]
    )
    mode: Literal[Mode, ""] = option(
        "hash_seed",
        "`hash_seed` decides by a hash of the trace id; `proportional` and `equalizing` decide by the trace id's own "
        "randomness. `proportional` keeps this share of what comes in, `equalizing` lowers to this share what was not "
        "sampled as far before.",
    )
    hash_seed: int = option(
        0, "The seed of the hash; the same in every collector of one tier, another in the next tier.", ge=0, lt=2**32
    )
    fail_closed: bool = option(True, "Drop, instead of keep, what has no sampling data or contradicting data.")
    sampling_precision: int = option(4, "Significant hex digits to which the threshold is rounded, 1 to 14.")
    attribute_source: Literal["traceID", "record", ""] = option(
        "traceID", "Logs: whether the trace id or the attribute `from_attribute` decides, in mode `hash_seed`."
    )
    from_attribute: str = option(
        "", "Logs: the attribute that decides with `attribute_source: record`, or where there is no trace id."
    )
    sampling_priority: str = option(
        "", "Logs: an attribute that holds a percentage of its own for the record; empty for none."
    )

    @field_validator("sampling_percentage")
    @classmethod
    def _check_percentage(cls, percentage: float) -> float:
        if math.isnan(percentage) or math.isinf(rounded := float32(percentage)):
            raise ValueError(f"sampling rate is invalid: {percentage}%. Write a number from 0 to 100")
        if rounded < 0:
            raise ValueError(f"sampling rate is negative: {percentage}%. Write a number from 0 to 100")
        if 0 < rounded / 100 < MIN_PROBABILITY:
            raise ValueError(
                f"sampling rate is too small: {percentage}%. Write 0, or at least {100 * MIN_PROBABILITY:.2g}%"
            )
        # The collector written in Go keeps 32 bits of it, and its decisions follow from these.
        return rounded

    @field_validator("sampling_precision")
    @classmethod
    def _check_precision(cls, precision: int) -> int:
        if precision > HEX_DIGITS:
            raise ValueError(f"sampling precision is too great, should be <= {HEX_DIGITS}: {precision}")
        if precision < 1:
            raise ValueError(f"invalid sampling precision: {precision}. Write a number from 1 to {HEX_DIGITS}")
        return precision


def float32(value: float) -> float:
    """Return the nearest number of single precision; infinity where there is none."""
    try:
        rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
    return rounded
