"""Views and edits against the full decode, on requests as odd as protobuf allows."""

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from collector.data import Batch, OpenBatch, Signal, set_attribute
from collector.data.messages import ITEMS, REQUESTS, InstrumentationScope, Resource, Span
from collector.data.shell import RequestShell
from collector.testing.decoded import canonical, decoded, items, items_of, resources_of, scopes_of, without_empty
from collector.testing.strategies import requests

signals = st.sampled_from(Signal)
batches = signals.flatmap(lambda signal: requests(signal).map(lambda payload: Batch(signal, payload)))


def edit(signal, item):
    """Change an item of any signal."""
    if signal is Signal.LOGS:
        item.severity_text = "edited"
    else:
        item.name = "edited"


@given(batches)
def test_a_batch_that_was_only_read_leaves_as_the_bytes_that_came_in(batch):
    opened = batch.open()
    for resource, scope in opened.scopes():
        assert resource.resource is resource.resource
        assert isinstance(scope.scope, InstrumentationScope)
        for index in range(len(scope)):
            scope.message(index)
    assert batch.payload is Batch.of_opened(opened).payload


@given(batches)
def test_views_read_what_a_full_decode_reads(batch):
    opened, request = batch.open(), decoded(batch)
    resources = resources_of(batch.signal, request)
    read = [resource.resource for resource in opened.resources]
    assert [canonical(resource.resource) for resource in resources] == [canonical(resource) for resource in read]
    scopes = [scope for resource in resources for scope in scopes_of(batch.signal, resource)]
    assert [canonical(scope.scope) for scope in scopes] == [canonical(scope.scope) for _, scope in opened.scopes()]
    read = [scope.message(index) for _, scope in opened.scopes() for index in range(len(scope))]
    assert [canonical(item) for item in items(batch)] == [canonical(item) for item in read]


@given(batches, st.data())
def test_an_edit_gives_what_decoding_editing_and_encoding_everything_gives(batch, data):
    signal, opened, request = batch.signal, batch.open(), decoded(batch)
    changed = False
    for resource, full_resource in zip(opened.resources, resources_of(signal, request), strict=True):
        if data.draw(st.booleans(), "edit resource"):
            for attributes in (resource.resource.attributes, full_resource.resource.attributes):
                set_attribute(attributes, "edited", True)
            resource.touch()
            changed = True
        for scope, full_scope in zip(resource.scopes, scopes_of(signal, full_resource), strict=True):
            if data.draw(st.booleans(), "edit scope"):
                read = scope.scope
                read.name = full_scope.scope.name = "edited"
                scope.set_scope(read)
                changed = True
            for index, full_item in enumerate(items_of(signal, full_scope)):
                if data.draw(st.booleans(), "edit item"):
                    edit(signal, scope.message(index))
                    edit(signal, full_item)
                    scope.touch(index)
                    changed = True
    if changed:
        without_empty(signal, request)
    assert canonical(request) == canonical(decoded(Batch.of_opened(opened)))


@given(batches, st.data())
def test_items_that_were_not_edited_keep_their_bytes(batch, data):
    opened, expected = batch.open(), []
    actions = st.sampled_from(["leave", "drop", "edit", "replace", "edit and replace"])
    for _, scope in opened.scopes():
        drawn = data.draw(st.lists(actions, min_size=len(scope), max_size=len(scope)))
        for index, action in enumerate(drawn):
            if "edit" in action:
                edit(batch.signal, scope.message(index))
                scope.touch(index)
                assert scope.originals[index] is None
            if "replace" in action:
                scope.replace(index, b"")
                assert ITEMS[batch.signal]() == scope.message(index)
            if action != "drop":
                expected.append(scope.raw(index))
        assert drawn.count("drop") == scope.keep(lambda index, drawn=drawn: drawn[index] != "drop")
    request = RequestShell.FromString(Batch.of_opened(opened).payload)
    assert expected == [item for resource in request.resources for scope in resource.scopes for item in scope.items]


def test_all_items_may_be_replaced_at_once():
    opened = OpenBatch(Signal.TRACES, request_of(Span(name="first"), Span(name="second")))
    (_, scope), *_ = opened.scopes()
    scope.message(0)
    scope.replace_all([*scope.raws(), Span(name="third").SerializeToString()])
    assert "third" == scope.message(2).name
    assert ["first", "second", "third"] == [span.name for span in items(Batch.of_opened(opened))]


def test_the_bytes_of_a_resource_may_be_replaced():
    opened = OpenBatch(Signal.TRACES, request_of(Span()))
    (resource,) = opened.resources
    set_attribute(resource.resource.attributes, "old", True)
    resource.touch()
    resource.replace(attributed := Resource(dropped_attributes_count=1).SerializeToString())
    assert (attributed, 1) == (resource.raw, resource.resource.dropped_attributes_count)
    (written,) = decoded(Batch.of_opened(opened)).resource_spans
    assert 1 == written.resource.dropped_attributes_count


@given(batches, st.data())
def test_dropping_gives_what_deleting_from_a_full_decode_gives(batch, data):
    signal, opened, request = batch.signal, batch.open(), decoded(batch)
    dropped = 0
    full_scopes = [scope for resource in resources_of(signal, request) for scope in scopes_of(signal, resource)]
    for (_, scope), full_scope in zip(opened.scopes(), full_scopes, strict=True):
        wanted = data.draw(st.lists(st.booleans(), min_size=len(scope), max_size=len(scope)))
        dropped += scope.keep(wanted.__getitem__)
        for index in reversed(range(len(wanted))):
            if not wanted[index]:
                del items_of(signal, full_scope)[index]
    if dropped:
        without_empty(signal, request)
    assert canonical(request) == canonical(decoded(Batch.of_opened(opened)))


def test_an_edit_survives_a_drop_of_items_before_it():
    payload = request_of(Span(name="first"), Span(name="second"))
    opened = OpenBatch(Signal.TRACES, payload)
    (_, scope), *_ = opened.scopes()
    scope.message(1).name = "edited"
    scope.touch(1)
    scope.keep(lambda index: index == 1)
    assert ["edited"] == [span.name for span in items(Batch.of_opened(opened))]


def test_touching_an_item_that_nobody_decoded_changes_nothing():
    payload = request_of(Span(name="first"), Span(name="second"))
    opened = OpenBatch(Signal.TRACES, payload)
    (_, scope), *_ = opened.scopes()
    scope.touch(0)
    scope.message(0)
    scope.touch(1)
    assert payload is opened.encode()


def test_clearing_every_scope_leaves_an_empty_request(signal):
    request = REQUESTS[signal]()
    scopes_of(signal, resources_of(signal, request).add()).add()
    items_of(signal, scopes_of(signal, resources_of(signal, request)[0])[0]).add()
    opened = OpenBatch(signal, request.SerializeToString())
    for _, scope in opened.scopes():
        scope.clear()
    assert (0, 0, b"") == (len(opened), opened.count(), opened.encode())


def test_the_resource_bytes_show_an_edit():
    opened = OpenBatch(Signal.TRACES, request_of(Span()))
    (resource,) = opened.resources
    assert b"" == resource.raw
    set_attribute(resource.resource.attributes, "key", "value")
    resource.touch()
    assert resource.resource.SerializeToString() == resource.raw


def test_bytes_that_are_no_request_are_refused():
    with pytest.raises(DecodeError):
        OpenBatch(Signal.TRACES, b"\x0a\xff")


def request_of(*spans):
    request = REQUESTS[Signal.TRACES]()
    request.resource_spans.add().scope_spans.add().spans.extend(spans)
    return request.SerializeToString()
