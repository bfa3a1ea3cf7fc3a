import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.data import NO_CLIENT, Batch, Client, Signal, merge
from collector.data.messages import REQUESTS
from collector.testing.decoded import canonical, decoded, items
from collector.testing.strategies import requests

signals = st.sampled_from(Signal)


def points(metric):
    kind = metric.WhichOneof("data")
    return 0 if kind is None else len(getattr(metric, kind).data_points)


def full_count(batch):
    """Count by a full decode."""
    return sum(points(item) if batch.signal is Signal.METRICS else 1 for item in items(batch))


def span_batch(client=NO_CLIENT):
    request = REQUESTS[Signal.TRACES]()
    request.resource_spans.add().scope_spans.add().spans.add(name="one")
    return Batch(Signal.TRACES, request.SerializeToString(), client)


def edited(batch):
    opened = batch.open()
    (_, scope), *_ = opened.scopes()
    scope.message(0).name = "edited"
    scope.touch(0)
    return Batch.of_opened(opened, batch.client)


@given(signals.flatmap(lambda signal: requests(signal).map(lambda payload: Batch(signal, payload))))
def test_the_count_is_that_of_a_full_decode(batch):
    opened = batch.open()
    assert full_count(batch) == batch.count == opened.count()
    for _, scope in opened.scopes():
        for index in range(len(scope)):
            scope.message(index)
            scope.touch(index)
    assert full_count(batch) == Batch.of_opened(opened).count


@given(signals.flatmap(lambda signal: st.tuples(st.just(signal), st.lists(requests(signal), min_size=1, max_size=3))))
def test_a_merge_holds_what_its_members_hold(case):
    signal, payloads = case
    members = [Batch(signal, payload) for payload in payloads]
    merged = merge(members)
    assert sum(member.count for member in members) == merged.count == full_count(merged)
    expected = [canonical(item) for member in members for item in items(member)]
    assert expected == [canonical(item) for item in items(merged)]


def test_a_merge_of_two_signals_is_refused():
    with pytest.raises(ValueError, match=r"not \['logs', 'traces'\]"):
        merge([Batch(Signal.TRACES, b""), Batch(Signal.LOGS, b"")])
    with pytest.raises(ValueError, match="merge needs batches"):
        merge([])


def test_a_merge_belongs_to_the_client_that_is_named():
    client = Client("10.0.0.1:4", "grpc")
    assert client is merge([span_batch()], client).client
    assert NO_CLIENT is merge([span_batch(client)]).client


def test_two_readers_may_open_a_batch_of_bytes():
    batch = span_batch()
    assert "edited" == edited(batch).open().resources[0].scopes[0].message(0).name
    assert "one" == batch.open().resources[0].scopes[0].message(0).name


def test_an_open_batch_is_handed_over_without_a_decode():
    batch = edited(span_batch())
    assert "Batch(traces, open)" == repr(batch)
    opened = batch.open()
    assert "edited" == opened.resources[0].scopes[0].message(0).name
    assert "Batch(traces, handed on)" == repr(batch)
    for use in (batch.open, lambda: batch.payload, lambda: batch.count):
        with pytest.raises(RuntimeError, match="ask for its payload before sharing it"):
            use()


def test_asking_for_the_payload_closes_an_open_batch():
    batch = edited(span_batch())
    assert batch.payload is batch.payload
    assert f"Batch(traces, {len(batch.payload)} bytes)" == repr(batch)
    assert ["edited"] == [span.name for span in items(batch)]
    assert batch.open() is not batch.open()


def test_counting_leaves_a_batch_open():
    batch = edited(span_batch())
    assert 1 == batch.count
    assert "Batch(traces, open)" == repr(batch)


def test_a_count_that_is_known_is_believed():
    assert 7 == Batch(Signal.TRACES, b"", count=7).count


def test_the_last_of_two_kinds_of_data_in_a_metric_is_counted():
    """Protobuf keeps the last member of a oneof: a gauge of one point, then a sum of none."""
    metric = b"\x2a\x02\x0a\x00" + b"\x3a\x00"
    assert 0 == Batch(Signal.METRICS, b"\x0a\x0a\x12\x08\x12\x06" + metric).count
    assert 1 == Batch(Signal.METRICS, b"\x0a\x08\x12\x06\x12\x04" + metric[:4]).count


def test_an_edit_keeps_the_client():
    client = Client("10.0.0.1:4", "grpc", {"tenant": ("a",)})
    assert client is edited(span_batch(client)).client
    assert decoded(edited(span_batch(client))).resource_spans


def metric_batch():
    request = REQUESTS[Signal.METRICS]()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    metrics.add(name="a").gauge.data_points.add()
    points = metrics.add(name="b").sum.data_points
    points.add()
    points.add()
    return Batch(Signal.METRICS, request.SerializeToString())


def test_counting_edited_metrics_encodes_nothing_and_leaves_the_batch_open():
    """Own metrics ask for the count behind every processor."""
    batch = edited(metric_batch())
    opened = batch._opened
    assert 3 == batch.count
    (_, scope), *_ = opened.scopes()
    assert [None, False] == [scope.originals[0], scope.originals[1] is None]
    assert opened is batch.open()


def test_a_count_goes_along_until_items_change():
    """Nobody counts again behind a processor that left the items alone."""
    batch = Batch(Signal.METRICS, metric_batch().payload, count=7)
    opened = batch.open()
    opened.resources[0].touch()
    assert 7 == Batch.of_opened(opened).count
    (_, scope), *_ = opened.scopes()
    scope.keep(lambda index: index == 0)
    assert 1 == opened.count()
