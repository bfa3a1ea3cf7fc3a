import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.data import (
    Signal,
    attribute_lists,
    delete_attribute,
    find_attribute,
    get_attribute,
    set_attribute,
    set_value,
    value_of,
)
from collector.data.messages import REQUESTS, AnyValue, LogRecord, Metric, Resource, Span
from collector.testing.strategies import attribute_values


def attributes_of(**values):
    resource = Resource()
    for key, value in values.items():
        set_attribute(resource.attributes, key, value)
    return resource.attributes


@given(attribute_values, attribute_values)
def test_a_value_is_read_as_it_was_set_whatever_was_there_before(before, value):
    target = AnyValue()
    set_value(target, before)
    set_value(target, value)
    again = value_of(AnyValue.FromString(target.SerializeToString()))
    assert value == again
    assert type(value) is type(again)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_an_integer_of_more_than_64_bits_is_refused(value):
    with pytest.raises(ValueError, match="does not fit into a 64-bit integer"):
        set_value(AnyValue(), value)


def test_a_value_of_another_type_is_refused():
    with pytest.raises(TypeError, match="an attribute cannot hold a set: use str, bool"):
        set_value(AnyValue(), {1})


@given(st.dictionaries(st.text(max_size=3), attribute_values, max_size=5), st.text(max_size=3), attribute_values)
def test_a_list_of_attributes_behaves_like_a_dict(values, key, value):
    attributes = attributes_of(**values)
    assert values.get(key) == get_attribute(attributes, key)
    set_attribute(attributes, key, value)
    values[key] = value
    assert list(values) == [pair.key for pair in attributes]
    assert value == get_attribute(attributes, key)
    assert list(values).index(key) == find_attribute(attributes, key)
    assert delete_attribute(attributes, key)
    assert not delete_attribute(attributes, key)
    assert -1 == find_attribute(attributes, key)
    assert get_attribute(attributes, key) is None


def test_of_a_repeated_key_the_first_is_read_and_all_are_deleted():
    attributes = attributes_of(one=1)
    attributes.add(key="two").value.int_value = 2
    attributes.add(key="one").value.int_value = 3
    assert 1 == get_attribute(attributes, "one")
    assert delete_attribute(attributes, "one")
    assert ["two"] == [pair.key for pair in attributes]


@pytest.mark.parametrize("kind", ["gauge", "sum", "histogram", "exponential_histogram", "summary"])
def test_the_attribute_lists_of_a_metric_are_those_of_its_points(kind):
    metric = Metric()
    assert [] == list(attribute_lists(Signal.METRICS, metric))
    for number in range(2):
        set_attribute(getattr(metric, kind).data_points.add().attributes, "number", number)
    assert [0, 1] == [get_attribute(found, "number") for found in attribute_lists(Signal.METRICS, metric)]


@pytest.mark.parametrize(("signal", "item"), [(Signal.TRACES, Span()), (Signal.LOGS, LogRecord())])
def test_the_attribute_list_of_a_span_or_log_record_is_its_own(signal, item):
    item.attributes.add(key="own")
    assert [["own"]] == [[pair.key for pair in found] for found in attribute_lists(signal, item)]


@pytest.mark.parametrize(("wrap", "most"), [(lambda inner: [inner], 45), (lambda inner: {"key": inner}, 30)])
def test_a_value_is_nested_as_deeply_as_the_deepest_attribute_can_be_read_and_no_deeper(wrap, most):
    """One such value would make the whole request, with others' data in it, unreadable for whoever gets it."""
    value = 1
    for _ in range(most):
        value = wrap(value)
    request = REQUESTS[Signal.METRICS]()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add()
    attributes = metric.gauge.data_points.add().exemplars.add().filtered_attributes
    set_attribute(attributes, "deep", value)
    again = REQUESTS[Signal.METRICS].FromString(request.SerializeToString())
    assert request == again
    with pytest.raises(ValueError, match="nested too deeply"):
        set_attribute(attributes, "deeper", wrap(value))
