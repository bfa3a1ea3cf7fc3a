"""What is counted for components without their doing."""

import asyncio

import pytest

from collector.api import PartialError, PermanentError, RetryableError
from collector.data import Batch, Client, Signal
from collector.data.messages import REQUESTS
from collector.runtime.observers import DirectDelivery, ItemCounter, ReceiverObserver
from collector.testing import RecordingTelemetry, Sink

TRACES = frozenset({Signal.TRACES})


def batch_of(count):
    request = REQUESTS[Signal.TRACES]()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number in range(count):
        spans.add(name=f"span-{number}")
    return Batch(Signal.TRACES, request.SerializeToString(), Client(transport="grpc"))


async def outcome(telemetry, error):
    observer = ReceiverObserver(telemetry, TRACES, Sink(error))
    if error is None:
        await observer.consume(batch_of(3))
    else:
        with pytest.raises(type(error)):
            await observer.consume(batch_of(3))
    names = [f"otelcol_receiver_{word}_spans" for word in ("accepted", "refused", "failed")]
    for name in names:
        assert [(("transport", "grpc"),)] == list(telemetry[name].values)
    return [telemetry[name].total for name in names]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (None, [3, 0, 0]),
        (RetryableError("later"), [0, 3, 0]),
        (PermanentError("never"), [0, 3, 0]),
        (PartialError("some", rejected=1), [2, 1, 0]),
        (PartialError("more than there were", rejected=9), [0, 3, 0]),
        (ZeroDivisionError("a defect"), [0, 0, 3]),
        (asyncio.CancelledError(), [0, 3, 0]),
    ],
)
async def test_a_receiver_s_spans_by_what_became_of_them(error, expected):
    """Accepted, refused by the pipelines, or stopped by a defect; all three series exist from the first batch on."""
    assert expected == await outcome(RecordingTelemetry(), error)


async def test_items_on_their_way_are_counted_even_where_they_are_refused():
    telemetry = RecordingTelemetry()
    with pytest.raises(RetryableError):
        await ItemCounter(telemetry, "incoming", Sink(RetryableError("later"))).consume(batch_of(2))
    assert {(("otel_signal", "traces"),): 2} == telemetry["otelcol_processor_incoming_items"].values


async def test_counting_does_not_close_an_open_batch():
    """What was opened once stays open from processor to processor."""
    sink = Sink()
    batch = Batch.of_opened(batch_of(2).open())
    await ItemCounter(RecordingTelemetry(), "outgoing", sink).consume(batch)
    assert "open" in repr(sink.batches[0])


@pytest.mark.parametrize(
    ("error", "sent", "failed"),
    [
        (None, 3, {}),
        (RetryableError("later", reason="busy"), 0, {(("reason", "busy"),): 3}),
        (PartialError("some", rejected=1), 2, {(("reason", "rejected"),): 1}),
        (ZeroDivisionError("a defect"), 0, {(("reason", "exporter_error"),): 3}),
        (asyncio.CancelledError(), 0, {(("reason", "cancelled"),): 3}),
    ],
)
async def test_an_exporter_without_delivery_is_counted(error, sent, failed):
    telemetry = RecordingTelemetry()
    delivery = DirectDelivery(telemetry, TRACES, Sink(error))
    if error is None:
        await delivery.consume(batch_of(3))
    else:
        with pytest.raises(type(error)):
            await delivery.consume(batch_of(3))
    assert sent == telemetry["otelcol_exporter_sent_spans"].total
    assert failed == telemetry["otelcol_exporter_send_failed_spans"].values
