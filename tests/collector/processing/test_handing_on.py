"""Handing batches on to a consumer that may not take them now, or never."""

import pytest

from collector.api import PartialError, PermanentError, RetryableError, TaskOwner
from collector.data import Signal
from collector.processing.handing_on import Loss, PatientSender
from collector.testing import ManualClock, RecordingTelemetry, Sink, make_settings, sample_batch, settle

BATCH = sample_batch(Signal.TRACES, 3)


class Bench:
    def __init__(self, error: Exception | None) -> None:
        self.clock, telemetry, self.sink = ManualClock(), RecordingTelemetry(), Sink(error)
        settings = make_settings("batch", clock=self.clock, telemetry=telemetry)
        self.tasks = TaskOwner("test", settings.logger)
        self.retries = telemetry["retries"]
        self.sender = PatientSender(settings, self.tasks, self.sink, self.retries)

    def send(self):
        return self.tasks.start("test", self.sender.send(BATCH))


async def test_a_batch_that_is_taken_is_not_lost():
    bench = Bench(None)
    assert await bench.sender.send(BATCH) is None
    assert [BATCH] == bench.sink.batches


@pytest.mark.parametrize(
    ("error", "loss"),
    [
        (PermanentError("never", reason="refused"), Loss(3, "refused")),
        (PartialError("two of them", rejected=2, reason="invalid"), Loss(2, "invalid")),
        (ZeroDivisionError(), Loss(3, "internal")),
    ],
)
async def test_what_is_refused_for_good_is_lost(error, loss):
    assert loss == await Bench(error).sender.send(BATCH)


async def test_pauses_grow_and_those_that_are_asked_for_are_kept():
    bench = Bench(RetryableError("not now", reason="busy"))
    sending = bench.send()
    for offers, seconds in ((1, 0.1), (2, 0.2), (3, 0.4)):
        await settle()
        assert offers == bench.retries.total
        await bench.clock.advance(seconds * 0.9)
        assert offers == bench.retries.total
        await bench.clock.advance(seconds * 0.2)
    bench.sink.error = RetryableError("not now", reason="busy", retry_after=60.0)
    await bench.clock.advance(5)
    bench.sink.error = None
    await bench.clock.advance(50)
    assert not sending.done()
    await bench.clock.advance(11)
    assert await sending is None


async def test_once_closed_it_offers_for_some_seconds_more():
    bench = Bench(RetryableError("not now", retry_after=3600.0))
    sending = bench.send()
    await settle()
    bench.sender.close()
    await settle()
    assert not sending.done()
    await bench.clock.advance(6)
    assert Loss(3, "shutdown") == await sending
