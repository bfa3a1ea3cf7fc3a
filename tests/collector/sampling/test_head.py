"""The engine that decides at once: what becomes of a batch, and how a decider is asked."""

import pytest

from collector.api import RetryableError
from collector.data import Batch, Client, Signal, merge
from collector.sampling.config import TailConfig
from collector.sampling.decision import Decision
from collector.sampling.head import HeadProcessor
from collector.testing import Sink
from collector.testing.samples import items_of, sample_batch

KEEP, DROP = Decision(True, "odd", "rule"), Decision(False, "even")


class Odd:
    """Keeps the traces with odd numbers."""

    def decide(self, trace):
        return KEEP if trace.trace_id[-1] % 2 else DROP


class Together(Odd):
    """Does it for all of a batch in one go."""

    def __init__(self):
        self.asked = []

    def decide_all(self, traces):
        self.asked.append(len(traces))
        return [self.decide(trace) for trace in traces]


def traces(count):
    """Return a batch of traces numbered from 1, of three spans and a resource each."""
    return merge([sample_batch(Signal.TRACES, number=number) for number in range(count)], Client("here"))


def kept(sink):
    return [(span.trace_id[-1], span.span_id[-1]) for batch in sink.batches for span in items_of(batch)]


@pytest.mark.parametrize("decider", [Odd(), Together()])
async def test_what_is_kept_goes_on(decider):
    """As one batch of the same client, each span under its resource."""
    sink = Sink()
    await HeadProcessor(TailConfig(), sink, decider).consume(traces(4))
    assert [(1, 1), (1, 2), (1, 3), (3, 1), (3, 2), (3, 3)] == kept(sink)
    (batch,) = sink.batches
    assert (Client("here"), 6) == (batch.client, batch.count)
    resources = [resource.resource.attributes[1].value.string_value for resource in batch.open().resources]
    assert ["shop-0", "shop-2"] == resources
    assert {"odd"} == {span.attributes[1].value.string_value for span in items_of(batch)}


async def test_a_decider_that_decides_together_is_asked_once():
    decider = Together()
    await HeadProcessor(TailConfig(), Sink(), decider).consume(traces(4))
    assert [4] == decider.asked


async def test_nothing_goes_on_where_nothing_is_kept():
    sink = Sink()
    batch = sample_batch(Signal.TRACES, number=1)
    await HeadProcessor(TailConfig(), sink, Odd()).consume(batch)
    await HeadProcessor(TailConfig(), sink, Odd()).consume(Batch(Signal.TRACES, b""))
    assert [] == sink.batches


async def test_a_dry_run_keeps_everything():
    sink = Sink()
    await HeadProcessor(TailConfig(dry_run=True), sink, Odd()).consume(traces(2))
    assert 6 == sink.count


async def test_the_sender_is_told_what_went_wrong():
    with pytest.raises(RetryableError):
        await HeadProcessor(TailConfig(), Sink(RetryableError("not now")), Odd()).consume(traces(1))
