import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from structlog.testing import capture_logs

from collector.api import PartialError, PermanentError, RetryableError, TaskOwner
from collector.data import NO_CLIENT, Batch, Client, Signal
from collector.data.messages import REQUESTS
from collector.testing import Blocking, FakeHost, ManualClock, RecordingTelemetry, Sink, make_settings, settle
from processors.batch import FACTORY, Config

SENT = "otelcol_processor_batch_batch_send_size"
DROPPED = "otelcol_processor_batch_dropped_items"


def spans(count, first=0, client=NO_CLIENT):
    """Return a batch of so many spans, named by their number."""
    request = REQUESTS[Signal.TRACES]()
    scope = request.resource_spans.add().scope_spans.add()
    for number in range(first, first + count):
        scope.spans.add(name=str(number))
    return Batch(Signal.TRACES, request.SerializeToString(), client)


def names(batches):
    """Return the numbers of the spans of batches."""
    return [
        int(span.name)
        for batch in batches
        for resource in REQUESTS[Signal.TRACES].FromString(batch.payload).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def tenant(name):
    return Client(address="10.0.0.1", metadata={"x-tenant": (name,), "other": ("1",)})


class Flaky(Sink):
    """A sink that raises the errors it is given, one a call, before it takes anything."""

    def __init__(self, *errors):
        super().__init__()
        self.errors = list(errors)

    async def consume(self, batch):
        if self.errors:
            raise self.errors.pop(0)
        await super().consume(batch)


class Bench:
    """A processor with what stands around it; shut down at the end."""

    def __init__(self, sink=None, **options):
        self.clock = ManualClock()
        self.telemetry = RecordingTelemetry()
        self.sink = sink or Sink()
        settings = make_settings("batch", clock=self.clock, telemetry=self.telemetry)
        self.processor = FACTORY.create(Config.model_validate(options), settings, self.sink)
        self.consume = self.processor.consume
        self.senders = TaskOwner("senders", settings.logger)

    async def __aenter__(self):
        await self.processor.start(FakeHost())
        return self

    async def __aexit__(self, *_):
        await self.processor.shutdown()
        await self.senders.cancel()


async def test_small_batches_leave_together_when_there_are_enough():
    async with Bench(send_batch_size=5) as bench:
        for first in (0, 2, 4):
            await bench.consume(spans(2, first))
        await bench.sink.wait_for(6)
        assert [batch.count for batch in bench.sink.batches] == [6]
        assert names(bench.sink.batches) == [0, 1, 2, 3, 4, 5]
        assert bench.telemetry[SENT].observations[()] == [6]
        assert bench.telemetry[f"{SENT}_bytes"].observations[()] == [len(bench.sink.batches[0].payload)]
        assert bench.telemetry["otelcol_processor_batch_batch_size_trigger_send"].total == 1
        assert bench.telemetry["otelcol_processor_batch_timeout_trigger_send"].total == 0


async def test_a_small_batch_leaves_when_its_time_is_up():
    async with Bench(timeout="200ms") as bench:
        await bench.consume(spans(1))
        await bench.clock.wait_for_sleepers()
        await bench.clock.advance(0.1)
        await bench.consume(spans(1, 1))
        await bench.clock.advance(0.09)
        assert bench.sink.batches == []
        await bench.clock.advance(0.01)
        assert names(bench.sink.batches) == [0, 1]
        assert bench.telemetry["otelcol_processor_batch_timeout_trigger_send"].total == 1


async def test_the_time_runs_from_the_first_item_of_each_batch():
    async with Bench(timeout="1s", send_batch_size=2) as bench:
        await bench.consume(spans(1))
        await bench.clock.wait_for_sleepers()
        await bench.clock.advance(0.9)
        await bench.consume(spans(1, 1))
        await bench.sink.wait_for(2)
        await bench.consume(spans(1, 2))
        await bench.clock.wait_for_sleepers()
        await bench.clock.advance(0.9)
        assert bench.sink.count == 2
        await bench.clock.advance(0.1)
        assert bench.sink.count == 3
        await bench.consume(spans(1, 3))
        await settle()
        assert bench.sink.count == 3


async def test_one_batch_alone_leaves_as_the_bytes_that_came():
    async with Bench(send_batch_size=3) as bench:
        batch = spans(3)
        await bench.consume(batch)
        await bench.sink.wait_for(3)
        assert bench.sink.batches[0].payload is batch.payload


async def test_a_large_batch_is_cut_and_the_rest_waits_for_company():
    async with Bench(send_batch_size=4, send_batch_max_size=5) as bench:
        await bench.consume(spans(13))
        await bench.sink.wait_for(10)
        await settle()
        assert [batch.count for batch in bench.sink.batches] == [5, 5]
        await bench.consume(spans(1, 13))
        await bench.sink.wait_for(14)
        assert names(bench.sink.batches) == list(range(14))


async def test_the_rest_of_a_cut_batch_leaves_in_time():
    async with Bench(send_batch_size=5, send_batch_max_size=5, timeout="1s") as bench:
        await bench.consume(spans(6))
        await bench.sink.wait_for(5)
        await bench.clock.wait_for_sleepers()
        await bench.clock.advance(1)
        assert [batch.count for batch in bench.sink.batches] == [5, 1]
        await bench.consume(spans(6, 6))
        await bench.sink.wait_for(11)
        await settle()
        assert [batch.count for batch in bench.sink.batches] == [5, 1, 5]


@given(sizes=st.lists(st.integers(0, 30), max_size=12), size=st.integers(1, 10), more=st.integers(0, 10))
async def test_nothing_is_lost_doubled_or_put_in_another_order(sizes, size, more):
    async with Bench(send_batch_size=size, send_batch_max_size=size + more, timeout="1s") as bench:
        first = 0
        for count in sizes:
            await bench.consume(spans(count, first))
            first += count
    assert names(bench.sink.batches) == list(range(first))
    assert all(0 < batch.count <= size + more for batch in bench.sink.batches)


@pytest.mark.parametrize("options", [{"timeout": "0s"}, {"send_batch_size": 0}])
async def test_where_nothing_is_gathered_the_sender_learns_the_outcome(options):
    async with Bench(Flaky(RetryableError("full")), send_batch_max_size=10_000, **options) as bench:
        with pytest.raises(RetryableError, match="full"):
            await bench.consume(spans(1))
        await bench.consume(spans(2))
        assert bench.sink.count == 2


async def test_where_nothing_is_gathered_large_batches_are_cut():
    async with Bench(send_batch_size=0, send_batch_max_size=2) as bench:
        await bench.consume(spans(5))
        assert [batch.count for batch in bench.sink.batches] == [2, 2, 1]


async def test_while_a_batch_is_on_its_way_only_so_much_is_gathered_and_then_senders_wait():
    sink = Sink()
    blocking = Blocking(sink)
    async with Bench(blocking, send_batch_size=10) as bench:
        await bench.consume(spans(10))
        await blocking.entered.wait()
        await bench.consume(spans(10, 10))
        await bench.consume(spans(10, 20))
        waiting = [bench.senders.start(str(n), bench.consume(spans(10, 30 + 10 * n))) for n in range(3)]
        await settle()
        assert not any(task.done() for task in waiting)
        blocking.released.set()
        await asyncio.gather(*waiting)
        await sink.wait_for(60)
        assert sorted(names(sink.batches)) == list(range(60))


async def test_a_batch_that_is_not_taken_now_is_offered_again_in_growing_pauses():
    async with Bench(Flaky(*[RetryableError("full", reason="queue")] * 3), send_batch_size=1) as bench:
        await bench.consume(spans(1))
        for pause in (0.1, 0.2, 0.4):
            await bench.clock.wait_for_sleepers()
            assert bench.sink.batches == []
            await bench.clock.advance(pause)
        assert names(bench.sink.batches) == [0]
        retries = bench.telemetry["otelcol_processor_batch_send_retries"].values
        assert retries == {(("reason", "queue"),): 3}
        assert bench.telemetry[DROPPED].total == 0


async def test_the_pause_that_is_asked_for_is_kept():
    async with Bench(Flaky(RetryableError("full", retry_after=7)), send_batch_size=1) as bench:
        await bench.consume(spans(1))
        await bench.clock.wait_for_sleepers()
        await bench.clock.advance(6.9)
        assert bench.sink.batches == []
        await bench.clock.advance(0.1)
        assert names(bench.sink.batches) == [0]


@pytest.mark.parametrize(
    ("error", "dropped"),
    [
        (PermanentError("never", reason="bad"), {(("reason", "bad"),): 3}),
        (PartialError("some", rejected=2, reason="partly"), {(("reason", "partly"),): 2}),
        (RuntimeError("a fault"), {(("reason", "internal"),): 3}),
    ],
)
async def test_what_is_never_taken_is_dropped_counted_and_told_and_the_next_is_sent(error, dropped):
    with capture_logs() as lines:
        async with Bench(Flaky(error), send_batch_size=3) as bench:
            await bench.consume(spans(3))
            await settle()
            await bench.consume(spans(3, 3))
            await bench.sink.wait_for(3)
    assert bench.telemetry[DROPPED].values == dropped
    assert names(bench.sink.batches) == [3, 4, 5]
    assert [line["count"] for line in lines if line["event"] == "items were dropped"] == list(dropped.values())


async def test_drops_are_told_now_and_then():
    with capture_logs() as lines:
        async with Bench(Flaky(*[PermanentError("never")] * 3), send_batch_size=1) as bench:
            for number in range(2):
                await bench.consume(spans(1, number))
                await settle()
            await bench.clock.advance(60)
            await bench.consume(spans(1))
            await settle()
    told = [line.get("left_out", 0) for line in lines if line["event"] == "items were dropped"]
    assert told == [0, 1]


async def test_metadata_keeps_batches_apart_and_nothing_else_of_the_client_is_left():
    async with Bench(metadata_keys=["X-Tenant"], send_batch_size=2) as bench:
        for number, name in enumerate(["a", "b", "a", "b"]):
            await bench.consume(spans(1, number, tenant(name)))
        await bench.sink.wait_for(4)
        assert {batch.client.metadata["x-tenant"]: names([batch]) for batch in bench.sink.batches} == {
            ("a",): [0, 2],
            ("b",): [1, 3],
        }
        assert {batch.client.address for batch in bench.sink.batches} == {""}
        assert all(set(batch.client.metadata) == {"x-tenant"} for batch in bench.sink.batches)
        assert bench.telemetry["otelcol_processor_batch_metadata_cardinality"].total == 2


async def test_missing_and_empty_metadata_are_not_the_same():
    async with Bench(metadata_keys=["x-tenant"], send_batch_size=2) as bench:
        await bench.consume(spans(1))
        await bench.consume(spans(1, 1, tenant("")))
        await settle()
        assert bench.sink.batches == []
    assert sorted(names([batch]) for batch in bench.sink.batches) == [[0], [1]]


async def test_without_keys_nothing_of_the_client_is_left():
    async with Bench(send_batch_size=1) as bench:
        await bench.consume(spans(1, 0, tenant("a")))
        await bench.sink.wait_for(1)
        assert bench.sink.batches[0].client == NO_CLIENT


async def test_too_many_combinations_are_refused():
    async with Bench(metadata_keys=["x-tenant"], metadata_cardinality_limit=2, send_batch_size=1) as bench:
        for name in ("a", "b"):
            await bench.consume(spans(1, 0, tenant(name)))
        with pytest.raises(PermanentError, match="too many combinations of metadata values"):
            await bench.consume(spans(1, 0, tenant("c")))
        await bench.consume(spans(1, 0, tenant("a")))
        assert bench.telemetry[DROPPED].total == 0
        assert bench.telemetry["otelcol_processor_batch_refused_items"].values == {
            (("reason", "metadata_cardinality"),): 1
        }


async def test_shutdown_sends_what_was_gathered():
    bench = Bench()
    await bench.consume(spans(3))
    await bench.processor.shutdown()
    assert names(bench.sink.batches) == [0, 1, 2]
    with pytest.raises(RetryableError, match="stopping"):
        await bench.consume(spans(1))
    await bench.processor.shutdown()


async def test_shutdown_does_not_wait_for_a_pause():
    bench = Bench(Flaky(RetryableError("full", retry_after=60)), send_batch_size=2)
    await bench.consume(spans(2))
    await bench.clock.wait_for_sleepers()
    await bench.processor.shutdown()
    assert names(bench.sink.batches) == [0, 1]


async def test_shutdown_offers_again_what_is_refused_for_now():
    """A queue that is full while it drains costs no data."""
    bench = Bench(Flaky(*[RetryableError("full")] * 4), send_batch_size=2)
    await bench.consume(spans(2))
    stopping = bench.senders.start("stopping", bench.processor.shutdown())
    while not stopping.done():
        await bench.clock.advance(0.1)
    assert names(bench.sink.batches) == [0, 1]
    assert bench.telemetry[DROPPED].total == 0


async def test_shutdown_gives_up_in_the_end_and_counts_what_is_lost():
    bench = Bench(Sink(RetryableError("full")), send_batch_size=2)
    await bench.consume(spans(2))
    began = bench.clock.monotonic()
    stopping = bench.senders.start("stopping", bench.processor.shutdown())
    while not stopping.done():
        await bench.clock.advance(0.1)
    assert bench.telemetry[DROPPED].values == {(("reason", "shutdown"),): 2}
    assert 5.0 <= bench.clock.monotonic() - began < 6.0


async def test_a_batch_that_the_next_takes_over_can_still_be_measured():
    """An open batch goes through, although nothing is left of it in the hands of this processor."""

    class Taking(Sink):
        async def consume(self, batch):
            await super().consume(Batch.of_opened(batch.open()))

    async with Bench(Taking(), timeout=0) as bench:
        await bench.consume(Batch.of_opened(spans(3).open()))
        assert names(bench.sink.batches) == [0, 1, 2]
        assert bench.telemetry[SENT].observations[()] == [3]


@pytest.mark.parametrize(
    ("errors", "arrived", "told", "rejected"),
    [
        ([PartialError("one", rejected=1)], [2, 3, 4], PartialError, 1),
        ([PartialError("one", rejected=1), PartialError("all", rejected=9)], [4], PartialError, 3),
        ([PermanentError("never")], [2, 3, 4], PartialError, 2),
        ([PermanentError("never")] * 3, [], PermanentError, None),
        ([RetryableError("later")], [], RetryableError, None),
    ],
)
async def test_every_part_of_a_batch_that_is_cut_gets_its_chance(errors, arrived, told, rejected):
    async with Bench(Flaky(*errors), timeout=0, send_batch_size=2, send_batch_max_size=2) as bench:
        with pytest.raises(told) as caught:
            await bench.consume(spans(5))
        assert names(bench.sink.batches) == arrived
        assert getattr(caught.value, "rejected", None) == rejected


async def test_shutdown_refuses_senders_that_wait():
    blocking = Blocking(Sink())
    bench = Bench(blocking, send_batch_size=1)
    for _ in range(3):
        await bench.consume(spans(1))
        await blocking.entered.wait()
    waiting = bench.senders.start("waiting", bench.consume(spans(1)))
    await settle()
    stopping = bench.senders.start("stopping", bench.processor.shutdown())
    with pytest.raises(RetryableError, match="stopping"):
        await waiting
    blocking.released.set()
    await stopping


async def test_a_shutdown_that_is_cut_short_counts_what_is_left_and_leaves_no_task():
    blocking = Blocking(Sink())
    bench = Bench(blocking, send_batch_size=2)
    await bench.consume(spans(2))
    await blocking.entered.wait()
    await bench.consume(spans(1, 2))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await bench.processor.shutdown()
    assert bench.telemetry[DROPPED].values == {(("reason", "shutdown"),): 3}
    assert len(bench.processor._tasks) == 0


async def test_shutdown_without_start():
    await Bench().processor.shutdown()


async def test_metrics_are_counted_by_their_points():
    request = REQUESTS[Signal.METRICS]()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
    for number in range(5):
        metric.gauge.data_points.add(as_int=number)
    async with Bench(send_batch_size=2, send_batch_max_size=2) as bench:
        await bench.consume(Batch(Signal.METRICS, request.SerializeToString()))
        await bench.sink.wait_for(4)
    assert [batch.count for batch in bench.sink.batches] == [2, 2, 1]


async def test_an_empty_batch_is_nothing():
    async with Bench(send_batch_size=0) as bench:
        await bench.consume(Batch(Signal.TRACES, b""))
        assert bench.sink.batches == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": "-1s"}, "timeout must be greater or equal to 0"),
        ({"send_batch_size": 10, "send_batch_max_size": 9}, "send_batch_max_size must be greater or equal to"),
        ({"send_batch_max_size": 100}, "send_batch_max_size must be greater or equal to"),
        ({"metadata_keys": ["a", "A"]}, "duplicate entry in metadata_keys"),
        ({"send_batch_size": -1}, "send_batch_size"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValidationError, match=message):
        Config.model_validate(options)


def test_defaults():
    config = Config()
    assert (8192, 0.2, 0) == (config.send_batch_size, config.timeout, config.send_batch_max_size)
    assert ([], 1000) == (config.metadata_keys, config.metadata_cardinality_limit)
