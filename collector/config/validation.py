"""A node against a configuration model: the model's instance, or every error with its place."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from collector.api import ComponentConfig
from collector.config import messages
from collector.config.errors import ConfigError
from collector.config.nodes import Keys, Node, format_keys
from collector.config.shapes import Model, names_at, shapes_at

C = TypeVar("C", bound=ComponentConfig)
Details = Sequence[Any]


def validate(model: type[C], node: Node, keys: Keys = ()) -> tuple[C | None, list[ConfigError]]:
    """Return a model's instance made of a node, or None and what is wrong; `keys` is the path to the node.

    As in the Go collector, an option that wants a text takes the text behind a `${...}` whatever its type in YAML, one
    that wants a list takes a text of entries parted by commas, and one that wants a whole number takes `1e3`.
    """
    attempt = _Attempt(model, node)
    while (errors := attempt.run()) and attempt.substitute(errors):
        pass
    if errors:
        errors = attempt.restore(errors)
    return attempt.instance, _findings(model, node, keys, errors)


class _Attempt:
    """Validates again and again, with other readings of the values that were refused."""

    def __init__(self, model: type[C], node: Node) -> None:
        self._model = model
        self._node = node
        # In a list, so that the top can be replaced as any value below it.
        self._data: list[Any] = [node.plain()]
        self._substituted: dict[Keys, Any] = {}
        self.instance: Any = None

    def run(self) -> Details:
        try:
            self.instance = self._model.model_validate(self._data[0])
        except ValidationError as error:
            return error.errors(include_url=False)
        return ()

    def substitute(self, errors: Details) -> bool:
        """Put the next reading in place of what was refused; return whether there was any left to try."""
        before = len(self._substituted)
        for error in errors:
            keys = _source_keys(self._node, error["loc"])
            # What lies below a value that was replaced is no longer there.
            if any(keys[:length] in self._substituted for length in range(len(keys) + 1)):
                continue
            if (node := self._node.find(keys)) is None:
                continue
            reading = _other_reading(node, error["type"])
            if reading is not None:
                self._substituted[keys] = self._swap(keys, reading)
        return len(self._substituted) > before

    def restore(self, errors: Details) -> Details:
        """Put back what no other reading has helped, so that errors tell of what was written."""
        failed = {_source_keys(self._node, error["loc"]) for error in errors} & self._substituted.keys()
        for keys in sorted(failed, key=len):
            self._swap(keys, self._substituted[keys])
        return self.run() if failed else errors

    def _swap(self, keys: Keys, value: Any) -> Any:
        container: Any = self._data
        *path, last = (0, *keys)
        for key in path:
            container = container[key]
        before = container[last]
        container[last] = value
        return before


def _other_reading(node: Node, kind: str) -> Any:
    """Return what a refused value may stand for besides, or None."""
    value = node.value
    if node.text is not None and not isinstance(value, str):
        return node.text
    if kind == "list_type" and isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    if kind == "int_type" and isinstance(value, float) and value.is_integer():
        return int(value)
    return None


def _source_keys(node: Node, location: Sequence[str | int]) -> Keys:
    """Return the path in the source for a pydantic location, which also names the members of unions."""
    keys: list[str | int] = []
    current = node
    for part in location:
        inner = current.child(part)
        if inner is not None:
            keys.append(part)
            current = inner
    return tuple(keys)


def _findings(model: Model, node: Node, keys: Keys, errors: Details) -> list[ConfigError]:
    grouped: dict[Keys, list[Any]] = defaultdict(list)
    for error in errors:
        where = _source_keys(node, error["loc"])
        grouped[(*where, error["loc"][-1]) if error["type"] == "missing" else where].append(error)
    findings = []
    for where, group in grouped.items():
        through_union = all(len(error["loc"]) > len(where) and messages.expectation(error) for error in group)
        if through_union and any(other[: len(where)] == where and other != where for other in grouped):
            continue  # a member of a union that does not fit at all says nothing about one that nearly fits
        place = node.nearest(where)
        findings += [
            ConfigError(format_keys((*keys, *where)), text, place.declared) for text in _sentences(model, where, group)
        ]
    return findings


def _sentences(model: Model, where: Keys, group: list[Any]) -> list[str]:
    secret = any(shape.is_secret for shape in shapes_at(model, where))
    expected = [text for error in group if (text := messages.expectation(error))]
    texts = []
    for error in group:
        if error["type"] == "extra_forbidden":
            texts.append(messages.unknown_key(str(where[-1]), names_at(model, where[:-1])))
        elif not messages.expectation(error):
            texts.append(messages.sentence(error, secret=secret))
    if not texts:  # what a member of a union says about the value tells more than that another takes no such kind
        texts.append(messages.mismatch(expected, group[0]["input"], secret=secret))
    return list(dict.fromkeys(texts))
