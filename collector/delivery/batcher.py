"""From what the queue holds to what is sent: one entry each, or several merged (`sending_queue.batch`).

Pure: time comes in as a number and nothing waits.
"""

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Protocol

from collector.data import NO_CLIENT, Batch, Client, merge
from collector.data.split import split
from collector.delivery.config import BatchConfig, Sizer, measure
from collector.delivery.queue import Entry


@dataclass(frozen=True, slots=True)
class Shipment:
    """What is sent as one request, and the entries that have a part in it."""

    batch: Batch
    entries: tuple[Entry, ...]


class Packer(Protocol):
    """Takes entries one by one and has shipments ready when they are full or due."""

    def add(self, entry: Entry, now: float) -> None:
        """Take an entry."""

    def pop(self, now: float, *, everything: bool = False) -> Shipment | None:
        """Return the next shipment that is ready; where everything is asked for, one that is not full too."""

    def due(self) -> float | None:
        """Return when the next shipment is ready by time alone, or None where nothing waits."""


class Singly:
    """Sends every entry as it is."""

    def __init__(self) -> None:
        self._ready: deque[Shipment] = deque()

    def add(self, entry: Entry, now: float) -> None:  # noqa: ARG002 - the contract's arguments
        """Take an entry."""
        self._ready.append(Shipment(entry.batch, (entry,)))

    def pop(self, now: float, *, everything: bool = False) -> Shipment | None:  # noqa: ARG002 - the contract's arguments
        """Return the next entry as a shipment."""
        return self._ready.popleft() if self._ready else None

    def due(self) -> float | None:
        """Return None: nothing ever waits."""
        return None


@dataclass(slots=True)
class _Group:
    """What waits to be merged: batches in order, and whose items they are, in the same order."""

    client: Client
    flush_at: float
    size: int = 0
    batches: list[Batch] = field(default_factory=list)
    owners: list[tuple[Entry, int]] = field(default_factory=list)


class Batcher:
    """Merges entries until they reach `min_size` or `flush_timeout` is over, and cuts what exceeds `max_size`.

    Entries of different signals or, where `partition` asks for it, of clients with different metadata never meet.
    """

    def __init__(self, config: BatchConfig, sizer: Sizer) -> None:
        self._config = config
        self._sizer: Sizer = sizer
        self._groups: dict[Hashable, _Group] = {}
        self._ready: deque[Shipment] = deque()

    def add(self, entry: Entry, now: float) -> None:
        """Put an entry with those that it may be merged with."""
        client = self._partition(entry.batch.client)
        key = (entry.batch.signal, tuple(client.metadata.items()))
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(client, now + self._config.flush_timeout)
        group.batches.append(entry.batch)
        group.owners.append((entry, entry.batch.count))
        group.size += measure(entry.batch, self._sizer)
        if group.size >= self._config.min_size:
            self._close(key, now)

    def pop(self, now: float, *, everything: bool = False) -> Shipment | None:
        """Return the next shipment that is full or due."""
        if not self._ready:
            for key in [key for key, group in self._groups.items() if everything or group.flush_at <= now]:
                self._close(key, now, everything=True)
        return self._ready.popleft() if self._ready else None

    def due(self) -> float | None:
        """Return when the oldest group is to be sent at the latest."""
        return min((group.flush_at for group in self._groups.values()), default=None)

    def _partition(self, client: Client) -> Client:
        """Return what of a client a merged batch keeps: the metadata that all its members share."""
        keys = self._config.partition.metadata_keys
        if not keys:
            return NO_CLIENT
        return Client(metadata={key: client.metadata[key] for key in keys if key in client.metadata})

    def _close(self, key: Hashable, now: float, *, everything: bool = False) -> None:
        """Make shipments of a group; what is left after cutting and too small to send begins the next one."""
        group = self._groups.pop(key)
        batch = group.batches[0] if len(group.batches) == 1 else merge(group.batches, group.client)
        pieces = cut(batch, self._config.max_size, lambda piece: measure(piece, self._sizer))
        for index, (piece, owners) in enumerate(zip(pieces, share_out(group.owners, pieces), strict=True)):
            size = measure(piece, self._sizer)
            if index == 0 or everything or size >= self._config.min_size:
                self._ready.append(Shipment(piece, tuple(entry for entry, _ in owners)))
            else:
                flush_at = now + self._config.flush_timeout
                self._groups[key] = _Group(group.client, flush_at, size, [piece], owners)


def cut(batch: Batch, max_size: int, size_of: Callable[[Batch], int]) -> list[Batch]:
    """Return a batch in pieces of at most `max_size`, in order; an item is never cut, however large it is.

    Where the size is not the number of items, pieces are cut by how many items would fit if all were equal, and
    those that turn out too large again.
    """
    size = size_of(batch)
    if not 0 < max_size < size or batch.count <= 1:
        return [batch]
    fitting = min(max(max_size * batch.count // size, 1), batch.count - 1)
    return [piece for part in split(batch, fitting) for piece in cut(part, max_size, size_of)]


def share_out(owners: list[tuple[Entry, int]], pieces: list[Batch]) -> list[list[tuple[Entry, int]]]:
    """Return for each piece the entries whose items it has and how many, where `owners` has them for all pieces.

    An entry that is spread over several pieces gets as many parts.
    """
    if len(pieces) == 1:
        return [owners]
    shares: list[list[tuple[Entry, int]]] = []
    waiting = deque(owners)
    for piece in pieces:
        share: list[tuple[Entry, int]] = []
        room = piece.count
        while waiting and (room or not waiting[0][1]):
            entry, items = waiting.popleft()
            taken = min(items, room)
            share.append((entry, taken))
            room -= taken
            if taken < items:
                waiting.appendleft((entry, items - taken))
                entry.parts += 1
        shares.append(share)
    return shares
