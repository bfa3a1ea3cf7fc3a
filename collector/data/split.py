"""Cutting a batch into batches of a given size."""

from collections.abc import Iterator
from typing import TypeAlias

from collector.data.batch import Batch
from collector.data.messages import ProtoMessage
from collector.data.shell import MetricShell, RequestShell, points_of
from collector.data.signal import Signal

# A resource and a scope without what is in them, and the items of the scope.
_Contents: TypeAlias = "tuple[ProtoMessage, ProtoMessage, list[bytes]]"


def split(batch: Batch, max_items: int) -> list[Batch]:
    """Return batches that together hold the spans, log records or data points of one, in order.

    Each but the last holds exactly `max_items`; a batch that is small enough is returned as it is. Resources and scopes
    are repeated where they are cut, and left out where they hold nothing. Items keep their bytes. A metric that is
    cut is repeated, its points keep their bytes, and its fields may be written in another order.

    Raises:
        ValueError: `max_items` is less than 1.

    """
    if max_items < 1:
        raise ValueError(f"a batch cannot be split into batches of {max_items}")
    if batch.count <= max_items:
        return [batch]
    pieces = _Pieces(RequestShell.FromString(batch.payload), max_items)
    if batch.signal is Signal.METRICS:
        _put_metrics(pieces)
    else:
        _put_items(pieces)
    return [
        Batch(batch.signal, request.SerializeToString(), batch.client, count=count)
        for request, count in zip(pieces.requests, pieces.counts, strict=True)
    ]


class _Pieces:
    """Requests that are filled one after the other, each from copies of the emptied shells of the original."""

    def __init__(self, request: ProtoMessage, size: int) -> None:
        self.requests: list[ProtoMessage] = []
        self.counts: list[int] = []
        self._resources = list(request.resources)
        request.ClearField("resources")
        self._request = request
        self._size = size
        # What the last piece was filled from and into; these tell whether the next items go on in the same scope.
        self._resource: ProtoMessage = None
        self._scope: ProtoMessage = None
        self._open_resource: ProtoMessage = None
        self._open_scope: ProtoMessage = None

    def contents(self) -> Iterator[_Contents]:
        """Yield what is to be put into the pieces, scope by scope."""
        for resource in self._resources:
            scopes = list(resource.scopes)
            resource.ClearField("scopes")
            for scope in scopes:
                items = list(scope.items)
                scope.ClearField("items")
                yield resource, scope, items

    def room(self) -> int:
        """Return how many items fit into the last piece, after starting a new one where it was full."""
        if not self.counts or self.counts[-1] >= self._size:
            request = RequestShell()
            request.CopyFrom(self._request)
            self.requests.append(request)
            self.counts.append(0)
            self._resource = self._scope = None
        return self._size - self.counts[-1]

    def put(self, resource: ProtoMessage, scope: ProtoMessage, items: list[bytes], count: int) -> None:
        """Add items, which count as so many, to the last piece."""
        if resource is not self._resource:
            self._resource, self._open_resource = resource, self.requests[-1].resources.add()
            self._open_resource.CopyFrom(resource)
        if scope is not self._scope:
            self._scope, self._open_scope = scope, self._open_resource.scopes.add()
            self._open_scope.CopyFrom(scope)
        self._open_scope.items.extend(items)
        self.counts[-1] += count


def _put_items(pieces: _Pieces) -> None:
    for resource, scope, items in pieces.contents():
        start = 0
        while start < len(items):
            part = items[start : start + pieces.room()]
            pieces.put(resource, scope, part, len(part))
            start += len(part)


def _put_metrics(pieces: _Pieces) -> None:
    for resource, scope, items in pieces.contents():
        for item in items:
            metric = MetricShell.FromString(item)
            count = points_of(metric)
            if count <= pieces.room():
                pieces.put(resource, scope, [item], count)
            else:
                _put_cut(pieces, resource, scope, metric)


def _put_cut(pieces: _Pieces, resource: ProtoMessage, scope: ProtoMessage, metric: ProtoMessage) -> None:
    data = getattr(metric, metric.WhichOneof("data"))
    points = list(data.points)
    start = 0
    while start < len(points):
        part = points[start : start + pieces.room()]
        data.ClearField("points")
        data.points.extend(part)
        pieces.put(resource, scope, [metric.SerializeToString()], len(part))
        start += len(part)
