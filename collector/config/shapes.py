"""What a configuration model declares: the options below a path, and the kinds of value that each takes."""

import dataclasses
import types
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, TypeAlias, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, SecretStr
from pydantic.fields import FieldInfo

from collector.api import ComponentConfig, parse_duration
from collector.config.nodes import Keys

Model: TypeAlias = type[ComponentConfig]


@dataclasses.dataclass(frozen=True, slots=True)
class Shape:
    """One kind of value that an option takes: a class or a generic such as `list[str]`, and what is said about it."""

    kind: Any
    metadata: tuple[Any, ...] = ()

    @property
    def is_duration(self) -> bool:
        """Whether it is a `Duration`, which in Python is a float like any other."""
        return any(isinstance(item, BeforeValidator) and item.func is parse_duration for item in self.metadata)

    @property
    def is_secret(self) -> bool:
        """Whether its value, or any value in it, must never be shown."""
        if self.items is not None:
            return any(shape.is_secret for shape in shapes(self.items))
        return self.kind is SecretStr

    @property
    def model(self) -> type[BaseModel] | None:
        """The model, where it is a block of options."""
        return self.kind if is_model(self.kind) else None

    @property
    def items(self) -> Any:
        """The annotation of a list's items or a map's values; None where it is neither."""
        origin, arguments = get_origin(self.kind), get_args(self.kind)
        if origin in (list, tuple, set, frozenset):
            return arguments[0]
        return arguments[1] if isinstance(origin, type) and issubclass(origin, Mapping) else None


def is_model(annotation: Any) -> TypeGuard[type[BaseModel]]:
    """Return whether an annotation is the class of a block of options."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def shapes(annotation: Any, metadata: tuple[Any, ...] = ()) -> Iterator[Shape]:
    """Iterate over the kinds of value that an annotation allows: the members of a union, otherwise one."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        yield from shapes(inner, (*metadata, *more))
    elif origin in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from shapes(member, metadata)
    else:
        yield Shape(annotation, metadata)


def field_shapes(field: FieldInfo) -> Iterator[Shape]:
    """Iterate over the kinds of value that an option takes."""
    return shapes(field.annotation, tuple(field.metadata))


def options(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return a model's options by the names that configuration files use."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def shapes_at(model: type[BaseModel], keys: Keys) -> Iterator[Shape]:
    """Iterate over the kinds of value allowed at a path below a model; nothing where the path leads nowhere."""
    current = [Shape(model)]
    for key in keys:
        current = [inner for shape in current for inner in _below(shape, key)]
    yield from current


def names_at(model: type[BaseModel], keys: Keys) -> list[str]:
    """Return the names of the options that may stand in the block at a path."""
    names = [name for shape in shapes_at(model, keys) if shape.model for name in options(shape.model)]
    return list(dict.fromkeys(names))


def _below(shape: Shape, key: str | int) -> Iterator[Shape]:
    if shape.model:
        field = options(shape.model).get(str(key))
        if field is not None:
            yield from field_shapes(field)
    elif shape.items is not None:
        yield from shapes(shape.items)
