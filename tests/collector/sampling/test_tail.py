"""Samplers that wait for whole traces: what they hold, when they decide, and what becomes of every span."""

import asyncio
import gc

import pytest
from structlog.testing import capture_logs

from collector.api import PartialError, PermanentError, RetryableError
from collector.data import Batch, Signal, get_attribute
from collector.data.messages import REQUESTS
from collector.sampling.decision import Decision
from collector.sampling.trace import Trace
from collector.testing import Blocking, Sink, items_of, settle
from collector.testing.traces import make_span, numbers_of

KEEP = Decision(True, "wanted", "the rule", threshold=0)
DROP = Decision(False, "unwanted")
FORBIDDEN = Decision(False, "unwanted", dropped=True)


def even(number: int) -> Decision:
    return DROP if number % 2 else KEEP


# --- waiting ---------------------------------------------------------------------------------------------------------


async def test_a_trace_is_decided_about_once_its_time_is_up(make):
    bench = await make(even)
    await bench.consume(make_span(2, 1), make_span(3, 1))
    await bench.advance(5)
    await bench.consume(make_span(2, 2), make_span(3, 2), service="bank")
    await bench.advance(4)
    assert {} == bench.judge.sizes

    await bench.advance(1)

    assert {2: [2], 3: [2]} == bench.judge.sizes
    assert [(2, 1), (2, 2)] == bench.kept
    assert 2 == bench.count("spans_kept", reason="decided")
    assert 2 == bench.count("spans_dropped", reason="decided")
    assert [10.0] == bench.telemetry["otelcol_processor_tail_sampling_sampling_trace_removal_age"].observations[()]
    bench.assert_adds_up()


async def test_traces_that_are_due_together_leave_in_one_batch_with_their_own_resources(make):
    bench = await make()
    await bench.consume(make_span(1, 1), make_span(2, 1), service="shop")
    await bench.consume(make_span(1, 2), make_span(2, 2), service="bank")
    await bench.advance(10)

    (batch,) = bench.sink.batches
    services = {
        resource.resource.attributes[0].value.string_value: [span.span_id[-1] for span in scope.spans]
        for resource in REQUESTS[Signal.TRACES].FromString(batch.payload).resource_spans
        for scope in resource.scope_spans
    }
    assert {"shop": [1, 1], "bank": [2, 2]} == services
    assert 4 == batch.count


async def test_a_root_makes_its_trace_due_sooner(make):
    bench = await make(decision_wait_after_root_received="2s")
    await bench.consume(make_span(1, 1), make_span(2, 1))
    await bench.advance(3)
    await bench.consume(make_span(1, 2, parent_span_id=b""))
    await bench.advance(2)
    assert {1: [2]} == bench.judge.sizes

    await bench.advance(5)
    assert {1: [2], 2: [1]} == bench.judge.sizes


async def test_a_root_does_not_put_off_a_trace_that_is_due_before(make):
    bench = await make(decision_wait_after_root_received="5s")
    await bench.consume(make_span(1, 1))
    await bench.advance(8)
    await bench.consume(make_span(1, 2, parent_span_id=b"", trace_state="a=b"))
    await bench.advance(2)
    assert {1: [2]} == bench.judge.sizes


async def test_without_a_wait_a_trace_is_decided_about_at_the_next_tick(make):
    bench = await make(decision_wait="0s")
    await bench.consume(make_span(1, 1))
    await bench.advance(1)
    assert [(1, 1)] == bench.kept


# --- late spans ------------------------------------------------------------------------------------------------------


async def test_late_spans_follow_the_decision_about_their_trace(make):
    bench = await make(even, explain=True)
    await bench.consume(make_span(2, 1), make_span(3, 1))
    await bench.advance(10)
    await bench.consume(make_span(2, 2), make_span(3, 2), make_span(4, 1))
    await bench.advance(3)

    assert {2: [1], 3: [1]} == bench.judge.sizes
    assert [(2, 1), (2, 2)] == bench.kept
    spans = [span for batch in bench.sink.batches for span in items_of(batch)]
    assert ["wanted", "wanted"] == [get_attribute(span.attributes, "sampling.policy") for span in spans]
    assert ["ot=th:0", "ot=th:0"] == [span.trace_state for span in spans]
    assert 1 == bench.count("spans_kept", reason="late")
    assert 1 == bench.count("spans_dropped", reason="late")
    assert 1 == bench.count("early_releases_from_cache_decision", sampled="true")
    assert 1 == bench.count("early_releases_from_cache_decision", sampled="false")
    assert [0.0, 0.0] == bench.telemetry["otelcol_processor_tail_sampling_sampling_late_span_age"].observations[()]
    bench.assert_adds_up()


async def test_without_caches_what_comes_late_is_a_trace_of_its_own(make):
    bench = await make(decision_cache={"sampled_cache_size": 0, "non_sampled_cache_size": 0})
    await bench.consume(make_span(1, 1))
    await bench.advance(10)
    await bench.consume(make_span(1, 2))
    await bench.advance(10)
    assert {1: [1, 1]} == bench.judge.sizes
    assert [(1, 1), (1, 2)] == bench.kept


async def test_decisions_that_are_forgotten_are_counted(make):
    bench = await make(decision_cache={"sampled_cache_size": 2, "non_sampled_cache_size": 0})
    for number in range(1, 5):
        await bench.consume(make_span(number))
        await bench.advance(1)
    await bench.advance(11)
    assert 2 == bench.count("decisions_forgotten")


# --- limits ----------------------------------------------------------------------------------------------------------


async def test_beyond_num_traces_the_oldest_are_decided_about_early(make):
    bench = await make(num_traces=2)
    for number in range(1, 4):
        await bench.consume(make_span(number, 1), make_span(number, 2))
        await bench.advance(1)
    assert {1: [2]} == bench.judge.sizes
    assert 1 == bench.count("early_decisions", cause="num_traces")
    assert 1 == bench.count("sampling_trace_dropped_too_early")

    await bench.consume(make_span(1, 3))
    await bench.advance(20)

    assert {1: [2], 2: [2], 3: [2]} == bench.judge.sizes
    assert 3 == bench.count("spans_kept", reason="late") + bench.count("spans_kept", reason="early")
    assert 7 == len(bench.kept)
    bench.assert_adds_up()


async def test_the_memory_of_waiting_spans_stays_below_its_cap(make):
    bench = await make(max_buffered_mib=1)
    for number in range(1, 201):
        await bench.consume(make_span(number, name="x" * 10_000))
        assert bench.sampler._buffer.size <= 1 << 20
    assert bench.count("early_decisions", cause="max_buffered_mib") > 90
    await bench.advance(10)
    assert 200 == len(bench.kept)
    bench.assert_adds_up()


@pytest.mark.parametrize("limit", [{"num_traces": 2}, {"max_trace_spans": 2}])
async def test_an_early_decision_is_told_once(make, limit):
    """By the limit, with what to do."""
    bench = await make(**limit)
    with capture_logs() as log:
        for number in range(1, 7):
            await bench.consume(make_span(number, 1), make_span(number, 2), make_span(number, 3))
    [line] = [line for line in log if line["event"] == "traces are decided about before their time"]
    assert [line["reason"]] == list(limit)
    assert line["advice"]


async def test_a_trace_of_too_many_spans_is_decided_about_at_once(make):
    bench = await make(even, max_trace_spans=3)
    for number in range(1, 7):
        await bench.consume(
            make_span(2, number), make_span(3, number), make_span(4, 9) if number == 1 else make_span(2, 99)
        )
    assert {2: [5], 3: [4]} == bench.judge.sizes
    assert 2 == bench.count("early_decisions", cause="max_trace_spans")
    assert 0 == bench.count("sampling_trace_dropped_too_early")
    await bench.advance(10)
    assert {2: [5], 3: [4], 4: [1]} == bench.judge.sizes
    bench.assert_adds_up()


async def test_a_trace_of_too_many_bytes_is_decided_about_at_once(make):
    bench = await make(max_trace_mib=1)
    for number in range(1, 6):
        await bench.consume(make_span(1, number, name="x" * 300_000), make_span(2, number))
    assert {1: [4]} == bench.judge.sizes
    assert 1 == bench.count("early_decisions", cause="max_trace_mib")
    await bench.advance(10)
    assert 10 == len(bench.kept)


async def test_spans_written_in_another_order_count_for_the_limit_of_their_trace(make):
    bench = await make(max_trace_spans=2)
    for number in range(1, 5):
        await bench.sampler.consume(_turned_around(make_span(1, number)))
    assert {1: [3]} == bench.judge.sizes


async def test_where_senders_block_no_trace_is_decided_about_early(make):
    bench = await make(num_traces=1, block_on_overflow=True)
    await bench.consume(make_span(1), make_span(2))
    waiting = bench.send(make_span(3))
    await bench.advance(9)
    assert not waiting.done()
    assert {} == bench.judge.sizes

    await bench.advance(1)
    await waiting

    assert {1: [1], 2: [1]} == bench.judge.sizes


# --- spans that are unlike others ------------------------------------------------------------------------------------


def _turned_around(*spans) -> Batch:
    """Return a batch of spans that do not begin with their trace id."""
    request = REQUESTS[Signal.TRACES]()
    scope = request.resource_spans.add().scope_spans.add().SerializeToString()
    for span in spans:
        trace_id, span.trace_id = span.trace_id, b""
        raw = span.SerializeToString() + type(span)(trace_id=trace_id).SerializeToString()
        scope += b"\x12" + bytes([len(raw)]) + raw
    return Batch(Signal.TRACES, b"\x0a" + bytes([len(scope) + 2]) + b"\x12" + bytes([len(scope)]) + scope)


async def test_spans_written_in_another_order_belong_to_their_traces(make):
    bench = await make()
    await bench.consume(make_span(1, 1))
    await bench.sampler.consume(_turned_around(make_span(1, 2)))
    await bench.sampler.consume(_turned_around(make_span(2, 1)))
    await bench.consume(make_span(2, 2))
    await bench.advance(10)
    assert {1: [2], 2: [2]} == bench.judge.sizes
    assert [(1, 1), (1, 2), (2, 1), (2, 2)] == bench.kept

    await bench.sampler.consume(_turned_around(make_span(1, 3)))
    await bench.advance(1)
    assert 1 == bench.count("spans_kept", reason="late")
    bench.assert_adds_up()


@pytest.mark.parametrize("trace_id", [b"", bytes(16), b"short", b"too long for a trace id"])
async def test_spans_without_a_trace_are_decided_about_by_themselves(make, trace_id):
    bench = await make(even)
    for _ in range(2):
        await bench.consume(make_span(1, 1, trace_id=trace_id), make_span(1, 2, trace_id=trace_id))
    assert [1, 1, 1, 1] == next(iter(bench.judge.sizes.values()))
    assert 4 == bench.count("spans_without_trace_id")
    await bench.advance(1)
    assert 4 == bench.count("spans_kept", reason="no_trace_id") + bench.count("spans_dropped", reason="no_trace_id")
    bench.assert_adds_up()


async def test_a_batch_without_spans_is_nothing(make):
    bench = await make()
    await bench.consume()
    await bench.sampler.consume(Batch(Signal.TRACES, b""))
    assert 0 == bench.count("spans_received")


# --- what is told ----------------------------------------------------------------------------------------------------


async def test_traces_are_counted_by_policy_and_by_what_became_of_them(make):
    bench = await make({1: KEEP, 2: DROP, 3: FORBIDDEN}.__getitem__)
    await bench.consume(*(make_span(trace, number) for trace in (1, 2, 3) for number in (1, 2)))
    assert 3 == bench.count("new_trace_id_received")
    await bench.advance(10)
    for verdict, policy in (("sampled", "wanted"), ("not_sampled", "unwanted"), ("dropped", "unwanted")):
        sampled = "true" if verdict == "sampled" else "false"
        assert 1 == bench.count("count_traces_sampled", policy=policy, sampled=sampled, decision=verdict)
        assert 2 == bench.count("count_spans_sampled", policy=policy, sampled=sampled, decision=verdict)
        assert 1 == bench.count("global_count_traces_sampled", sampled=sampled, decision=verdict)


async def test_what_is_on_memory_is_shown(make):
    bench = await make()
    await bench.consume(make_span(1, 1), make_span(1, 2), make_span(2, 1))
    await bench.advance(1)
    assert 2 == bench.count("sampling_traces_on_memory")
    assert 3 == bench.count("spans_on_memory")
    assert bench.count("bytes_on_memory") > 3 * len(make_span(1).SerializeToString())
    await bench.advance(10)
    assert 0 == bench.count("sampling_traces_on_memory") + bench.count("spans_on_memory")


async def test_a_dry_run_keeps_everything_and_says_what_it_would_have_done(make):
    bench = await make(even, dry_run=True)
    await bench.consume(make_span(2, 1), make_span(3, 1))
    await bench.advance(10)
    await bench.consume(make_span(2, 2), make_span(3, 2))
    await bench.advance(1)
    marks = {
        (span.trace_id[-1], span.span_id[-1]): get_attribute(span.attributes, "sampling.dry_run")
        for batch in bench.sink.batches
        for span in items_of(batch)
    }
    assert {(2, 1): "keep", (3, 1): "drop", (2, 2): "keep", (3, 2): "drop"} == marks
    assert 1 == bench.count("global_count_traces_sampled", sampled="false")
    assert 1 == bench.count("spans_kept", reason="dry_run")
    bench.assert_adds_up()


async def test_a_trace_is_kept_whose_decision_fails(make):
    def decide(number: int) -> Decision:
        if number == 2:
            raise ZeroDivisionError
        return DROP

    bench = await make(decide)
    await bench.consume(make_span(1), make_span(2), make_span(3))
    await bench.advance(10)
    assert [(2, 1)] == bench.kept
    assert 1 == bench.count("sampling_policy_evaluation_error")


def live_traces():
    return [found for found in gc.get_objects() if isinstance(found, Trace)]


async def test_what_was_decided_about_goes_without_the_garbage_collector(make):
    bench = await make(even)
    await bench.consume(make_span(2), make_span(3), make_span(4))
    gc.collect()
    others = live_traces()  # of tests that ran before
    gc.disable()
    try:
        await bench.advance(10)
        await bench.consume(make_span(2, 2), make_span(3, 2))
        await bench.sampler.consume(_turned_around(make_span(5)))
        await bench.advance(10)
        assert len(others) == len(live_traces())
    finally:
        gc.enable()


class Arriving:
    """Decides as soon as the span with number 2 comes."""

    def __init__(self) -> None:
        self.flushed = 0

    def decide_arrived(self, trace, spans):
        return (KEEP if spans > 1 else DROP) if any(b"span 2" in raw for raw in trace.raws) else None

    def decide(self, trace):
        return DROP

    def flush(self) -> None:
        self.flushed += 1


async def test_a_decider_may_decide_when_spans_arrive(make):
    bench = await make(Arriving())
    await bench.consume(make_span(1, 1), make_span(2, 2), make_span(3, 1))
    await bench.consume(make_span(1, 2), make_span(2, 1))
    await bench.advance(1)
    assert [(1, 1), (1, 2)] == bench.kept
    assert 1 == bench.count("spans_dropped", reason="late")
    await bench.advance(9)
    assert 3 == bench.count("global_count_traces_sampled")
    assert bench.judge.flushed
    bench.assert_adds_up()


# --- the next component ----------------------------------------------------------------------------------------------


async def test_what_the_next_component_does_not_take_now_is_offered_again(make):
    bench = await make(sink=Sink(RetryableError("not now", reason="busy")))
    await bench.consume(make_span(1))
    await bench.advance(10)
    assert 1 == bench.held
    bench.sink.error = None
    await bench.advance(1)
    assert [(1, 1)] == bench.kept
    assert bench.count("send_retries", reason="busy")
    bench.assert_adds_up()


async def test_what_the_next_component_refuses_is_counted(make):
    bench = await make(sink=Sink(PermanentError("never", reason="refused")))
    await bench.consume(make_span(1, 1), make_span(1, 2))
    await bench.advance(10)
    assert 2 == bench.count("spans_dropped", reason="refused")
    bench.sink.error = PartialError("not this one", rejected=1, reason="invalid")
    await bench.consume(make_span(2, 1), make_span(2, 2))
    await bench.advance(10)
    assert 1 == bench.count("spans_dropped", reason="invalid")
    assert 1 == bench.count("spans_kept", reason="decided")
    bench.assert_adds_up()


async def test_a_part_that_is_refused_is_lost_once_whatever_its_spans_were_kept_for(make):
    bench = await make(sink=Sink(PartialError("not this one", rejected=1, reason="invalid")))
    await bench.consume(make_span(1, 1))
    await bench.advance(1)
    await bench.consume(make_span(2, 1))
    await bench.advance(9)
    await bench.consume(make_span(1, 2))
    await bench.advance(1)
    assert 2 == bench.count("spans_dropped", reason="invalid")
    assert 1 == bench.count("spans_kept")
    bench.assert_adds_up()


async def test_while_nothing_is_taken_senders_wait_and_memory_is_bounded(make):
    sink = Sink()
    blocking = Blocking(sink)
    bench = await make(sink=blocking, num_traces=1)
    senders = [
        bench.send(*(make_span(trace, number, name="x" * 400_000) for number in (1, 2, 3))) for trace in range(1, 21)
    ]
    await settle()
    waiting = [task for task in senders if not task.done()]
    assert 10 < len(waiting) < 20
    assert bench.sampler._buffer.size + bench.sampler._out.size < 12 << 20

    blocking.released.set()
    await asyncio.gather(*senders)
    await bench.sampler.shutdown()

    assert 60 == len(numbers_of(sink.batches))
    assert 60 == bench.count("spans_kept")


async def test_no_decision_is_made_while_what_was_kept_has_no_room(make):
    """The tick waits as senders do, and what comes meanwhile is held up to its cap."""
    blocking = Blocking(Sink())
    bench = await make(sink=blocking)
    for trace in range(1, 21):
        await bench.consume(*(make_span(trace, number, name="x" * 100_000) for number in range(1, 31)))
    await bench.advance(10)
    assert 0 < len(bench.judge.sizes) < 20
    blocking.released.set()
    await bench.advance(1)
    assert 20 == len(bench.judge.sizes)


# --- the end ---------------------------------------------------------------------------------------------------------


async def test_at_shutdown_pending_traces_are_decided_about(make):
    bench = await make(even)
    await bench.consume(make_span(2), make_span(3))
    await bench.sampler.shutdown()
    assert [(2, 1)] == bench.kept
    assert 0 == bench.held
    bench.assert_adds_up()
    with pytest.raises(RetryableError, match="stopping"):
        await bench.consume(make_span(4))


async def test_at_shutdown_pending_traces_may_be_dropped(make):
    bench = await make(drop_pending_traces_on_shutdown=True)
    await bench.consume(make_span(2, 1), make_span(2, 2))
    await bench.sampler.shutdown()
    assert [] == bench.kept
    assert 2 == bench.count("spans_dropped", reason="shutdown")


async def test_shutdown_ends_though_nothing_is_taken(make):
    bench = await make(sink=Sink(RetryableError("not now")))
    await bench.consume(make_span(1))
    stopping = bench.senders.start("stop", bench.sampler.shutdown())
    await settle()
    await bench.advance(6)
    await stopping
    assert 1 == bench.count("spans_dropped", reason="shutdown")
    bench.assert_adds_up()


async def test_shutdown_that_is_cut_short_counts_what_it_leaves(make):
    bench = await make(sink=Blocking(Sink()))
    await bench.consume(make_span(1))
    stopping = bench.senders.start("stop", bench.sampler.shutdown())
    await settle()
    stopping.cancel()
    await asyncio.wait((stopping,))
    assert 1 == bench.count("spans_dropped", reason="shutdown")
    assert 0 == bench.held


async def test_shutdown_wakes_senders_that_wait(make):
    bench = await make(num_traces=1, block_on_overflow=True)
    await bench.consume(make_span(1))
    waiting = bench.send(make_span(2))
    await settle()
    await bench.sampler.shutdown()
    with pytest.raises(RetryableError):
        await waiting


async def test_shutdown_twice_and_without_start():
    from collector.sampling.config import TailConfig
    from collector.sampling.tail import TailProcessor
    from collector.testing import make_settings

    sampler = TailProcessor(TailConfig(), make_settings("tail_sampling"), Sink(), Arriving())
    await sampler.shutdown()
    await sampler.shutdown()
