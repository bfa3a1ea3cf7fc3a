"""How a component declares its options: a pydantic model, one field an option.

The declaration feeds the parser, the documentation and the JSON schema, so every field has a description. Values are
strict, as the OpenTelemetry Collector's are: a number is not a string, an unknown key is an error.

Rules of that collector which hold for every model here:

- a key without a value (null) means the default, and for an optional block (`grpc:`) the block with its defaults, or
  none where the block cannot do without options (`auth:`, the `tls:` of a server);
- an optional block takes an extra `enabled`, and `enabled: false` is the same as leaving the block out.
"""

import functools
import re
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_DURATION = re.compile(rf"[+-]?(?:0|(?:{_PART.pattern})+)")


def parse_duration(value: object) -> float:
    """Return the seconds of a Go duration such as `1h30m`, `200ms` or `0`; a bare number counts nanoseconds.

    Raises:
        ValueError: the text is no duration; the message shows what one looks like.

    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value * 1e-9
    if not isinstance(value, str) or not _DURATION.fullmatch(value):
        raise ValueError(f'{value!r} is not a duration: write a number with a unit, such as "200ms", "5s" or "1h30m"')
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(value))
    return -seconds if value.startswith("-") else seconds


# In nanoseconds, the largest first.
_UNIT_SIZES = (("h", 3600 * 10**9), ("m", 60 * 10**9), ("s", 10**9), ("ms", 10**6), ("us", 10**3))


def format_duration(seconds: float) -> str:
    """Return the shortest Go duration for a number of seconds."""
    nanoseconds = round(seconds * 1e9)
    if not nanoseconds:
        return "0s"
    for unit, size in _UNIT_SIZES:
        if nanoseconds % size == 0:
            return f"{nanoseconds // size}{unit}"
    return f"{nanoseconds}ns"


# Seconds, written as a Go duration. Defaults are given in seconds.
Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": ["string", "number"], "examples": ["200ms", "5s", "1h30m"], "title": "Go duration"}),
]


def _unique_header_names(names: list[str]) -> list[str]:
    lower = [name.lower() for name in names]
    for name in lower:
        if lower.count(name) > 1:
            raise ValueError(f'duplicate entry in metadata_keys: "{name}" (case-insensitive)')
    return lower


# Names of request headers, in lower case, none of them twice.
MetadataKeys = Annotated[list[str], AfterValidator(_unique_header_names)]


def option(default: Any = ..., description: str = "", **details: Any) -> Any:
    """Return the declaration of an option: its default (required where there is none), and what it is for.

    `details` are those of `pydantic.Field`: bounds (`ge`, `le`), `examples`, `deprecated`.
    """
    if isinstance(default, list | dict | set):
        return Field(default_factory=default.copy, description=description, **details)
    if isinstance(default, type) and issubclass(default, BaseModel):
        return Field(default_factory=default, description=description, **details)
    return Field(default, description=description, **details)


@dataclass(frozen=True, slots=True)
class Caveat:
    """What an operator is warned of who sets an option to a value; stands in the `Annotated` type of the option.

    `remark` gets the value as it was written, of a block the whole map, and returns the warning, or None where there is
    nothing to say.

    ```
    Annotated[Literal["gzip", "snappy"], Caveat({"snappy": "snappy is not available: gzip is used instead"}.get)]
    ```
    """

    remark: Callable[[Any], str | None]


class ComponentConfig(BaseModel):
    """The base of every configuration model, of components and of the blocks that they share."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, validate_default=False, use_attribute_docstrings=False
    )

    @model_validator(mode="before")
    @classmethod
    def _apply_collector_rules(cls, data: Any) -> Any:
        if data is None:
            return {}
        if not isinstance(data, dict):
            return data
        result = {}
        for key, value in data.items():
            field = cls.model_fields.get(key)
            block = None if field is None else _optional_block(field.annotation)
            if block is not None:
                value = _enabled_block(block, value)  # noqa: PLW2901 - the rule rewrites the value in place
            elif value is None and field is not None:
                continue
            result[key] = value
        return result


def _optional_block(annotation: Any) -> type[BaseModel] | None:
    """Return the model of an option declared as `Model | None`."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return None
    members = get_args(annotation)
    models = [member for member in members if isinstance(member, type) and issubclass(member, BaseModel)]
    return models[0] if models and type(None) in members else None


def _enabled_block(block: type[BaseModel], value: Any) -> Any:
    if value is None:
        return {} if _stands_alone(block) else None
    if isinstance(value, dict) and "enabled" in value and "enabled" not in block.model_fields:
        if value["enabled"] is False:
            return None
        if value["enabled"] is True:
            return {key: inner for key, inner in value.items() if key != "enabled"}
    return value


@functools.cache
def _stands_alone(block: type[BaseModel]) -> bool:
    """Return whether a block is valid without any option."""
    try:
        block.model_validate({})
    except ValidationError:
        return False
    return True


__all__ = [
    "Caveat",
    "ComponentConfig",
    "Duration",
    "MetadataKeys",
    "SecretStr",
    "format_duration",
    "option",
    "parse_duration",
]
