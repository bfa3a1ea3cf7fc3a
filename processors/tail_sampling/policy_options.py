"""The options that single types of policies have."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, field_validator, model_validator

from collector.api import ComponentConfig, option
from collector.ottl import conditions
from collector.processing.patterns import Pattern

_INT32_MAX = 2**31 - 1


class LatencyConfig(ComponentConfig):
    """How long the traces are that a policy keeps: from the earliest start to the latest end, in whole milliseconds."""

    threshold_ms: int = option(0, "Milliseconds that a trace must exceed.")
    upper_threshold_ms: int = option(0, "Milliseconds that it must not exceed; 0 for no such bound.")


class NumericAttributeConfig(ComponentConfig):
    """Which whole number a policy looks for in attributes of resources and spans."""

    key: str = option("", "The attribute's key.")
    min_value: int = option(0, "The smallest number that matches; 0 for no lower bound.")
    max_value: int = option(0, "The largest number that matches; 0 for no upper bound.")
    invert_match: bool = option(False, "Keep the traces in which no such number occurs, instead.")


class ProbabilisticConfig(ComponentConfig):
    """Which share of traces a policy keeps."""

    hash_salt: str = option(
        "",
        "What is hashed together with the trace id; the same in every collector of one tier, another in the next tier. "
        "Empty for the default of all collectors.",
    )
    sampling_percentage: float = option(
        0.0, "How many of a hundred traces are kept; 100 and more keeps all.", allow_inf_nan=False
    )


class StatusCodeConfig(ComponentConfig):
    """Which status codes of spans a policy looks for."""

    status_codes: list[Literal["OK", "ERROR", "UNSET"]] = option(
        [], "Which ones: a span with one of them keeps its trace."
    )


class StringAttributeConfig(ComponentConfig):
    """Which text a policy looks for in attributes of resources and spans."""

    key: str = option("", "The attribute's key.")
    values: list[str] = option([], "Texts, or patterns in RE2 syntax, of which one must match.")
    enabled_regex_matching: bool = option(False, "Take `values` as patterns, which match anywhere in a text.")
    cache_max_size: int = option(0, "How many results of patterns are remembered; 0 for 128.")
    invert_match: bool = option(False, "Keep the traces in which no such text occurs, instead.")

    @model_validator(mode="after")
    def _check_patterns(self) -> Self:
        if self.enabled_regex_matching:
            for value in self.values:
                Pattern(value)
        return self


class RateLimitingConfig(ComponentConfig):
    """How many spans a second a policy keeps."""

    spans_per_second: int = option(0, "Spans a second in the long run.")
    burst_capacity: int = option(
        0, "Most spans at once, after a pause; a trace with more never passes. 0 for twice `spans_per_second`."
    )


class BytesLimitingConfig(ComponentConfig):
    """How many bytes a second a policy keeps, as OTLP."""

    bytes_per_second: int = option(0, "Bytes a second in the long run.")
    burst_capacity: int = option(
        0, "Most bytes at once, after a pause; a trace with more never passes. 0 for twice `bytes_per_second`."
    )


class SpanCountConfig(ComponentConfig):
    """How many spans the traces have that a policy keeps."""

    min_spans: int = option(0, "Fewest spans.", ge=-_INT32_MAX - 1, le=_INT32_MAX)
    max_spans: int = option(0, "Most spans; 0 for no such bound.", ge=-_INT32_MAX - 1, le=_INT32_MAX)


class TraceStateConfig(ComponentConfig):
    """Which member of the W3C tracestate a policy looks for."""

    key: str = option("", "The member's key.")
    values: list[str] = option([], "The texts of which the member must be one.")


class BooleanAttributeConfig(ComponentConfig):
    """Which truth value a policy looks for in attributes of resources and spans."""

    key: str = option("", "The attribute's key.")
    value: bool = option(False, "The value that matches.")
    invert_match: bool = option(False, "Keep the traces in which it does not occur, instead.")


def _is_condition(context: str) -> AfterValidator:
    """Refuse a text that is no condition of a context."""

    def check(text: str) -> str:
        conditions(context, [text])
        return text

    return AfterValidator(check)


class OttlConditionConfig(ComponentConfig):
    """Which conditions in OTTL a policy looks for; one that holds is enough."""

    error_mode: Literal["ignore", "propagate", "silent", ""] = option(
        "",
        "Of a condition that cannot be evaluated: `ignore` tells it in the log and goes on; `silent`, which is the "
        "default, only goes on; `propagate` makes it an error of the policy.",
    )
    span: list[Annotated[str, _is_condition("span")]] = option([], "Conditions on spans.")
    spanevent: list[Annotated[str, _is_condition("spanevent")]] = option([], "Conditions on span events.")

    @field_validator("error_mode", mode="before")
    @classmethod
    def _lower(cls, mode: object) -> object:
        return mode.lower() if isinstance(mode, str) else mode


class NothingConfig(ComponentConfig):
    """A type of policy without options."""
