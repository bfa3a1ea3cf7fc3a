import asyncio
from types import SimpleNamespace

import pytest

from collector.api import Component, PartialError, PermanentError, RetryableError
from collector.data import Batch, Signal
from collector.delivery import Delivery, DeliveryConfig
from collector.testing import FakeHost, ManualClock, RecordingTelemetry, make_settings, settle

DOWN = RetryableError("backend:4317: refused", reason="unavailable")


@pytest.fixture
def make(make_exporter):
    """Return a function that makes a delivery to an exporter with given outcomes."""

    def build(*outcomes, **options):
        exporter, clock, telemetry = make_exporter(*outcomes), ManualClock(), RecordingTelemetry()
        config = DeliveryConfig.model_validate(options)
        delivery = Delivery(exporter, config, make_settings("otlp", clock=clock, telemetry=telemetry))
        return SimpleNamespace(delivery=delivery, exporter=exporter, clock=clock, telemetry=telemetry)

    return build


def failed(made):
    return {
        dict(labels)["reason"]: count
        for labels, count in made.telemetry["otelcol_exporter_send_failed_spans"].values.items()
    }


async def hang():
    await asyncio.Event().wait()


async def test_an_outage_loses_and_doubles_nothing(make, make_batch, names):
    """While the backend is down for a minute the queue holds everything; then each span arrives exactly once."""
    made = make(*[DOWN] * 40, sending_queue={"num_consumers": 4})
    await made.delivery.start(FakeHost())
    for number in range(100):
        await made.delivery.consume(make_batch(1, f"batch{number}"))
    while made.exporter.outcomes:
        await made.clock.advance(10.0)
    await made.delivery.shutdown()

    assert sorted(f"batch{number}-0" for number in range(100)) == sorted(names(made.exporter.delivered))
    assert ({}, 100) == (failed(made), made.telemetry["otelcol_exporter_sent_spans"].total)


async def test_an_outage_loses_nothing_of_merged_requests(make, make_batch, names):
    """The same with batching: what is merged or cut arrives once too."""
    batch = {"min_size": 20, "max_size": 25, "flush_timeout": "200ms"}
    made = make(*[DOWN] * 8, sending_queue={"num_consumers": 2, "batch": batch})
    await made.delivery.start(FakeHost())
    for number in range(60):
        await made.delivery.consume(make_batch(7, f"batch{number}"))
    while made.exporter.outcomes:
        await made.clock.advance(10.0)
    await made.delivery.shutdown()

    expected = [f"batch{number}-{span}" for number in range(60) for span in range(7)]
    assert sorted(expected) == sorted(names(made.exporter.delivered))
    assert all(batch.count <= 25 for batch in made.exporter.delivered)


async def test_without_a_queue_the_caller_gets_the_outcome(make, make_batch):
    """`sending_queue.enabled: false` delivers inline, retries included, and raises what remains."""
    made = make(DOWN, None, PermanentError("no"), PartialError("some", rejected=1), sending_queue={"enabled": False})
    await made.delivery.start(FakeHost())
    retried = asyncio.gather(made.delivery.consume(make_batch()))
    while not retried.done():
        await made.clock.advance(10.0)

    with pytest.raises(PermanentError):
        await made.delivery.consume(make_batch())
    with pytest.raises(PartialError):
        await made.delivery.consume(make_batch(2))
    await made.delivery.shutdown()


async def test_shutdown_drains_the_queue(make, make_batch):
    """What the queue holds is delivered before shutdown returns, and nothing comes in any more."""
    made = make(sending_queue={"num_consumers": 1})
    await made.delivery.start(FakeHost())
    for _ in range(20):
        await made.delivery.consume(make_batch())
    await made.delivery.shutdown()

    assert 20 == len(made.exporter.delivered)
    with pytest.raises(RetryableError, match="shutting down"):
        await made.delivery.consume(make_batch())


async def test_shutdown_while_the_backend_is_down(make, make_batch):
    """Each batch gets one more attempt, then counts as lost; shutdown does not wait for pauses."""
    made = make(*[DOWN] * 1000, sending_queue={"num_consumers": 2})
    await made.delivery.start(FakeHost())
    for _ in range(10):
        await made.delivery.consume(make_batch())
    await settle()
    await made.delivery.shutdown()

    assert {"shutdown": 10} == failed(made)
    assert 12 == len(made.exporter.attempts)


async def test_shutdown_that_is_cut_off_counts_what_is_left(make, make_batch):
    """The runtime bounds the time of a shutdown; what is under way or waiting then is counted as lost."""
    made = make(hang, hang, sending_queue={"num_consumers": 2})
    await made.delivery.start(FakeHost())
    for _ in range(5):
        await made.delivery.consume(make_batch())
    await settle()
    stopping = asyncio.gather(made.delivery.shutdown())
    await settle()
    stopping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopping

    assert {"shutdown": 5} == failed(made)
    assert 0 == made.telemetry["otelcol_exporter_queue_size"].total


async def test_shutdown_twice_and_without_start(make, make_batch):
    """Both are safe, and what was consumed is accounted for."""
    never_started = make()
    await never_started.delivery.consume(make_batch(3))
    await never_started.delivery.shutdown()
    assert {"shutdown": 3} == failed(never_started)
    twice = make()
    await twice.delivery.start(FakeHost())
    await twice.delivery.shutdown()
    await twice.delivery.shutdown()

    assert {} == failed(twice)


async def test_a_malformed_batch_is_refused_at_the_door(make):
    """It would otherwise fail where other senders' data is merged with it."""
    made = make()
    with pytest.raises(PermanentError, match="not an OTLP request") as failure:
        await made.delivery.consume(Batch(Signal.TRACES, b"\xff\xff\xff"))

    assert "malformed" == failure.value.reason


async def test_an_exporter_may_open_the_batch_at_each_attempt(make, make_exporter, make_batch):
    """A batch that an edit left open is closed before the first attempt, for opening it hands it over."""
    made = make(sending_queue={"enabled": False}, retry_on_failure={"initial_interval": "0s", "max_interval": "0s"})
    opened = []

    async def push(batch):
        opened.append(len(batch.open()))
        if len(opened) == 1:
            raise DOWN

    made.exporter.push = push
    sending = asyncio.gather(made.delivery.consume(Batch.of_opened(make_batch(3).open())))
    await made.clock.advance(1.0)
    await sending

    assert [3, 3] == opened


def test_a_delivery_is_a_component(make):
    """It has the life of one, and shows what it holds."""
    delivery: Component = make().delivery

    assert "Delivery(Line(MemoryQueue(0 of 1000 requests, 0 waiting, open), 0 workers))" == repr(delivery)
