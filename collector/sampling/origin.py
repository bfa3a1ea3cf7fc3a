"""Where spans come from: a resource and an instrumentation scope, kept once however many spans and traces share them."""

from itertools import count

from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans

from collector.data.messages import InstrumentationScope, ProtoMessage, Resource
from collector.data.shell import ResourceShell, ScopeShell


class Origin:
    """A resource and a scope as OTLP bytes.

    `resource_head` is the serialized `ResourceSpans` without its scopes, `scope_head` the serialized `ScopeSpans`
    without its spans: schema addresses and unknown fields included. `number` is its own in this process.
    """

    __slots__ = ("_resource", "_scope", "number", "resource_head", "scope_head")

    _numbers = count()

    def __init__(self, resource_head: bytes, scope_head: bytes) -> None:
        self.number = next(self._numbers)
        self.resource_head = resource_head
        self.scope_head = scope_head
        self._resource: ProtoMessage | None = None
        self._scope: ProtoMessage | None = None

    @property
    def resource(self) -> ProtoMessage:
        """The resource, decoded once, to read: every span of the origin shares it."""
        if self._resource is None:
            shell = ResourceShell.FromString(self.resource_head)
            self._resource = Resource.FromString(b"".join(shell.resource))
        return self._resource

    @property
    def scope(self) -> ProtoMessage:
        """The instrumentation scope, decoded once, to read."""
        if self._scope is None:
            shell = ScopeShell.FromString(self.scope_head)
            self._scope = InstrumentationScope.FromString(b"".join(shell.scope))
        return self._scope

    @property
    def resource_schema_url(self) -> str:
        """The schema address that stands beside the resource."""
        address: str = ResourceSpans.FromString(self.resource_head).schema_url
        return address

    @property
    def scope_schema_url(self) -> str:
        """The schema address that stands beside the scope."""
        address: str = ScopeSpans.FromString(self.scope_head).schema_url
        return address


class Origins:
    """The origins that are in use, so that equal ones are one. Forgets all of them at `limit`, which costs only memory."""

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._known: dict[tuple[bytes, bytes], Origin] = {}

    def of(self, resource_head: bytes, scope_head: bytes) -> Origin:
        """Return the origin of a resource and a scope."""
        key = resource_head, scope_head
        origin = self._known.get(key)
        if origin is None:
            if len(self._known) >= self._limit:
                self._known.clear()
            origin = self._known[key] = Origin(resource_head, scope_head)
        return origin
