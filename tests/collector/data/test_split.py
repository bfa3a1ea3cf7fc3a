import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.data import Batch, Client, Signal, merge
from collector.data.messages import REQUESTS
from collector.data.shell import MetricShell, RequestShell, points_of
from collector.data.split import split
from collector.testing.decoded import canonical, decoded, items
from collector.testing.strategies import requests

batches = st.sampled_from(Signal).flatmap(lambda signal: requests(signal).map(lambda payload: Batch(signal, payload)))
sizes = st.integers(1, 5)


def raw_items(batch):
    """Return each item's bytes with the bytes of its resource and scope."""
    return [
        (b"".join(resource.resource), b"".join(scope.scope), item)
        for resource in RequestShell.FromString(batch.payload).resources
        for scope in resource.scopes
        for item in scope.items
    ]


def raw_points(batch):
    """Return each data point's bytes with the resource, the scope and what else there is of its metric."""
    found = []
    for resource, scope, item in raw_items(batch):
        metric = MetricShell.FromString(item)
        if points_of(metric):
            data = getattr(metric, metric.WhichOneof("data"))
            points = list(data.points)
            del data.points[:]
            rest = metric.SerializeToString(deterministic=True)
            found.extend((resource, scope, rest, point) for point in points)
    return found


@given(batches, sizes)
def test_every_batch_but_the_last_is_full_and_none_is_missing(batch, size):
    pieces = split(batch, size)
    assert batch.count == sum(piece.count for piece in pieces)
    assert all(size == piece.count for piece in pieces[:-1])
    assert pieces[-1].count <= size
    assert [piece.count for piece in pieces] == [Batch(piece.signal, piece.payload).count for piece in pieces]


@given(batches, sizes)
def test_items_and_points_keep_their_order_bytes_resource_and_scope(batch, size):
    raw = raw_points if batch.signal is Signal.METRICS else raw_items
    assert raw(batch) == [item for piece in split(batch, size) for item in raw(piece)]


@given(requests(Signal.METRICS).map(lambda payload: Batch(Signal.METRICS, payload)), sizes)
def test_metrics_without_points_are_not_lost(batch, size):
    def pointless(of):
        return Counter(item for item in raw_items(of) if not points_of(MetricShell.FromString(item[2])))

    assert pointless(batch) == sum(map(pointless, split(batch, size)), Counter())


@given(batches, sizes)
def test_unknown_fields_of_the_containers_are_repeated(batch, size):
    request = RequestShell.FromString(batch.payload)
    del request.resources[:]
    for piece in split(batch, size):
        shell = RequestShell.FromString(piece.payload)
        del shell.resources[:]
        assert request.SerializeToString() == shell.SerializeToString()


@given(batches)
def test_splitting_undoes_merging(batch):
    if batch.count:
        again = split(merge([batch, batch]), batch.count)
        assert 2 == len([piece for piece in again if piece.count])
        assert [canonical(item) for item in items(batch)] * 2 == [
            canonical(item) for piece in again for item in items(piece)
        ]


def test_a_batch_that_is_small_enough_is_returned_as_it_is(signal):
    batch = Batch(signal, b"")
    assert [batch] == split(batch, 1)


def test_schema_urls_and_the_client_are_kept():
    request = REQUESTS[Signal.TRACES]()
    resource = request.resource_spans.add(schema_url="resource/1")
    scope = resource.scope_spans.add(schema_url="scope/1")
    scope.scope.name = "library"
    for index in range(5):
        scope.spans.add(name=str(index))
    client = Client("10.0.0.1:4", "grpc")
    pieces = split(Batch(Signal.TRACES, request.SerializeToString(), client), 2)
    assert [["0", "1"], ["2", "3"], ["4"]] == [[span.name for span in items(piece)] for piece in pieces]
    for piece in pieces:
        (resource,) = decoded(piece).resource_spans
        (scope,) = resource.scope_spans
        assert ("resource/1", "scope/1", "library") == (resource.schema_url, scope.schema_url, scope.scope.name)
        assert client is piece.client


def test_a_metric_is_cut_between_points():
    request = REQUESTS[Signal.METRICS]()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="requests", unit="1")
    metric.sum.is_monotonic = True
    for value in range(5):
        metric.sum.data_points.add(as_int=value)
    pieces = split(Batch(Signal.METRICS, request.SerializeToString()), 2)
    assert math.ceil(5 / 2) == len(pieces)
    cut = [metric for piece in pieces for metric in items(piece)]
    assert [("requests", "1", True)] * 3 == [(metric.name, metric.unit, metric.sum.is_monotonic) for metric in cut]
    assert [[0, 1], [2, 3], [4]] == [[point.as_int for point in metric.sum.data_points] for metric in cut]


@pytest.mark.parametrize("size", [0, -1])
def test_a_size_below_one_is_refused(size):
    with pytest.raises(ValueError, match="cannot be split"):
        split(Batch(Signal.TRACES, b""), size)
