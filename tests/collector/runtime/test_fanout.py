"""Fan-out: sharing, concurrency, and one answer for many."""

import asyncio

import pytest

from collector.api import PartialError, PermanentError, RetryableError, StatusCode, TaskOwner
from collector.data import Batch, Client, Signal
from collector.data.messages import REQUESTS
from collector.runtime.fanout import FanOut, SignalRouter, admission, combine, fan_out
from collector.runtime.observers import ItemCounter, ReceiverObserver
from collector.testing import Blocking, RecordingTelemetry, Sink, make_settings


def batch_of(signal=Signal.TRACES):
    return Batch(signal, b"", Client(transport="grpc"))


def request():
    message = REQUESTS[Signal.TRACES]()
    message.resource_spans.add().scope_spans.add().spans.add(name="a")
    return message.SerializeToString()


def test_one_consumer_needs_no_fan_out():
    sink = Sink()
    assert sink is fan_out([sink])


async def test_every_consumer_gets_the_batch():
    sinks = [Sink(), Sink()]
    batch = batch_of()
    await fan_out(sinks).consume(batch)
    assert [[batch], [batch]] == [sink.batches for sink in sinks]


async def test_an_open_batch_is_closed_before_it_is_shared():
    """Two consumers that edit each open their own."""

    class Editor:
        async def consume(self, batch):
            opened = batch.open()
            [(_, scope)] = opened.scopes()
            scope.message(0).name += "!"
            scope.touch(0)
            self.payload = Batch.of_opened(opened).payload

    editors = [Editor(), Editor()]
    await FanOut(editors).consume(Batch.of_opened(Batch(Signal.TRACES, request()).open()))
    for editor in editors:
        [(_, scope)] = Batch(Signal.TRACES, editor.payload).open().scopes()
        assert "a!" == scope.message(0).name


async def test_a_slow_consumer_does_not_stall_another():
    """The fast one has the batch while the slow one waits; the call returns when both are done."""
    slow, fast = Blocking(Sink()), Sink()
    tasks = TaskOwner("test", make_settings("test").logger)
    call = tasks.start("call", FanOut([slow, fast]).consume(batch_of()))
    await fast.wait_until(lambda sink: bool(sink.batches))
    assert not call.done()
    slow.released.set()
    await call


async def test_cancelling_reaches_every_consumer():
    sinks = [Sink(), Sink()]
    blocked = [Blocking(sink) for sink in sinks]
    tasks = TaskOwner("test", make_settings("test").logger)
    tasks.start("call", FanOut(blocked).consume(batch_of()))
    for consumer in blocked:
        await consumer.entered.wait()
    await tasks.cancel()
    for consumer in blocked:
        consumer.released.set()
    await asyncio.sleep(0)
    assert [[], []] == [sink.batches for sink in sinks]


async def test_one_error_is_raised_as_it_is_and_the_other_consumer_has_the_batch():
    error, sink = RetryableError("full", reason="queue_full"), Sink()
    with pytest.raises(RetryableError) as raised:
        await FanOut([Sink(error), sink]).consume(batch_of())
    assert error is raised.value
    assert 1 == len(sink.batches)


async def test_several_errors_become_one():
    consumers = [Sink(PermanentError("no")), Sink(RetryableError("later"))]
    with pytest.raises(RetryableError, match="no; later") as raised:
        await FanOut(consumers).consume(batch_of())
    assert isinstance(raised.value.__cause__, BaseExceptionGroup)


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        (
            [PermanentError("a"), RetryableError("b", retry_after=1), RetryableError("c", retry_after=3)],
            RetryableError("a; b; c", retry_after=3),
        ),
        ([RetryableError("a"), RetryableError("a")], RetryableError("a")),
        (
            [PartialError("a", rejected=5), PermanentError("b", reason="bad", code=StatusCode.INVALID_ARGUMENT)],
            PermanentError("a; b", reason="bad", code=StatusCode.INVALID_ARGUMENT),
        ),
        ([PartialError("a", rejected=5), PartialError("b", rejected=7)], PartialError("a; b", rejected=7)),
        ([KeyError("x"), PartialError("b", rejected=7)], PermanentError("'x'; b")),
    ],
)
def test_what_the_sender_can_still_do_decides(errors, expected):
    """Retryable before permanent before partial; the longest delay and the largest part count."""
    combined = combine(errors)
    assert type(expected) is type(combined)
    assert str(expected) == str(combined)
    assert expected.reason == combined.reason
    assert expected.code == combined.code
    assert getattr(expected, "retry_after", None) == getattr(combined, "retry_after", None)
    assert getattr(expected, "rejected", None) == getattr(combined, "rejected", None)


async def test_the_router_goes_by_signal():
    traces, logs = Sink(), Sink()
    router = SignalRouter({Signal.TRACES: traces, Signal.LOGS: logs})
    await router.consume(batch_of(Signal.LOGS))
    assert ([], [Signal.LOGS]) == (traces.batches, [batch.signal for batch in logs.batches])
    with pytest.raises(PermanentError, match="no pipeline takes metrics") as raised:
        await router.consume(batch_of(Signal.METRICS))
    assert StatusCode.UNIMPLEMENTED == raised.value.code


class Guard(Sink):
    """Admits nothing."""

    def admit(self, signal):
        raise RetryableError(f"no {signal.value} now")


def test_the_question_of_admission_is_passed_on():
    """To every consumer that can answer, by signal; where none can, nobody is asked."""
    telemetry = RecordingTelemetry()
    router = SignalRouter({Signal.TRACES: FanOut([Sink(), Guard()]), Signal.LOGS: Sink()})
    observed = ReceiverObserver(telemetry, frozenset(Signal), ItemCounter(telemetry, "incoming", router))
    ask = admission(observed)
    with pytest.raises(RetryableError, match="no traces now"):
        ask(Signal.TRACES)
    ask(Signal.LOGS)
    ask(Signal.METRICS)


def test_where_nobody_says_no_nobody_is_asked():
    telemetry = RecordingTelemetry()
    router = SignalRouter({Signal.TRACES: FanOut([Sink(), Sink()]), Signal.LOGS: Sink()})
    observed = ReceiverObserver(telemetry, frozenset(Signal), ItemCounter(telemetry, "incoming", router))
    assert admission(observed) is None
