import pytest
from pydantic import ValidationError

from collector.data import Batch, Client, Signal, get_attribute
from collector.data.messages import REQUESTS, Span
from collector.testing import make_batch, make_settings, sample_batch
from collector.testing.conformance import check
from collector.testing.decoded import decoded
from processors import resource as module
from processors.resource import FACTORY, Config, ResourceProcessor

UPSERT = {"key": "cloud.zone", "action": "upsert", "value": "zone-1"}
DELETE = {"key": "host.name", "action": "delete"}


def processor(*actions):
    return ResourceProcessor(Config.model_validate({"attributes": list(actions)}), make_settings("resource"))


def attribute(batch, key):
    """Return a key of each resource of a batch of spans."""
    return [get_attribute(group.resource.attributes, key) for group in decoded(batch).resource_spans]


async def test_it_conforms():
    await check(FACTORY, {"attributes": [UPSERT, DELETE]})


@pytest.mark.parametrize("signal", Signal)
def test_the_resource_of_every_signal(signal):
    [changed] = processor(UPSERT)(sample_batch(signal)).open().resources
    assert get_attribute(changed.resource.attributes, "cloud.zone") == "zone-1"


def test_items_and_other_attributes_stay():
    batch = make_batch(Signal.TRACES, [Span(name="work")], {"host.name": "h", "service.name": "shop"})
    result = processor(UPSERT, DELETE)(batch)
    assert attribute(result, "host.name") == [None]
    assert attribute(result, "service.name") == ["shop"]
    assert [b"\x2a\x04work"] == [raw for _, scope in result.open().scopes() for raw in scope.raws()]


def test_a_group_without_a_resource_gets_one():
    request = REQUESTS[Signal.TRACES]()
    request.resource_spans.add().scope_spans.add().spans.add(name="work")
    assert attribute(processor(UPSERT)(Batch(Signal.TRACES, request.SerializeToString())), "cloud.zone") == ["zone-1"]


def test_a_batch_in_which_nothing_applies_leaves_as_it_came():
    batch = make_batch(Signal.TRACES, [Span(name="work")], {"service.name": "shop"})
    assert processor(DELETE)(batch).payload == batch.payload


def test_a_repeated_resource_is_edited_once(monkeypatch):
    process = processor(UPSERT)
    first = process(sample_batch(Signal.TRACES)).payload
    monkeypatch.setattr(module, "_edit", None)
    assert process(sample_batch(Signal.TRACES)).payload == first


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "_REMEMBERED", 2)
    process = processor(UPSERT)
    for host in ("a", "b", "c", "a"):
        assert attribute(process(make_batch(Signal.TRACES, [Span()], {"host": host})), "cloud.zone") == ["zone-1"]
        assert len(process._remembered) <= 2


def test_values_of_the_request_are_not_remembered():
    process = processor({"key": "tenant", "action": "upsert", "from_context": "metadata.tenant"})
    payload = make_batch(Signal.TRACES, [Span(name="work")]).payload
    for tenant in ("a", "b"):
        client = Client(metadata={"tenant": (tenant,)})
        assert attribute(process(Batch(Signal.TRACES, payload, client)), "tenant") == [tenant]


def test_a_resource_that_an_edit_before_has_open_is_edited_as_it_is_now():
    opened = make_batch(Signal.TRACES, [Span(name="work")], {"host.name": "h"}).open()
    [group] = opened.resources
    group.resource.attributes[0].value.string_value = "changed"
    group.touch()
    result = processor({"key": "copy", "action": "insert", "from_attribute": "host.name"})(Batch.of_opened(opened))
    assert attribute(result, "copy") == ["changed"]


@pytest.mark.parametrize("options", [{}, {"attributes": []}])
def test_something_must_be_done(options):
    with pytest.raises(ValidationError, match='missing required field "attributes"'):
        Config.model_validate(options)
