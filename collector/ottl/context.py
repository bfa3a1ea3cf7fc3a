"""What a context is: the paths, enumerations and calls that conditions of one kind may name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, TypeAlias

from collector.ottl.record import Record
from collector.ottl.values import OttlValue

Getter: TypeAlias = Callable[[Record], OttlValue]


@dataclass(frozen=True, slots=True)
class Field:
    """Where a value is in a record, what makes it a value of OTTL, and which keys may stand behind it.

    `most_keys` is how many there may be. `lookup`, where there is one, finds a first key in the field as it is, without
    making a value of all of it.
    """

    place: str
    convert: Callable[[Any], OttlValue] | None = None
    lookup: Callable[[Any, str], OttlValue] | None = None
    most_keys: int = 0

    def getter(self) -> Getter:
        """Return the reader of the whole field."""
        read, convert = attrgetter(self.place), self.convert
        return read if convert is None else lambda record: convert(read(record))

    def member_getter(self, lookup: Callable[[Any, str], OttlValue], key: str) -> Getter:
        """Return the reader of the member that a `lookup` finds by a key."""
        read = attrgetter(self.place)
        return lambda record: lookup(read(record), key)


Table: TypeAlias = Mapping[str, Field]


@dataclass(frozen=True, slots=True)
class Context:
    """What conditions of one kind may name.

    `tables` are the paths by the context that they belong to, `symbols` the numbers of enumerations, `calls` the
    converters without arguments that only this context has.
    """

    name: str
    tables: Mapping[str, Table]
    symbols: Mapping[str, int] = field(default_factory=dict)
    calls: Mapping[str, Getter] = field(default_factory=dict)

    def find(self, names: tuple[str, ...]) -> Field | None:
        """Return the field of a path, or None where there is none."""
        context, *path = names if names[0] in self.tables else (self.name, *names)
        return self.tables[context].get(".".join(path))

    @property
    def paths(self) -> list[str]:
        """Every path, as it may be written: with the name of its context, and the own ones without as well."""
        own = list(self.tables[self.name])
        return own + [f"{name}.{path}" for name, table in self.tables.items() for path in table]
