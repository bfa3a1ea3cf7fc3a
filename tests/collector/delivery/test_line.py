from types import SimpleNamespace

import pytest

from collector.api import PermanentError, RetryableError, StartError, TaskOwner
from collector.delivery import DeliveryConfig
from collector.delivery.line import Line
from collector.delivery.meter import Meter
from collector.delivery.sender import Sender
from collector.testing import Blocking, ManualClock, RecordingTelemetry, Sink, make_settings, settle


@pytest.fixture
def make():
    """Return a function that makes a line to a sink that can be blocked."""

    def build(error=None, **queue):
        sink, clock, telemetry = Sink(error), ManualClock(), RecordingTelemetry()
        gate = Blocking(sink)
        gate.released.set()
        config = DeliveryConfig.model_validate({"sending_queue": queue, "timeout": "0s"})
        settings = make_settings("otlp", clock=clock, telemetry=telemetry)
        tasks, meter = TaskOwner("otlp", settings.logger), Meter(settings)
        sender = Sender(gate, config, settings, tasks, meter)
        line = Line(config.sending_queue, settings, tasks, meter, sender)
        return SimpleNamespace(
            line=line, sink=sink, gate=gate, clock=clock, telemetry=telemetry, tasks=tasks, sender=sender
        )

    return build


async def end(made):
    made.sender.stop()
    await made.line.drain()
    await made.tasks.cancel()
    made.line.abandon()


async def test_so_many_are_sent_at_the_same_time(make, make_batch):
    """There are num_consumers requests under way, the rest waits and counts as held."""
    made = make(num_consumers=3, queue_size=10)
    made.gate.released.clear()
    made.line.start()
    for _ in range(5):
        await made.line.put(make_batch())
    await settle()

    assert 3 == made.telemetry["otelcol_exporter_in_flight_requests"].total
    assert 5 == made.telemetry["otelcol_exporter_queue_size"].total
    assert 10 == made.telemetry["otelcol_exporter_queue_capacity"].total
    made.gate.released.set()
    await made.sink.wait_for(5)
    await end(made)
    assert 0 == made.telemetry["otelcol_exporter_queue_size"].total


async def test_a_full_queue_refuses_and_counts(make, make_batch):
    """The sender is told to come back; what was refused is counted by items."""
    made = make(queue_size=1)
    await made.line.put(make_batch())
    with pytest.raises(RetryableError, match="sending_queue is full"):
        await made.line.put(make_batch(4))

    assert {(("reason", "queue_full"),): 4} == made.telemetry["otelcol_exporter_enqueue_failed_spans"].values


async def test_a_full_queue_blocks_where_asked(make, make_batch):
    """With block_on_overflow the sender waits for room instead."""
    made = make(queue_size=1, block_on_overflow=True)
    await made.line.put(make_batch())
    putting = made.tasks.start("put", made.line.put(make_batch()))
    await settle()
    assert not putting.done()
    made.line.start()
    await putting
    await end(made)

    assert 2 == made.sink.count


async def test_senders_wait_for_the_result_where_asked(make, make_batch):
    """With wait_for_result the caller gets the outcome."""
    made = make(PermanentError("never"), wait_for_result=True)
    made.line.start()
    with pytest.raises(PermanentError, match="never"):
        await made.line.put(make_batch())
    made.sink.error = None
    await made.line.put(make_batch())
    await end(made)

    assert 1 == made.sink.count


async def test_requests_are_merged(make, make_batch, names):
    """What comes within flush_timeout goes out as one request, whose size is recorded."""
    made = make(batch={"flush_timeout": "1s", "min_size": 100})
    made.line.start()
    for name in "abc":
        await made.line.put(make_batch(2, name))
        await settle()
        await made.clock.advance(0.25)
    assert [] == made.sink.batches
    await made.clock.advance(0.25)

    [batch] = made.sink.batches
    assert ["a-0", "a-1", "b-0", "b-1", "c-0", "c-1"] == names([batch])
    assert [6] == [
        size
        for sizes in made.telemetry["otelcol_exporter_queue_batch_send_size"].observations.values()
        for size in sizes
    ]
    await end(made)


async def test_each_group_is_sent_when_it_is_due(make, make_batch):
    """The alarm of one group is set again for the next."""
    made = make(batch={"flush_timeout": "1s", "min_size": 10})
    made.line.start()
    await made.line.put(make_batch(10))
    await made.sink.wait_for(10)
    for count in (11, 12, 13):
        await made.line.put(make_batch())
        await settle()
        await made.clock.advance(0.75)
        assert count - 1 == made.sink.count
        await made.clock.advance(0.25)
        assert count == made.sink.count
    await end(made)


async def test_draining_sends_what_waits_for_more(make, make_batch):
    """At the end a small group goes out without waiting for its timeout."""
    made = make(batch={"flush_timeout": "1h", "min_size": 100})
    made.line.start()
    await made.line.put(make_batch(7))
    await settle()
    await end(made)

    assert 7 == made.sink.count
    assert 0 == made.telemetry["otelcol_exporter_queue_size"].total


async def test_a_queue_on_disk_is_not_there_yet(make):
    """`storage` is a known key, and starting says what is missing."""
    made = make(storage="file_storage")
    with pytest.raises(StartError, match='"file_storage" needs a storage extension'):
        made.line.start()


async def test_what_no_worker_sends_is_counted_as_lost(make, make_batch):
    """A line that never started loses what it holds, and says so."""
    made = make(batch={"min_size": 100}, wait_for_result=True)
    putting = made.tasks.start("put", made.line.put(make_batch(3)))
    await settle()
    await made.line.drain()
    made.line.abandon()

    with pytest.raises(RetryableError):
        await putting
    assert {(("reason", "shutdown"),): 3} == made.telemetry["otelcol_exporter_send_failed_spans"].values
    assert "Line(MemoryQueue(0 of 1000 requests, 0 waiting, closed), 0 workers)" == repr(made.line)
