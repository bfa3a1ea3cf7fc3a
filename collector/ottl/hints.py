"""What to write instead of a name that a context does not have: hints for those who write conditions."""

from collections.abc import Iterable

from collector.ottl.context import Context
from collector.ottl.errors import did_you_mean
from collector.ottl.syntax import Path

# Names that other languages, and senders, have for what a condition says in another way.
_INSTEAD = {
    "duration": "write end_time - start_time",
    "false": "write false",
    "nil": "write nil",
    "none": "write nil",
    "null": "write nil",
    "true": "write true",
}


def for_path(path: Path, context: Context) -> str:
    """Return a hint for a path that leads nowhere."""
    if correct := _with_key(path, context):
        return f"write {correct}"
    if instead := _INSTEAD.get(path.name):
        return instead
    near = did_you_mean(path.name, context.paths)
    return near if near or len(path.names) > 1 or path.keys else f'a text stands in double quotes: "{path.name}"'


def for_symbol(name: str, context: Context, converters: Iterable[str]) -> str:
    """Return a hint for a word that begins in upper case and is no value of an enumeration."""
    if instead := _INSTEAD.get(name.lower()):
        return instead
    if name in converters:
        return f"call it: {name}()"
    for symbol in context.symbols:
        if symbol.endswith(f"_{name.upper()}"):
            return f'did you mean "{symbol}"?'
    return did_you_mean(name, context.symbols)


def for_converter(name: str, converters: Iterable[str]) -> str:
    """Return a hint for a converter that does not exist."""
    if name[0].islower() and name.lower() not in map(str.lower, converters):
        return "conditions have converters only, whose names begin in upper case"
    return did_you_mean(name, converters)


def _with_key(path: Path, context: Context) -> str:
    """Return a path with the attribute's key in brackets, where it stands behind a dot or without `attributes`."""
    names = path.names
    for length in range(1, len(names)):
        field = context.find(names[:length])
        if field is not None and field.most_keys and not path.keys:
            return f'{".".join(names[:length])}["{".".join(names[length:])}"]'
    if path.keys and context.find((*names, "attributes")) is not None:
        return str(Path((*names, "attributes"), path.keys))
    return ""
