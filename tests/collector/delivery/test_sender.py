import asyncio
from types import SimpleNamespace

import pytest
import structlog

from collector.api import PartialError, PermanentError, RetryableError, StatusCode, TaskOwner
from collector.delivery import DeliveryConfig
from collector.delivery.meter import Meter
from collector.delivery.sender import Sender
from collector.testing import ManualClock, RecordingTelemetry, make_settings, settle

DOWN = RetryableError("backend:4317: refused", reason="unavailable")


@pytest.fixture
def make(make_exporter):
    """Return a function that makes a sender around an exporter with given outcomes, without jitter."""

    def build(*outcomes, **options):
        clock, telemetry = ManualClock(), RecordingTelemetry()
        retry = {"randomization_factor": 0.0, "initial_interval": "1s", "multiplier": 2.0, **options.pop("retry", {})}
        config = DeliveryConfig.model_validate({"retry_on_failure": retry, **options})
        settings = make_settings("otlp", clock=clock, telemetry=telemetry)
        tasks = TaskOwner("otlp", settings.logger)
        exporter = make_exporter(*outcomes)
        sender = Sender(exporter, config, settings, tasks, Meter(settings))
        return SimpleNamespace(sender=sender, exporter=exporter, clock=clock, telemetry=telemetry, tasks=tasks)

    return build


@pytest.fixture
def lines():
    with structlog.testing.capture_logs() as captured:
        yield captured


def failed(made, **labels):
    return made.telemetry["otelcol_exporter_send_failed_spans"].values[tuple(sorted(labels.items()))]


def sent(made):
    return made.telemetry["otelcol_exporter_sent_spans"].total


async def pass_time(made, sending, step=1.0):
    while not sending.done():
        await made.clock.advance(step)


async def hang():
    await asyncio.Event().wait()


async def test_what_is_taken_counts_as_sent(make, make_batch):
    """One attempt, one count of items."""
    made = make()
    await made.sender.send(make_batch(3))

    assert (1, 3) == (len(made.exporter.attempts), sent(made))
    assert 0 == made.telemetry["otelcol_exporter_in_flight_requests"].total


async def test_retries_with_growing_pauses(make, make_batch, lines):
    """The same batch is tried again after 1 s, then 2 s; each retry is counted, the operator told once."""
    made = make(DOWN, DOWN)
    sending = asyncio.gather(made.sender.send(make_batch(3)))
    for attempts, pause in ((1, 1.0), (2, 2.0)):
        await settle()
        await made.clock.advance(pause - 0.1)
        assert attempts == len(made.exporter.attempts)
        await made.clock.advance(0.1)
    await sending

    assert (3, 3) == (len(made.exporter.attempts), sent(made))
    assert 2 == made.telemetry["otelcol_exporter_retries"].total
    [line] = lines
    assert ("cannot deliver, will try again", "warning") == (line["event"], line["log_level"])
    assert ("backend:4317: refused", "1.0s") == (line["error"], line["again_in"])


async def test_waits_as_long_as_the_backend_asks(make, make_batch):
    """A delay in the answer is kept to where it is longer than the own pause."""
    made = make(RetryableError("busy", retry_after=20.0))
    sending = asyncio.gather(made.sender.send(make_batch()))
    await settle()
    await made.clock.advance(19.9)
    assert 1 == len(made.exporter.attempts)
    await made.clock.advance(0.1)
    await sending

    assert 2 == len(made.exporter.attempts)


async def test_gives_up_after_max_elapsed_time(make, make_batch, lines):
    """The last error ends it, counted with a reason of its own, and the log says what can be done."""
    made = make(*[DOWN] * 9, retry={"max_interval": "1s", "max_elapsed_time": "3s"})
    sending = asyncio.gather(made.sender.send(make_batch(2)))
    await pass_time(made, sending)

    with pytest.raises(RetryableError, match="refused") as failure:
        await sending
    assert "retries_exhausted" == failure.value.reason
    assert (4, 2) == (len(made.exporter.attempts), failed(made, reason="retries_exhausted"))
    [line] = [line for line in lines if line["log_level"] == "error"]
    assert "max_elapsed_time" in line["advice"]
    assert ("dropped", 2) == (line["event"].split()[-1], line["items"])


async def test_zero_elapsed_time_never_gives_up(make, make_batch):
    """With max_elapsed_time 0 an outage of a day loses nothing."""
    made = make(*[DOWN] * 100, retry={"max_elapsed_time": "0s"})
    sending = asyncio.gather(made.sender.send(make_batch()))
    await pass_time(made, sending, step=60.0)

    assert 1 == sent(made)


async def test_permanent_errors_are_not_tried_again(make, make_batch, lines):
    """One attempt, counted under the reason of the error."""
    made = make(PermanentError("backend:4317: who are you?", reason="unauthenticated"))
    with pytest.raises(PermanentError):
        await made.sender.send(make_batch(3))

    assert (1, 3) == (len(made.exporter.attempts), failed(made, reason="unauthenticated"))
    assert ["backend:4317: who are you?"] == [line["error"] for line in lines]


async def test_a_refused_part_is_counted_and_not_tried_again(make, make_batch):
    """What was taken of the batch counts as sent, the rest as failed."""
    made = make(PartialError("2 too old", rejected=2))
    with pytest.raises(PartialError):
        await made.sender.send(make_batch(5))

    assert (1, 3, 2) == (len(made.exporter.attempts), sent(made), failed(made, reason="rejected"))


async def test_a_backend_cannot_refuse_more_than_it_got(make, make_batch):
    """A number of rejected items beyond the batch does not make the counters wrong."""
    made = make(PartialError("nonsense", rejected=50))
    with pytest.raises(PartialError):
        await made.sender.send(make_batch(5))

    assert (0, 5) == (sent(made), failed(made, reason="rejected"))


async def test_an_attempt_that_hangs_is_cut_off_and_tried_again(make, make_batch, lines):
    """The timeout bounds each attempt."""
    made = make(hang, timeout="5s")
    sending = asyncio.gather(made.sender.send(make_batch()))
    await pass_time(made, sending)

    assert (2, 1) == (len(made.exporter.attempts), sent(made))
    assert ["timeout"] == [line["reason"] for line in lines]
    assert "no answer within 5s" in lines[0]["error"]


async def test_a_timeout_keeps_its_code(make, make_batch):
    """Without retries the caller learns that time ran out."""
    made = make(hang, timeout="5s", retry_on_failure={"enabled": False})
    sending = asyncio.gather(made.sender.send(make_batch()))
    await settle()
    await made.clock.advance(5.0)

    with pytest.raises(RetryableError) as failure:
        await sending
    assert (StatusCode.DEADLINE_EXCEEDED, "timeout") == (failure.value.code, failure.value.reason)


async def test_no_timeout(make, make_batch):
    """With timeout 0 an attempt may take as long as it likes; nothing counts the time."""
    made = make(hang, timeout="0s")
    sending = asyncio.gather(made.sender.send(make_batch()))
    await settle()
    assert 0 == made.clock.sleeping
    sending.cancel()
    await settle()

    assert 1 == failed(made, reason="cancelled")


async def test_without_retries_the_first_error_is_the_last(make, make_batch):
    """`retry_on_failure.enabled: false` counts the drop under the reason of the error."""
    made = make(DOWN, retry_on_failure={"enabled": False})
    with pytest.raises(RetryableError):
        await made.sender.send(make_batch())

    assert (1, 1) == (len(made.exporter.attempts), failed(made, reason="unavailable"))


async def test_connection_errors_of_any_exporter_are_tried_again(make, make_batch):
    """An exporter need not translate what the operating system raises."""
    made = make(ConnectionResetError("gone"), TimeoutError("slow"))
    sending = asyncio.gather(made.sender.send(make_batch()))
    await pass_time(made, sending)

    assert (3, 1) == (len(made.exporter.attempts), sent(made))


async def test_a_defect_of_an_exporter_is_told_with_its_traceback(make, make_batch, lines):
    """A defect would fail again, so the batch is dropped; the worker lives on."""
    made = make(KeyError("oops"))
    with pytest.raises(PermanentError, match="KeyError"):
        await made.sender.send(make_batch())

    [line] = lines
    assert "exporter_error" == line["reason"]
    assert isinstance(line["exc_info"].__cause__, KeyError)
    assert 1 == failed(made, reason="exporter_error")


async def test_stopping_ends_a_pause_with_one_more_attempt(make, make_batch):
    """A pause ends when the collector stops; what then succeeds is delivered."""
    made = make(DOWN)
    sending = asyncio.gather(made.sender.send(make_batch()))
    await settle()
    made.sender.stop()
    await sending

    assert (2, 1) == (len(made.exporter.attempts), sent(made))


async def test_stopping_drops_what_fails_once_more(make, make_batch):
    """After the one more attempt the data is lost, with that reason."""
    made = make(DOWN, DOWN, DOWN)
    sending = asyncio.gather(made.sender.send(make_batch()))
    await settle()
    made.sender.stop()
    with pytest.raises(RetryableError):
        await sending

    assert (2, 1) == (len(made.exporter.attempts), failed(made, reason="shutdown"))


async def test_stopping_while_an_attempt_is_under_way(make, make_batch):
    """An attempt that began before and fails has no pause after it, only the one more attempt."""

    async def fail_when_stopped():
        made.sender.stop()
        raise DOWN

    made = make(fail_when_stopped)
    await made.sender.send(make_batch())

    assert (2, 1) == (len(made.exporter.attempts), sent(made))
