"""An OTLP traces request that grows span by span, sorted into resources and scopes."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from collector.data import Signal
from collector.data.messages import REQUESTS, ProtoMessage

# Attributes of a resource, as a key.
Attributes: TypeAlias = tuple[tuple[str, str], ...]


class Traces:
    """Collects spans; what belongs to equal resources and scopes is put together."""

    def __init__(self) -> None:
        self._request = REQUESTS[Signal.TRACES]()
        self._resources: dict[Attributes, ProtoMessage] = {}
        self._scopes: dict[tuple[Attributes, str, str], ProtoMessage] = {}

    def spans(self, resource: Attributes, scope: str = "", version: str = "") -> ProtoMessage:
        """Return the list to add spans to, for the attributes of a resource and a scope's name and version."""
        key = resource, scope, version
        found = self._scopes.get(key)
        if found is None:
            scopes = self._resource(resource).scope_spans
            found = self._scopes[key] = scopes.add(scope={"name": scope, "version": version})
        return found.spans

    def payload(self) -> bytes:
        """Return the serialized request."""
        payload: bytes = self._request.SerializeToString()
        return payload

    def _resource(self, attributes: Attributes) -> ProtoMessage:
        found = self._resources.get(attributes)
        if found is None:
            resource = {"attributes": key_values(dict(attributes))}
            found = self._resources[attributes] = self._request.resource_spans.add(resource=resource)
        return found


def key_values(attributes: Mapping[str, str | bool | int | float]) -> list[dict[str, Any]]:
    """Return attributes as arguments for protobuf, which builds messages of plain dicts quickest."""
    return [{"key": key, "value": {_FIELDS[type(value)]: value}} for key, value in attributes.items()]


_FIELDS = {str: "string_value", bool: "bool_value", int: "int_value", float: "double_value"}
