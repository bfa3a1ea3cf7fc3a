import asyncio

import pytest

from collector.api import PartialError, PermanentError, RetryableError, TaskOwner
from collector.data.split import split
from collector.delivery import Delivery, DeliveryConfig
from collector.delivery.parts import outcome_of
from collector.testing import FakeHost, ManualClock, RecordingTelemetry, make_settings, settle

LATER = RetryableError("later", reason="busy")
NEVER = PermanentError("never", reason="bad")
PARTLY = PartialError("one is too old", rejected=1)


@pytest.fixture
def three_parts(make_batch):
    """Return parts of 1, 2 and 3 items."""
    return [make_batch(count) for count in (1, 2, 3)]


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ((None, None, None), None),
        ((NEVER, LATER, NEVER), LATER),
        ((NEVER, NEVER, NEVER), NEVER),
    ],
)
def test_what_may_be_sent_again_as_a_whole(three_parts, errors, expected):
    """Nothing was taken, so nothing would come twice."""
    assert expected is outcome_of(three_parts, errors)


@pytest.mark.parametrize(
    ("errors", "rejected", "reason"),
    [
        ((None, LATER, None), 2, "busy"),
        ((None, NEVER, LATER), 5, "bad"),
        ((PARTLY, NEVER, LATER), 6, "rejected"),
        ((NEVER, LATER, PARTLY), 4, "bad"),
        ((PartialError("more than there is", rejected=9), None, None), 1, "rejected"),
    ],
)
def test_what_was_taken_in_part(three_parts, errors, rejected, reason):
    """It is not sent again: the rest is refused, and the count says how much that is."""
    outcome = outcome_of(three_parts, errors)
    assert (PartialError, rejected, reason) == (type(outcome), outcome.rejected, outcome.reason)


class Dividing:
    """An exporter that sends each span by itself; `outcomes` has, by the name of the span, what its pushes raise."""

    def __init__(self, names, outcomes):
        self.names = names
        self.outcomes = outcomes
        self.pushed = []
        self.at_once = 0
        self.most_at_once = 0

    async def divide(self, batch):
        return split(batch, 1)

    async def push(self, batch):
        [name] = self.names([batch])
        self.pushed.append(name)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        try:
            await asyncio.sleep(0)
            if raised := self.outcomes.get(name):
                outcome = raised.pop(0)
                if outcome is not None:
                    await outcome() if callable(outcome) else self._raise(outcome)
        finally:
            self.at_once -= 1

    def _raise(self, error):
        raise error


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
async def start(names, clock):
    """Return a function that starts a delivery around an exporter that divides."""
    deliveries = []

    async def begin(outcomes=None, exporter=None, **options):
        exporter = exporter or Dividing(names, outcomes or {})
        exporter.telemetry = RecordingTelemetry()
        retry = {"randomization_factor": 0.0, "initial_interval": "1s"}
        config = DeliveryConfig.model_validate({"retry_on_failure": retry, **options})
        delivery = Delivery(exporter, config, make_settings("tempo", clock=clock, telemetry=exporter.telemetry))
        deliveries.append(delivery)
        await delivery.start(FakeHost())
        return delivery, exporter

    yield begin
    for delivery in deliveries:
        await delivery.shutdown()


DIRECT = {"sending_queue": {"enabled": False}}


def failed(exporter):
    return dict(exporter.telemetry["otelcol_exporter_send_failed_spans"].values)


async def test_only_the_part_that_failed_is_sent_again(start, make_batch, clock):
    """The others arrive meanwhile, and once."""
    delivery, exporter = await start({"span-1": [LATER]}, **DIRECT)
    tasks = TaskOwner("test", make_settings("test").logger)
    sending = tasks.start("send", delivery.consume(make_batch(4)))
    await settle()
    assert ["span-0", "span-1", "span-2", "span-3"] == sorted(exporter.pushed)
    await clock.advance(1.0)
    await sending

    assert ["span-1"] == exporter.pushed[4:]
    assert (4, {}) == (exporter.telemetry["otelcol_exporter_sent_spans"].total, failed(exporter))
    assert 0 == exporter.telemetry["otelcol_exporter_in_flight_requests"].total


async def test_each_part_counts_under_its_own_reason(start, make_batch):
    """Without a queue the sender is told how much was refused."""
    never = PermanentError("no such tenant", reason="no_tenant")
    delivery, exporter = await start({"span-1": [NEVER], "span-3": [never]}, **DIRECT)
    with pytest.raises(PartialError, match="2 of 4 parts were not taken in full; the first: never") as failure:
        await delivery.consume(make_batch(4))

    assert 2 == failure.value.rejected
    assert {(("reason", "bad"),): 1, (("reason", "no_tenant"),): 1} == failed(exporter)
    assert 2 == exporter.telemetry["otelcol_exporter_sent_spans"].total


async def test_parts_are_sent_at_the_same_time_but_not_all(start, make_batch):
    """A batch of many parts does not open as many connections."""
    delivery, exporter = await start(**DIRECT)
    await delivery.consume(make_batch(50))

    assert (50, 10) == (len(exporter.pushed), exporter.most_at_once)


async def test_what_a_cancellation_leaves_unsent_is_counted(start, make_batch):
    """Parts that are on their way, and those whose turn has not come."""

    async def hang():
        await asyncio.Event().wait()

    delivery, exporter = await start({f"span-{number}": [hang] for number in range(1, 50)}, **DIRECT)
    tasks = TaskOwner("test", make_settings("test").logger)
    tasks.start("send", delivery.consume(make_batch(50)))
    await settle()
    await tasks.cancel()
    await delivery.shutdown()

    assert 1 == exporter.telemetry["otelcol_exporter_sent_spans"].total
    assert {(("reason", "cancelled"),): 49} == failed(exporter)


async def test_a_division_that_fails_is_the_exporter_s_fault(start, make_batch, names):
    """The batch is counted, and the next one goes on."""
    exporter = Dividing(names, {})

    async def divide(batch):
        raise ZeroDivisionError

    exporter.divide = divide
    delivery, exporter = await start(exporter=exporter)
    for _ in range(20):
        await delivery.consume(make_batch(2))
    await delivery.shutdown()

    assert {(("reason", "exporter_error"),): 40} == failed(exporter)


async def test_a_division_that_is_cut_off_is_counted(start, make_batch, names):
    exporter = Dividing(names, {})

    async def divide(batch):
        await asyncio.Event().wait()

    exporter.divide = divide
    delivery, exporter = await start(exporter=exporter, **DIRECT)
    tasks = TaskOwner("test", make_settings("test").logger)
    tasks.start("send", delivery.consume(make_batch(2)))
    await settle()
    await tasks.cancel()

    assert {(("reason", "cancelled"),): 2} == failed(exporter)


async def test_a_batch_that_is_one_request_is_pushed_as_it_is(start, make_batch, names):
    exporter = Dividing(names, {})
    pushed = []

    async def divide(batch):
        return [batch]

    async def push(batch):
        pushed.append(batch)

    exporter.divide, exporter.push = divide, push
    delivery, _ = await start(exporter=exporter, **DIRECT)
    batch = make_batch(3)
    await delivery.consume(batch)

    assert [batch] == pushed
