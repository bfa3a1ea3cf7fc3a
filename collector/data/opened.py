"""A batch opened for reading and editing, only as deep as the work asks for.

Resources and items start as bytes and are decoded when somebody asks. What was not marked as changed is written back as
the bytes that came in, unknown fields and odd field order included; a batch in which nothing was marked is written back
as the very bytes that came in.

What writing an edited batch changes besides the edit, all of it without meaning in protobuf:

- In an edited message, and in the requests, resource and scope containers around it, fields are written in the order
  of their numbers with unknown fields behind them, and the occurrences of a submessage that came in several become one.
- Scopes and resources without items are left out, those that came in like that included.
"""

from collections.abc import Callable, Iterator, Sequence, Sized

from collector.data.messages import ITEMS, InstrumentationScope, ProtoMessage, Resource
from collector.data.shell import MetricShell, RequestShell, points_of
from collector.data.signal import Signal


class OpenScope:
    """One scope's items: spans, log records or metrics, as bytes or as messages."""

    __slots__ = ("_changed", "_edited", "_item_type", "_messages", "_raw", "_reshaped", "_shell", "signal")

    def __init__(self, signal: Signal, shell: ProtoMessage) -> None:
        self.signal = signal
        self._item_type = ITEMS[signal]
        self._shell = shell
        self._raw: list[bytes | None] = list(shell.items)
        # Filled at the first decode: a batch that is only filtered by its bytes never needs it.
        self._messages: list[ProtoMessage] | None = None
        self._changed = False
        # Items whose bytes are other ones now, and whether items are at other positions than in the shell.
        self._edited: set[int] = set()
        self._reshaped = False

    def __len__(self) -> int:
        return len(self._raw)

    @property
    def changed(self) -> bool:
        """Whether the items or the scope are other ones than came in."""
        return self._changed

    @property
    def scope(self) -> ProtoMessage:
        """The instrumentation scope, decoded for reading."""
        return InstrumentationScope.FromString(b"".join(self._shell.scope))

    def set_scope(self, scope: ProtoMessage) -> None:
        """Replace the instrumentation scope."""
        self._shell.scope[:] = [scope.SerializeToString()]
        self._changed = True

    @property
    def originals(self) -> list[bytes | None]:
        """Every item's bytes as they came in, or None where it was changed since: ask for its `message` then."""
        return list(self._raw)

    def raw(self, index: int) -> bytes:
        """Return an item's bytes; encodes it first if it was changed."""
        raw = self._raw[index]
        return self.message(index).SerializeToString() if raw is None else raw

    def raws(self) -> list[bytes]:
        """Return the bytes of every item, in their order."""
        if self._messages is None:
            return self.originals  # type: ignore[return-value]  # nothing was decoded, so none is None
        return [self.raw(index) if raw is None else raw for index, raw in enumerate(self._raw)]

    def replace_all(self, items: list[bytes]) -> None:
        """Put other serialized items in the place of all that there are."""
        self._raw, self._messages = list(items), None
        self._changed = self._reshaped = True

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
        if self._messages is None or self._messages[index] is None:
            return  # nobody has it as a message, so nobody changed it
        self._raw[index] = None
        self._edited.add(index)
        self._changed = True

    def replace(self, index: int, raw: bytes) -> None:
        """Put other bytes in an item's place, for edits that need no decoded message."""
        self._raw[index] = raw
        if self._messages is not None:
            self._messages[index] = None
        self._edited.add(index)
        self._changed = True

    def keep(self, wanted: Callable[[int], bool]) -> int:
        """Keep the items whose index is wanted, in their order; return how many went."""
        kept = [index for index in range(len(self._raw)) if wanted(index)]
        dropped = len(self._raw) - len(kept)
        if dropped:
            self._raw = [self._raw[index] for index in kept]
            if self._messages is not None:
                self._messages = [self._messages[index] for index in kept]
            self._changed = self._reshaped = True
        return dropped

    def clear(self) -> None:
        """Drop every item."""
        self._raw, self._messages = [], None
        self._changed = self._reshaped = True

    def points(self) -> int:
        """Return how many countable parts there are: the items, or for metrics their data points."""
        if self.signal is not Signal.METRICS:
            return len(self._raw)
        return sum(self._points_of(index) for index in range(len(self._raw)))

    def _points_of(self, index: int) -> int:
        message = None if self._messages is None else self._messages[index]
        if message is None:
            return points_of(MetricShell.FromString(self._raw[index]))
        kind = message.WhichOneof("data")
        return 0 if kind is None else len(getattr(message, kind).data_points)

    def close(self) -> bool:
        """Write changes back into the shell; return whether there were any."""
        if self._reshaped or 2 * len(self._edited) > len(self._raw):  # to put all is quicker than to put each of many
            self._shell.ClearField("items")
            self._shell.items.extend(self.raws())
        else:
            for index in self._edited:
                self._shell.items[index] = self.raw(index)
        return self._changed


class OpenResource:
    """A resource and its scopes."""

    __slots__ = ("_replaced", "_resource", "_shell", "_touched", "scopes")

    def __init__(self, signal: Signal, shell: ProtoMessage) -> None:
        self._shell = shell
        self._resource: ProtoMessage | None = None
        self._touched = False
        self._replaced = False
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

    def replace(self, raw: bytes) -> None:
        """Put other bytes in the resource's place, for edits that need no decoded message."""
        self._shell.resource[:] = [raw]
        self._resource, self._touched, self._replaced = None, False, True

    def close(self) -> bool:
        """Write changes back into the shell; return whether there were any."""
        if self._touched:
            self._shell.resource[:] = [self.resource.SerializeToString()]
        changed = [scope.close() for scope in self.scopes]
        return self._touched or self._replaced or any(changed)

    def leave_out_empty(self) -> None:
        """Take the scopes without items out of the shell."""
        _delete_empty(self.scopes, self._shell.scopes)

    def __len__(self) -> int:
        return sum(map(len, self.scopes))


class OpenBatch:
    """An export request opened to its items. Owned by one consumer at a time. `count` is for whoever knows it."""

    __slots__ = ("_count", "_payload", "_shell", "resources", "signal")

    def __init__(self, signal: Signal, payload: bytes, count: int | None = None) -> None:
        self.signal = signal
        self._payload = payload
        self._count = count
        self._shell = RequestShell.FromString(payload)
        self.resources = [OpenResource(signal, resource) for resource in self._shell.resources]

    def scopes(self) -> Iterator[tuple[OpenResource, OpenScope]]:
        """Yield every scope with the resource that it belongs to."""
        for resource in self.resources:
            for scope in resource.scopes:
                yield resource, scope

    def count(self) -> int:
        """Return how many spans, log records or data points are left; encodes nothing."""
        scopes = [scope for resource in self.resources for scope in resource.scopes]
        if self.signal is not Signal.METRICS:
            return sum(map(len, scopes))
        if self._count is not None and not any(scope.changed for scope in scopes):
            return self._count
        return sum([scope.points() for scope in scopes])

    def __len__(self) -> int:
        return sum(map(len, self.resources))

    def encode(self) -> bytes:
        """Return the serialized request; the very bytes that came in where nothing changed.

        The batch must not be used afterwards.
        """
        changed = [resource.close() for resource in self.resources]
        if not any(changed):
            return self._payload
        for resource in self.resources:
            resource.leave_out_empty()
        _delete_empty(self.resources, self._shell.resources)
        payload: bytes = self._shell.SerializeToString()
        return payload


def _delete_empty(members: Sequence[Sized], shells: ProtoMessage) -> None:
    if all(members):
        return
    for index in reversed(range(len(members))):
        if not members[index]:
            del shells[index]
