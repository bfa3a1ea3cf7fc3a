import pytest

from collector.translate.zipkin.packed import parse_event, parse_link


@pytest.mark.parametrize(
    ("text", "name", "attributes", "dropped"),
    [
        ("ws", "ws", {}, 0),
        ("", "", {}, 0),
        ("a|{}|0", "a", {}, 0),
        ("a|b|{}|3", "a|b", {}, 3),
        ('a|{"k":"v|w","n":1,"d":1.5,"w":2.0,"b":true}|2', "a", {"k": "v|w", "n": 1, "d": 1.5, "w": 2, "b": True}, 2),
        ('a|{"k":[1,{"l":null}]}|0', "a", {"k": [1, {"l": None}]}, 0),
        ("|{}|1", "", {}, 1),
    ],
)
def test_events(attributes_of, text, name, attributes, dropped):
    event = parse_event(text)
    assert (name, attributes, dropped) == (event.name, attributes_of(event), event.dropped_attributes_count)


@pytest.mark.parametrize(
    "text",
    [
        "a|b",
        "a|b|c",
        "a|{}",
        "a|{|0",
        "a|{}|x",
        "a|{}|-1",
        "a|{}|4294967296",
        "a|{}|",
        'a|{"k":1}x|0',
        'a|{"k":' + "9" * 400 + "}|0",
        'a|{"k":' + "[" * 100 + "]" * 100 + "}|0",
        'a|{"k":' + "[" * 100_000 + "|0",
        "|{" * 100_000,
    ],
)
def test_what_is_no_packed_event_is_a_name(attributes_of, text):
    """Annotations may hold anything: nothing is refused, nothing is cut."""
    event = parse_event(text)
    assert (text, {}, 0) == (event.name, attributes_of(event), event.dropped_attributes_count)


@pytest.mark.parametrize(
    "text", ["", "|||", "||||", "0a|0b|x|{}|0", f"{'0a' * 16}|{'0b' * 8}|x|{{}}", "|||[]|0", "x|||{}|0"]
)
def test_what_is_no_link(text):
    assert parse_link(text) is None
