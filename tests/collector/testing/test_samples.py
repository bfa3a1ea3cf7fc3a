import pytest

from collector.data import Signal
from collector.data.messages import Span
from collector.testing import items_of, make_batch, sample_batch


@pytest.mark.parametrize("signal", Signal)
def test_a_sample_has_as_many_items_as_asked_for(signal):
    batch = sample_batch(signal, 5)
    assert (signal, 5, 5) == (batch.signal, batch.count, len(items_of(batch)))


def test_samples_are_told_apart_by_their_number():
    traces = {span.trace_id for number in range(3) for span in items_of(sample_batch(Signal.TRACES, 2, number))}
    assert 3 == len(traces)


def test_a_batch_holds_what_it_is_made_of():
    batch = make_batch(Signal.TRACES, [Span(name="a"), Span(name="b")], {"service.name": "shop"})
    assert ["a", "b"] == [span.name for span in items_of(batch)]
    assert "shop" == batch.open().resources[0].resource.attributes[0].value.string_value
