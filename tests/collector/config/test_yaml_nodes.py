import math

import pytest

from collector.config.nodes import Origin
from collector.config.yaml_nodes import YamlError, parse, parse_scalar


def locate(line, column):
    return Origin("f", line, column)


def plain(text):
    return parse(text, locate).plain()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("Null", None),
        ("nUll", "nUll"),
        ("true", True),
        ("FALSE", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("0", 0),
        ("-12", -12),
        ("+12", 12),
        ("1_000", 1000),
        ("0123", 83),
        ("0o17", 15),
        ("-0o17", -15),
        ("0x1F", 31),
        ("0b101", 5),
        ("08", 8.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("-.inf", -math.inf),
        ("12:30", "12:30"),
        ("2023-03-20", "2023-03-20"),
        ("2023-03-20T03:17:55Z", "2023-03-20T03:17:55Z"),
        ("'5'", "5"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("!!int '5'", 5),
        ("!!float 5", 5.0),
        ("!custom 5", "5"),
        ("5s", "5s"),
        ("1.2.3", "1.2.3"),
    ],
)
def test_scalars_have_the_types_of_the_go_reader(text, value):
    result = plain(f"k: {text}")["k"]

    assert (value, type(value)) == (result, type(result))


def test_nan():
    assert math.isnan(plain("k: .NaN")["k"])


@pytest.mark.parametrize("text", ["5", "0x1f", "yes", "", "1e3", "a b"])
def test_parse_scalar_agrees_with_parse(text):
    assert plain(f"k: {text}")["k"] == parse_scalar(text)


def test_every_key_and_value_has_its_place():
    root = parse("a:\n  b: [1,\n      2]\n", locate)

    b = root.find(("a", "b"))
    assert (b.key, b.origin) == (locate(2, 3), locate(2, 6))
    assert root.find(("a", "b", 1)).origin == locate(3, 7)
    assert b.declared == locate(2, 3)


def test_anchors_and_merge_keys():
    text = "base: &base {a: 1, b: 1}\nother: &other {b: 2, c: 2}\none: {<<: *base, b: 3}\nboth: {<<: [*base, *other]}"

    assert plain(text)["one"] == {"a": 1, "b": 3}
    assert plain(text)["both"] == {"a": 1, "b": 1, "c": 2}


def test_keys_are_texts_whatever_they_look_like():
    assert plain("{1: a, true: b, null: c}") == {"1": "a", "true": "b", "null": "c"}


def test_only_the_first_document_counts():
    assert plain("---\na: 1\n---\nb: 2\n") == {"a": 1}


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "null"])
def test_nothing_is_null(text):
    assert plain(text) is None


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("a: 1\nb: 2\na: 3", 'key "a" stands twice in one map, in lines 1 and 3', 3),
        ("a:\n  - [1", "not YAML", 3),
        ("a: b: c", "not YAML: mapping values are not allowed", 1),
        ("a:\n\t  b: 1", "indent with spaces, not with tabs", 2),
        ("\ta: 1", "not YAML: found character that cannot start any token", 1),
        ("a: &x [*x]", "contains itself", 1),
        ("a: &x {<<: *x}", "nested too deeply", 0),
        ("? [1]\n: 2", "a key must be a text", 1),
        ("a: !!int x", '"x" does not fit its tag', 1),
        ("<<: 5", "<< takes a map", 1),
        ("<<: [5]", "<< takes a map", 1),
        ("a: \x01", "not YAML", 0),
    ],
)
def test_what_cannot_be_used_is_an_error_with_its_line(text, message, line):
    with pytest.raises(YamlError) as caught:
        parse(text, locate)

    assert message in str(caught.value)
    assert line == caught.value.line


def test_aliases_cannot_multiply_without_bound():
    bomb = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n"
    bomb += "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9))

    with pytest.raises(YamlError, match="too many values"):
        parse(bomb, locate)


def test_deep_nesting_is_an_error():
    with pytest.raises(YamlError):
        parse("[" * 900 + "]" * 900, locate)
