"""A batch opened for reading and editing, only as deep as the work asks for.

Resources and items start as bytes and are decoded when somebody asks. What was not marked as changed is written back as
the bytes that came in, unknown fields and odd field order included.
"""

from collections.abc import Callable, Iterator

from collector.data.messages import ITEMS, InstrumentationScope, ProtoMessage, Resource
from collector.data.shell import MetricShell, RequestShell, points_of
from collector.data.signal import Signal


class OpenScope:
    """One scope's items: spans, log records or metrics, as bytes or as messages."""

    __slots__ = ("_changed", "_item_type", "_messages", "_raw", "_shell", "signal")

    def __init__(self, signal: Signal, shell: ProtoMessage) -> None:
        self.signal = signal
        self._item_type = ITEMS[signal]
        self._shell = shell
        self._raw: list[bytes | None] = list(shell.items)
        # Filled at the first decode: a batch that is only filtered by its bytes never needs it.
        self._messages: list[ProtoMessage] | None = None
        self._changed = False

    def __len__(self) -> int:
        return len(self._raw)

    @property
    def scope(self) -> ProtoMessage:
        """The instrumentation scope, decoded for reading."""
        return InstrumentationScope.FromString(b"".join(self._shell.scope))

    def set_scope(self, scope: ProtoMessage) -> None:
        """Replace the instrumentation scope."""
        self._shell.scope[:] = [scope.SerializeToString()]
        self._changed = True

    def raw(self, index: int) -> bytes:
        """Return an item's bytes; encodes it first if it was changed."""
        raw = self._raw[index]
        return self.message(index).SerializeToString() if raw is None else raw

    def message(self, index: int) -> ProtoMessage:
        """Return an item decoded; call `touch` after changing it."""
        if self._messages is None:
            self._messages = [None] * len(self._raw)
        message = self._messages[index]
        if message is None:
            message = self._messages[index] = self._item_type.FromString(self._raw[index])
        return message

    def touch(self, index: int) -> None:
        """Mark an item as changed, so that it is encoded again."""
        self._raw[index] = None
        self._changed = True

    def keep(self, wanted: Callable[[int], bool]) -> int:
        """Keep the items whose index is wanted, in their order; return how many went."""
        kept = [index for index in range(len(self._raw)) if wanted(index)]
        dropped = len(self._raw) - len(kept)
        if dropped:
            self._raw = [self._raw[index] for index in kept]
            if self._messages is not None:
                self._messages = [self._messages[index] for index in kept]
            self._changed = True
        return dropped

    def clear(self) -> None:
        """Drop every item."""
        self._raw, self._messages, self._changed = [], None, True

    def points(self) -> int:
        """Return how many countable parts there are: the items, or for metrics their data points."""
        if self.signal is not Signal.METRICS:
            return len(self._raw)
        return sum(points_of(MetricShell.FromString(self.raw(index))) for index in range(len(self._raw)))

    def close(self) -> bool:
        """Write changes back into the shell; return whether there were any."""
        if self._changed:
            self._shell.items[:] = [self.raw(index) for index in range(len(self._raw))]
        return self._changed


class OpenResource:
    """A resource and its scopes."""

    __slots__ = ("_resource", "_shell", "_touched", "scopes")

    def __init__(self, signal: Signal, shell: ProtoMessage) -> None:
        self._shell = shell
        self._resource: ProtoMessage | None = None
        self._touched = False
        self.scopes = [OpenScope(signal, scope) for scope in shell.scopes]

    @property
    def raw(self) -> bytes:
        """The resource's bytes: a cheap key for what repeats from request to request."""
        return self.resource.SerializeToString() if self._touched else b"".join(self._shell.resource)

    @property
    def resource(self) -> ProtoMessage:
        """The resource decoded; call `touch` after changing it."""
        if self._resource is None:
            self._resource = Resource.FromString(b"".join(self._shell.resource))
        return self._resource

    def touch(self) -> None:
        """Mark the resource as changed, so that it is encoded again."""
        self._touched = True

    def close(self) -> bool:
        """Write changes back into the shell, without the scopes that became empty; return whether there were any."""
        changed = self._touched
        if self._touched:
            self._shell.resource[:] = [self.resource.SerializeToString()]
        emptied = []
        for index, scope in enumerate(self.scopes):
            if scope.close():
                changed = True
                if not scope:
                    emptied.append(index)
        for index in reversed(emptied):
            del self._shell.scopes[index]
        self._touched = False
        return changed

    def __len__(self) -> int:
        return sum(len(scope) for scope in self.scopes)


class OpenBatch:
    """An export request opened to its items. Owned by one consumer at a time."""

    __slots__ = ("_payload", "_shell", "resources", "signal")

    def __init__(self, signal: Signal, payload: bytes) -> None:
        self.signal = signal
        self._payload = payload
        self._shell = RequestShell.FromString(payload)
        self.resources = [OpenResource(signal, resource) for resource in self._shell.resources]

    def scopes(self) -> Iterator[tuple[OpenResource, OpenScope]]:
        """Yield every scope with the resource that it belongs to."""
        for resource in self.resources:
            for scope in resource.scopes:
                yield resource, scope

    def count(self) -> int:
        """Return how many spans, log records or data points are left."""
        return sum(scope.points() for _, scope in self.scopes())

    def __len__(self) -> int:
        return sum(len(resource) for resource in self.resources)

    def encode(self) -> bytes:
        """Return the serialized request; the very bytes that came in where nothing changed.

        Scopes and resources that an edit left without items are left out. The batch must not be used afterwards.
        """
        changed = False
        emptied = []
        for index, resource in enumerate(self.resources):
            if resource.close():
                changed = True
                if not resource:
                    emptied.append(index)
        for index in reversed(emptied):
            del self._shell.resources[index]
        if changed:
            payload: bytes = self._shell.SerializeToString()
            return payload
        return self._payload
