"""The attribute actions of processors `attributes` and `resource`: insert, update, upsert, delete, hash, extract, convert.

The grammar is that of the OpenTelemetry Collector. A list of actions compiles into one `Program`. It decodes as few
messages as it can: most actions on one key are done to the serialized message.
"""

from collections.abc import Iterable
from typing import Any, Literal, Self

from pydantic import field_validator, model_validator

from collector.api import ComponentConfig, StartError, option
from collector.data import Client, Signal, attribute_lists, set_value
from collector.data.messages import AnyValue, LogRecord, ProtoMessage, Resource, Span
from collector.data.wire import field_tag
from collector.processing.patterns import Pattern
from collector.processing.steps import Convert, Delete, Extract, Hash, KeyedAttributes, Put, Raws, Selection, Step

_SETTERS = ("insert", "update", "upsert")


class Action(ComponentConfig):
    """One action on one attribute, or on all those whose key matches a pattern."""

    key: str = option("", "Attribute to act upon; where an action takes a pattern, one of the two is enough.")
    action: Literal["insert", "update", "upsert", "delete", "hash", "extract", "convert"] = option(
        ..., "What to do with the attribute."
    )
    value: Any = option(None, "Value to set: text, number, bool, list or map (insert, update, upsert).")
    from_attribute: str = option("", "Attribute whose value to set (insert, update, upsert).")
    from_context: str = option(
        "", "Value of the request to set: `metadata.<header>` or `client.address` (insert, update, upsert)."
    )
    default_value: Any = option(None, "Value to set where the attribute or request has none (insert, update, upsert).")
    pattern: str = option(
        "", "RE2 pattern: of keys (delete, hash), or of the value with named groups as new keys (extract)."
    )
    converted_type: Literal["", "int", "double", "string"] = option("", "Type to turn the value into (convert).")

    @field_validator("action", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

    @field_validator("value", "default_value")
    @classmethod
    def _storable(cls, value: Any) -> Any:
        try:
            set_value(AnyValue(), value)
        except TypeError as error:
            raise ValueError(str(error)) from None
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.action in ("delete", "hash"):
            if not self.key and not self.pattern:
                raise ValueError(f'missing required field: {self.action} needs at least one of "key" and "pattern"')
        elif not self.key:
            raise ValueError(f'missing required field "key" for action "{self.action}"')
        self._forbid_unused()
        if self.action in _SETTERS:
            self._require_one_source()
        elif self.action == "extract" and not self.pattern:
            raise ValueError('missing required field "pattern" for action "extract"')
        elif self.action == "convert" and not self.converted_type:
            raise ValueError('missing required field "converted_type" for action "convert": use int, double or string')
        if self.pattern:
            self._check_pattern()
        return self

    def _forbid_unused(self) -> None:
        unused = {
            "value": self.action not in _SETTERS and self.value is not None,
            "from_attribute": self.action not in _SETTERS and self.from_attribute,
            "from_context": self.action in ("extract", "convert") and self.from_context,
            "pattern": self.action in (*_SETTERS, "convert") and self.pattern,
            "converted_type": self.action != "convert" and self.converted_type,
        }
        for field, present in unused.items():
            if present:
                raise ValueError(f'action "{self.action}" does not use the "{field}" field: remove it')

    def _require_one_source(self) -> None:
        sources = [self.value is not None, bool(self.from_attribute), bool(self.from_context)]
        if not any(sources) and self.default_value is None:
            raise ValueError(
                f'either field "value", "from_attribute", "from_context" or "default_value" '
                f'must be specified for action "{self.action}"'
            )
        if sum(sources) > 1:
            raise ValueError(
                f'multiple value sources are set for action "{self.action}": '
                'keep one of "value", "from_attribute" and "from_context"'
            )

    def _check_pattern(self) -> None:
        try:
            pattern = Pattern(self.pattern)
        except ValueError as error:
            raise ValueError(f'field "pattern" has invalid pattern: {error}') from None
        if self.action == "extract" and not pattern.group_names:
            raise ValueError('field "pattern" contains no named matcher groups: write (?P<new_key>...)')


class Program:
    """A compiled list of actions, run in order."""

    def __init__(self, steps: Iterable["Step | _FromRequest"]) -> None:
        self._unbound = tuple(steps)
        self._steps = tuple(step for step in self._unbound if isinstance(step, Step))
        self.is_bound = len(self._steps) == len(self._unbound)

    def bind(self, client: Client) -> "Program":
        """Return the program for one client's batch: with the values that it takes from the request."""
        if self.is_bound:
            return self
        bound = (step.bind(client) if isinstance(step, _FromRequest) else step for step in self._unbound)
        return Program([step for step in bound if step is not None])

    def run(self, attributes: ProtoMessage) -> bool:
        """Edit a list of attributes in place; return whether that changed anything."""
        keyed = KeyedAttributes(attributes)
        changed = False
        for step in self._steps:
            changed |= step.apply(keyed)
        return changed

    def run_item(self, signal: Signal, item: ProtoMessage) -> bool:
        """Edit the attributes of a span or log record, or of a metric's data points; return whether any changed."""
        changed = False
        for attributes in attribute_lists(signal, item):
            changed |= self.run(attributes)
        return changed

    def rewrite(self, raws: Raws) -> Raws:
        """Return serialized messages after the actions, each None where it must be decoded to run them, or is None.

        They are the very same where the actions do nothing.
        """
        for step in self._steps:
            raws = step.rewrite(raws)
        return raws


class _FromRequest:
    """A setter whose value comes from the request, so it differs from batch to batch."""

    def __init__(self, action: Action, tag: bytes) -> None:
        self._action = action
        self._tag = tag

    def bind(self, client: Client) -> Put | None:
        """Return the setter of the value that a request has, or None where it has none and there is no default."""
        value: Any = _request_value(self._action.from_context, client)
        if value is None:
            value = self._action.default_value
        return None if value is None else _setter(self._action, value, self._tag)


def compile_actions(actions: Iterable[Action], tag: bytes) -> Program:
    """Return the program of a list of actions.

    `tag` is what stands before each attribute in the serialized messages that the program is to rewrite, one of
    `ITEM_TAGS` or `RESOURCE_TAG`.

    Raises:
        StartError: an `extract` pattern has a group without a name.

    """
    return Program([_compile(index, action, tag) for index, action in enumerate(actions)])


def _compile(index: int, action: Action, tag: bytes) -> "Step | _FromRequest":
    match action.action:
        case "delete":
            return Delete(Selection(action.key, action.pattern, tag))
        case "hash":
            return Hash(Selection(action.key, action.pattern, tag))
        case "extract":
            return _extract(index, action, tag)
        case "convert":
            return Convert(action.key, action.converted_type, tag)
    if action.from_context:
        return _FromRequest(action, tag)
    return _setter(action, action.default_value if action.value is None else action.value, tag)


def _extract(index: int, action: Action, tag: bytes) -> Extract:
    pattern = Pattern(action.pattern)
    if not all(pattern.group_names):
        # Found at start and not before, as the Go collector does: a file that has it still validates.
        raise StartError(
            f'field "pattern" contains at least one unnamed matcher group at the {index}-th actions: '
            "write (?P<new_key>...) to extract it or (?:...) to only group"
        )
    return Extract(action.key, pattern, tag)


def _setter(action: Action, value: Any, tag: bytes) -> Put:
    return Put(
        action.key,
        value,
        source=action.from_attribute,
        inserts=action.action != "update",
        updates=action.action != "insert",
        tag=tag,
    )


def _request_value(path: str, client: Client) -> str | None:
    """Return what a request has at `client.address`, `metadata.<header>` or, as in old files, `<header>`."""
    if path == "client.address":
        return client.address or None
    if path.startswith("auth."):
        return None  # no receiver here keeps what an authenticator found, and a header must not pass for it
    values = client.metadata.get(path.removeprefix("metadata.").lower())
    return ";".join(values) if values else None


# What stands before each attribute in a serialized message; a metric has none of its own.
ITEM_TAGS = {
    Signal.TRACES: field_tag(Span, "attributes"),
    Signal.LOGS: field_tag(LogRecord, "attributes"),
    Signal.METRICS: b"",
}
RESOURCE_TAG = field_tag(Resource, "attributes")
