"""What a rule may ask for: the options under `when`.

Wherever a value is compared there are three ways to write what it should be: a value (equal to it), a list (equal to
one of them), or a block of tests, all of which must hold. No block may be empty: one that somebody forgot to fill in
would match everything, and a rule with `keep: 0%` would drop it.
"""

import re
from typing import Annotated, Any, Literal, Self, TypeAlias, TypeVar

from pydantic import BeforeValidator, Field, field_validator, model_validator

from collector.api import Caveat, ComponentConfig, Duration, option
from collector.processing.patterns import Pattern

T = TypeVar("T")

Value: TypeAlias = str | bool | int | float
OneOrMore: TypeAlias = T | Annotated[list[T], Field(min_length=1)]

# In the order of OTLP's numbers.
STATUSES = ("unset", "ok", "error")
KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")


def _lower(prefix: str) -> BeforeValidator:
    """Take a word of OTLP also as OTLP spells it: `STATUS_CODE_ERROR` for `error`."""

    def lower(value: Any) -> Any:
        return value.lower().removeprefix(prefix) if isinstance(value, str) else value

    return BeforeValidator(lower)


Status = Annotated[Literal["unset", "ok", "error"], _lower("status_code_")]
SpanKind = Annotated[
    Literal["unspecified", "internal", "server", "client", "producer", "consumer"], _lower("span_kind_")
]


class _Filled(ComponentConfig):
    """A block in which something must be given."""

    @model_validator(mode="after")
    def _refuse_empty(self) -> Self:
        if all(value in (None, {}) for _, value in self):
            known = ", ".join(field.alias or name for name, field in type(self).model_fields.items())
            raise ValueError(f"this says nothing: give it one of {known}, or take it out")
        return self


def _compiled(pattern: str | None) -> str | None:
    if pattern is not None:
        Pattern(pattern)
    return pattern


_BOUNDS = ("above", "at_least", "below", "at_most")


class _Bounds(_Filled):
    """Bounds that contradict each other are a mistake."""

    @model_validator(mode="after")
    def _can_hold(self) -> Self:
        given = {name: value for name in _BOUNDS if (value := getattr(self, name)) is not None}
        lower = [(given[name], name) for name in _BOUNDS[:2] if name in given]
        upper = [(given[name], name) for name in _BOUNDS[2:] if name in given]
        for low, over in lower:
            for high, under in upper:
                if low > high or (low == high and (over, under) != ("at_least", "at_most")):
                    raise ValueError(f"nothing is {over} {low:g} and {under} {high:g}: correct the bounds")
        return self


def _refuse_bare(data: Any) -> Any:
    """Refuse a value without a word that says which bound it is."""
    if isinstance(data, str | int | float):
        raise ValueError(f"{data} is no test: write {{above: {data}}}, or at_least, below or at_most")  # noqa: TRY004
    return data


class DurationTest(_Bounds):
    """Bounds of a duration."""

    _bare = model_validator(mode="before")(_refuse_bare)

    above: Duration | None = option(None, "It is longer than this.")
    at_least: Duration | None = option(None, "It is as long as this or longer.")
    below: Duration | None = option(None, "It is shorter than this.")
    at_most: Duration | None = option(None, "It is as long as this or shorter.")

    @property
    def lower_bounds(self) -> "DurationTest | None":
        """The same without upper bounds; None where there are no others."""
        if self.above is None and self.at_least is None:
            return None
        return self.model_copy(update={"below": None, "at_most": None})


class CountTest(_Bounds):
    """Bounds of a number of spans."""

    _bare = model_validator(mode="before")(_refuse_bare)

    above: int | None = option(None, "There are more than this.")
    at_least: int | None = option(None, "There are this many or more.")
    below: int | None = option(None, "There are fewer than this.")
    at_most: int | None = option(None, "There are this many or fewer.")


class TextTest(_Filled):
    """Tests of a text."""

    is_not: OneOrMore[str] | None = option(None, "It is none of these.", alias="not")
    matches: str | None = option(None, "RE2 pattern that matches in it, anywhere unless it has `^` and `$`.")
    not_matches: str | None = option(None, "RE2 pattern that does not match in it.")

    _patterns = field_validator("matches", "not_matches")(_compiled)


class ValueTest(_Bounds):
    """Tests of an attribute. All but `exists: false` need it to be there."""

    exists: bool | None = option(None, "True: the attribute is there, with any value. False: it is not.")
    is_not: OneOrMore[Value] | None = option(None, "It is there, and none of these.", alias="not")
    above: int | float | None = option(None, "It is a number, or a text that spells one, above this.")
    at_least: int | float | None = option(None, "It is such a number, this or above.")
    below: int | float | None = option(None, "It is such a number, below this.")
    at_most: int | float | None = option(None, "It is such a number, this or below.")
    matches: str | None = option(None, "RE2 pattern that matches in its text, anywhere unless it has `^` and `$`.")
    not_matches: str | None = option(None, "RE2 pattern that does not match in its text.")

    _patterns = field_validator("matches", "not_matches")(_compiled)

    @model_validator(mode="after")
    def _asks_of_what_is_there(self) -> Self:
        if self.exists is False and any(value is not None for name, value in self if name != "exists"):
            raise ValueError("exists: false stands alone: what is not there has no value to test")
        return self


# Not all that looks like an operator is one: `<unknown>` is a text.
_OPERATOR = re.compile(r"[<>]=?(?= *[-.\d])|[!=]=")
_WORDS = {">": "above", ">=": "at_least", "<": "below", "<=": "at_most", "!=": "not"}


def _doubt(value: object) -> str | None:
    """Return that a comparison is written down where a value is expected."""
    if not isinstance(value, str) or (match := _OPERATOR.match(value)) is None:
        return None
    operator, operand = match[0], value[match.end() :].strip()
    meant = f"{{{_WORDS[operator]}: {operand}}}" if operator in _WORDS else operand
    return f'"{value}" is compared as a text: write {meant} to compare values'


# What is wanted of a text, and of an attribute.
Text: TypeAlias = OneOrMore[str] | TextTest
Attribute: TypeAlias = Annotated[OneOrMore[Value] | ValueTest, Caveat(_doubt)]


class SpanConditions(_Filled):
    """What must hold of one span, all of it."""

    service: Text | None = option(
        None,
        "The resource's `service.name`: a text, a list of which it is one, or a block of tests.",
        examples=["shop"],
    )
    name: Text | None = option(None, "The span's name: a text, a list of which it is one, or a block of tests.")
    kind: OneOrMore[SpanKind] | None = option(None, "The span's kind, or a list of which it is one.")
    status: OneOrMore[Status] | None = option(None, "The span's status, or a list of which it is one.")
    duration: DurationTest | None = option(None, "How long the span took.")
    sampled: bool | None = option(
        None,
        "Whether the sampled flag of the W3C trace context is set on the span; neither holds where the sender leaves "
        "the span's `flags` out.",
    )
    attributes: dict[Annotated[str, Field(min_length=1)], Attribute] = option(
        {},
        "Attributes of the span, or else of its resource, by key: a value, a list of which it is one, or a block of "
        "tests. A number equals a text that spells it; of a list, one member is enough.",
        examples=[{"customer.tier": ["gold", "platinum"]}],
    )

    @field_validator("attributes", mode="before")
    @classmethod
    def _refuse_empty_attributes(cls, attributes: Any) -> Any:
        if isinstance(attributes, dict):
            for key, wanted in attributes.items():
                if wanted is None or wanted in ([], {}):
                    raise ValueError(f"{key} says nothing: to ask whether it is there write {{exists: true}}")
        return attributes


class TraceConditions(_Filled):
    """What must hold of the trace as a whole."""

    duration: DurationTest | None = option(None, "From the earliest start of a span to the latest end.")
    spans: CountTest | None = option(None, "How many spans there are.")
    has_root: bool | None = option(None, "Whether a span without a parent is there.")


class Conditions(SpanConditions):
    """What must hold of a trace for a rule to decide about it, all of it."""

    root: SpanConditions | None = option(None, "What must hold of the root span, the one without a parent.")
    trace: TraceConditions | None = option(None, "What must hold of the trace as a whole.")
