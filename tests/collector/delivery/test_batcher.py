import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.data import Batch, Client, Signal
from collector.data.messages import REQUESTS
from collector.delivery import BatchConfig
from collector.delivery.batcher import Batcher, Singly, cut
from collector.delivery.queue import Entry


@pytest.fixture
def entry(make_batch):
    return lambda *arguments, **details: Entry(make_batch(*arguments, **details), 1)


def batcher(sizer="items", **options):
    return Batcher(BatchConfig.model_validate({"flush_timeout": "1s", **options}), sizer)


def popped(packer, now=0.0, *, everything=False):
    """Return all shipments that are ready."""
    shipments = []
    while (shipment := packer.pop(now, everything=everything)) is not None:
        shipments.append(shipment)
    return shipments


def test_singly_sends_every_entry_as_it_is(entry):
    """Without batching there is one shipment for each entry, at once."""
    packer, first, second = Singly(), entry(), entry()
    packer.add(first, 0.0)
    packer.add(second, 0.0)

    assert [(first.batch, (first,)), (second.batch, (second,))] == [(s.batch, s.entries) for s in popped(packer)]
    assert packer.due() is None


def test_merges_until_min_size(entry, names):
    """Entries wait until they are enough together."""
    packer, first, second = batcher(min_size=5), entry(2, "a"), entry(3, "b")
    packer.add(first, 0.0)
    assert [] == popped(packer)
    packer.add(second, 0.0)

    [shipment] = popped(packer)
    assert ["a-0", "a-1", "b-0", "b-1", "b-2"] == names([shipment.batch])
    assert (first, second) == shipment.entries
    assert 5 == shipment.batch.count


def test_an_entry_alone_keeps_its_bytes_and_client(make_batch):
    """What is not merged is not touched."""
    batch = make_batch(5, client=Client("10.0.0.1"))
    packer = batcher(min_size=5)
    packer.add(Entry(batch, 1), 0.0)

    assert batch is popped(packer)[0].batch


def test_small_groups_are_due_after_the_timeout(entry):
    """Time runs from the first entry of a group."""
    packer = batcher(min_size=100)
    packer.add(entry(1), 10.0)
    packer.add(entry(1), 10.9)

    assert 11.0 == packer.due()
    assert [] == popped(packer, 10.9)
    assert [2] == [shipment.batch.count for shipment in popped(packer, 11.0)]
    assert packer.due() is None


def test_everything_is_sent_at_the_end(entry):
    """Asked for everything, a small group is sent before it is due."""
    packer = batcher(min_size=100)
    packer.add(entry(1), 10.0)

    assert [1] == [shipment.batch.count for shipment in popped(packer, 10.0, everything=True)]


def test_large_batches_are_cut_and_the_rest_waits(entry, names):
    """Pieces have max_size; what is left and small begins the next batch, with its entry settled by both parts."""
    packer, large, small = batcher(min_size=4, max_size=4), entry(6, "a"), entry(2, "b")
    packer.add(large, 0.0)
    [first] = popped(packer)
    assert (4, (large,), 2) == (first.batch.count, first.entries, large.parts)
    packer.add(small, 0.5)
    [second] = popped(packer)

    assert ["a-4", "a-5", "b-0", "b-1"] == names([second.batch])
    assert (large, small) == second.entries
    assert [False, True, True] == [large.settle(None), large.settle(None), small.settle(None)]


def test_bytes_bound_batches(entry):
    """With the sizer bytes, no batch of more than one item is larger than max_size."""
    packer = batcher("bytes", min_size=0, max_size=100)
    packer.add(entry(50, "a-rather-long-name"), 0.0)

    shipments = popped(packer, everything=True)
    assert 50 == sum(shipment.batch.count for shipment in shipments)
    assert all(len(shipment.batch.payload) <= 100 for shipment in shipments)


def test_an_item_is_never_cut(make_batch):
    """One that is larger than max_size is sent as it is."""
    batch = make_batch(1, "x" * 200)

    assert [batch] == cut(batch, 100, lambda piece: len(piece.payload))


def test_clients_are_kept_apart(entry):
    """With metadata_keys only entries that agree in them meet, and the batch keeps these, but nothing else."""
    packer = batcher(min_size=100, partition={"metadata_keys": ["Tenant"]})
    one = {"tenant": ("one",), "other": ("x",)}
    for address, metadata in (("a", one), ("b", {"tenant": ("two",)}), ("c", one), ("d", {})):
        packer.add(entry(1, client=Client(address, metadata=metadata)), 0.0)

    first, *others = popped(packer, everything=True)
    assert (2, Client(metadata={"tenant": ("one",)})) == (first.batch.count, first.batch.client)
    assert [1, 1] == [shipment.batch.count for shipment in others]


def test_signals_are_kept_apart():
    """Batches of two signals never meet."""
    packer = batcher(min_size=100)
    for signal in (Signal.TRACES, Signal.LOGS):
        packer.add(Entry(Batch(signal, b"\x0a\x00"), 1), 0.0)

    assert [Signal.TRACES, Signal.LOGS] == [shipment.batch.signal for shipment in popped(packer, everything=True)]


def test_an_empty_batch_is_settled_too():
    """A batch without items has a part in the shipment that it is merged into."""
    packer = batcher(min_size=1, max_size=1)
    request = REQUESTS[Signal.TRACES]()
    request.resource_spans.add().scope_spans.add().spans.add(name="one")
    empty, full = Entry(Batch(Signal.TRACES, b""), 1), Entry(Batch(Signal.TRACES, request.SerializeToString() * 2), 1)
    packer.add(empty, 0.0)
    packer.add(full, 0.0)

    shipments = popped(packer, everything=True)
    assert [(empty, full), (full,)] == [shipment.entries for shipment in shipments]


@given(
    counts=st.lists(st.integers(0, 7), min_size=1, max_size=12),
    min_size=st.integers(0, 9),
    spare=st.integers(0, 9),
    unlimited=st.booleans(),
)
def test_nothing_is_lost_doubled_or_left_unsettled(counts, min_size, spare, unlimited):
    """Whatever the sizes, every item comes out once and in order, and every entry is settled exactly when all is."""
    packer = batcher(min_size=min_size, max_size=0 if unlimited else max(min_size + spare, 1))
    entries, sent, number = [], [], 0
    for count in counts:
        request = REQUESTS[Signal.TRACES]()
        spans = request.resource_spans.add().scope_spans.add().spans
        for _ in range(count):
            spans.add(name=str(number))
            number += 1
        entries.append(Entry(Batch(Signal.TRACES, request.SerializeToString()), 1))
        packer.add(entries[-1], 0.0)
    shipments = popped(packer, everything=True)
    for shipment in shipments:
        request = REQUESTS[Signal.TRACES].FromString(shipment.batch.payload)
        sent += [
            span.name for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans
        ]
    settled = [entry for shipment in shipments for entry in shipment.entries if entry.settle(None)]

    assert [str(name) for name in range(number)] == sent
    assert entries == settled
