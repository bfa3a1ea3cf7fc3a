"""How a converter is declared: as a function whose annotations say what each argument must be."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias, get_type_hints

from collector.ottl.values import OttlValue

# Makes an argument what a parameter takes; raises EvaluationError where it cannot.
Conversion: TypeAlias = Callable[[OttlValue], Any]


class Written:
    """Marks, in an annotation, a parameter that takes only what is written down in the condition."""


class Impure:
    """Marks, in the annotation of what is returned, a converter that gives another value each time."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a converter."""

    name: str
    convert: Conversion
    literal: bool
    required: bool
    default: Any


class Converter:
    """A converter: its function, which raises EvaluationError, and what it takes.

    A parameter has the name that conditions may give it by. It is annotated as `Annotated[type, conversion]`, with
    `Written` behind where only literals are taken.
    """

    def __init__(self, name: str, function: Callable[..., OttlValue]) -> None:
        self.name = name
        self.function = function
        hints = get_type_hints(function, include_extras=True)
        self.pure = Impure not in getattr(hints["return"], "__metadata__", ())
        self.parameters = tuple(
            _parameter(declared, hints[declared.name].__metadata__)
            for declared in inspect.signature(function).parameters.values()
        )

    def __str__(self) -> str:
        names = [parameter.name if parameter.required else f"[{parameter.name}]" for parameter in self.parameters]
        return f"{self.name}({', '.join(names)})"


def _parameter(declared: inspect.Parameter, metadata: tuple[Any, ...]) -> Parameter:
    required = declared.default is inspect.Parameter.empty
    return Parameter(declared.name, metadata[0], Written in metadata, required, declared.default)
