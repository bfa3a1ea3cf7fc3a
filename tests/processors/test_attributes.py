import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from collector.api import StartError
from collector.data import Batch, Client, Signal, get_attribute, set_attribute
from collector.data.messages import LogRecord, Metric, Span
from collector.testing import items_of, make_batch, make_settings
from collector.testing.conformance import check
from collector.testing.decoded import canonical, items
from collector.testing.strategies import requests
from processors.attributes import FACTORY, AttributesProcessor, Config

DELETE = {"key": "secret", "action": "delete"}
INSERT = {"key": "env", "action": "insert", "value": "prod"}


def processor(signal, *actions, **options):
    config = Config.model_validate({"actions": list(actions), **options})
    return AttributesProcessor(config, make_settings("attributes", signals=frozenset({signal})))


def span(name="work", **attributes):
    made = Span(name=name)
    for key, value in attributes.items():
        set_attribute(made.attributes, key, value)
    return made


def values(batch, key):
    return [get_attribute(item.attributes, key) for item in items(batch)]


async def test_it_conforms():
    await check(FACTORY, {"actions": [DELETE, INSERT]})


@pytest.mark.parametrize("make", [Span, LogRecord])
def test_spans_and_log_records(make):
    signal = Signal.TRACES if make is Span else Signal.LOGS
    item = make()
    set_attribute(item.attributes, "secret", "x")
    result = processor(signal, DELETE, INSERT)(make_batch(signal, [item, make()]))
    assert values(result, "secret") == [None, None]
    assert values(result, "env") == ["prod", "prod"]


@pytest.mark.parametrize("kind", ["gauge", "sum", "histogram", "exponential_histogram", "summary"])
def test_every_data_point_of_a_metric(kind):
    metric = Metric(name="m")
    for _ in range(2):
        set_attribute(getattr(metric, kind).data_points.add().attributes, "secret", "x")
    [result] = items_of(processor(Signal.METRICS, DELETE, INSERT)(make_batch(Signal.METRICS, [metric])))
    points = getattr(result, kind).data_points
    assert [{"env"}, {"env"}] == [{pair.key for pair in point.attributes} for point in points]


def test_a_metric_without_data_stays():
    batch = make_batch(Signal.METRICS, [Metric(name="m")])
    assert processor(Signal.METRICS, DELETE, INSERT)(batch).payload == batch.payload


def test_only_what_matches_is_touched():
    process = processor(Signal.TRACES, DELETE, exclude={"match_type": "strict", "span_names": ["open"]})
    result = process(make_batch(Signal.TRACES, [span("open", secret=1), span("closed", secret=2)]))
    assert values(result, "secret") == [1, None]


def test_a_scope_that_does_not_match_leaves_as_it_came():
    process = processor(Signal.TRACES, INSERT, include={"match_type": "strict", "services": ["other"]})
    batch = make_batch(Signal.TRACES, [span()], {"service.name": "shop"})
    assert process(batch).payload == batch.payload


def test_values_of_the_request_differ_from_batch_to_batch():
    process = processor(Signal.TRACES, {"key": "tenant", "action": "upsert", "from_context": "metadata.tenant"})
    payload = make_batch(Signal.TRACES, [span()]).payload
    for tenants in (("a",), ("b", "c"), None):
        client = Client(metadata={"tenant": tenants} if tenants else {})
        batch = process(Batch(Signal.TRACES, payload, client))
        assert batch.client is client
        assert values(batch, "tenant") == [";".join(tenants) if tenants else None]


def test_an_edited_batch_can_be_edited_again():
    """Appended to, decoded and changed, appended to again: the second of each finds what the first has left."""
    batch = make_batch(Signal.TRACES, [span(secret="x"), span()])
    for _ in range(2):
        batch = processor(Signal.TRACES, INSERT)(batch)
        batch = processor(Signal.TRACES, {"key": "env", "action": "hash"}, DELETE)(batch)
    assert values(batch, "secret") == [None, None]
    assert [1, 1] == [len(item.attributes) for item in items(batch)]


@pytest.mark.parametrize("signal", Signal)
@settings(max_examples=30)  # one for each signal
@given(data=st.data())
def test_items_without_the_keys_leave_as_they_came(signal, data):
    """Byte for byte, however oddly a sender wrote them."""
    batch = Batch(signal, data.draw(requests(signal)))
    actions = [{"key": "a key that nobody has", "action": kind} for kind in ("delete", "hash")]
    assert processor(signal, *actions)(batch).payload == batch.payload


@given(payload=requests(Signal.TRACES))
def test_inserting_changes_nothing_else(payload):
    batch = Batch(Signal.TRACES, payload)
    expected = []
    for item in items(batch):
        if all(pair.key != "env" for pair in item.attributes):
            set_attribute(item.attributes, "env", "prod")
        expected.append(canonical(item))
    assert expected == [canonical(item) for item in items(processor(Signal.TRACES, INSERT)(batch))]


@pytest.mark.parametrize("options", [{}, {"actions": []}, {"actions": None}])
def test_something_must_be_done(options):
    with pytest.raises(ValidationError, match='missing required field "actions"'):
        Config.model_validate(options)


def test_a_block_of_another_signal_is_refused_at_start():
    with pytest.raises(StartError, match="log_bodies should not be specified for trace spans"):
        processor(Signal.TRACES, DELETE, include={"match_type": "strict", "log_bodies": ["x"]})
