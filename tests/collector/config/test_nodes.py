from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.config.nodes import Node, Origin, format_keys, merge

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


def node_of(value, source="a.yaml") -> Node:
    if isinstance(value, dict):
        return Node({key: node_of(inner, source) for key, inner in value.items()}, Origin(source))
    if isinstance(value, list):
        return Node([node_of(inner, source) for inner in value], Origin(source))
    return Node(value, Origin(source))


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        (Origin("a.yaml", 12, 3), "a.yaml:12"),
        (Origin("--set"), "--set"),
        (Origin("a.yaml", 12, via="environment KEY"), "a.yaml:12 (environment KEY)"),
    ],
)
def test_origin_as_text(origin, text):
    assert text == str(origin)


def test_origins_are_equal_wherever_relative_names_are_found_from():
    assert Origin("a", 1, directory=Path("/x")) == Origin("a", 1, directory=Path("/y"))


@given(values)
def test_plain_is_what_a_node_was_made_of(value):
    assert value == node_of(value).plain()


def test_find_walks_maps_and_lists():
    root = node_of({"a": [{"b": 1}]})

    assert root.find(("a", 0, "b")).value == 1
    assert root.find(("a", 1, "b")) is None
    assert root.find(("a", -1)) is None
    assert root.find(("a", "b")) is None


def test_nearest_is_the_deepest_there_is():
    root = node_of({"a": {"b": 1}})

    assert root.nearest(("a", "x", "y")) is root.find(("a",))


def test_merge_joins_maps_and_replaces_the_rest():
    earlier = node_of({"map": {"a": 1, "b": 1}, "list": [1, 2], "kept": 1, "erased": {"a": 1}})
    later = node_of({"map": {"b": 2, "c": 2}, "list": [3], "erased": None})

    assert {"map": {"a": 1, "b": 2, "c": 2}, "list": [3], "kept": 1, "erased": None} == merge(earlier, later).plain()


def test_merge_keeps_each_origin_and_that_of_the_first_declaration():
    merged = merge(node_of({"m": {"a": 1, "b": 1}}, "one"), node_of({"m": {"b": 2}}, "two"))

    assert [merged.find(("m", key)).origin.source for key in "ab"] == ["one", "two"]
    assert merged.find(("m",)).origin.source == "one"


@given(values, values)
def test_merge_with_itself_and_with_nothing_changes_nothing(one, other):
    merged = merge(node_of(one), node_of(other))

    assert merged.plain() == merge(merged, node_of(other)).plain()


def test_format_keys():
    assert format_keys(("receivers", "otlp/a", "list", 0, "x")) == "receivers.otlp/a.list[0].x"
