"""The test components' models stand for every component's: see conftest.py."""

from typing import Any

import pytest

from collector.api import ComponentConfig, SecretStr, option
from collector.config import load
from collector.config.validation import validate


class Inner(ComponentConfig):
    size: int = option(1, "A number.")
    name: str = option("n", "A text.")


class Config(ComponentConfig):
    text: str = option("", "A text.")
    number: int = option(0, "A number.", ge=0, le=10)
    flag: bool = option(False, "A switch.")
    ratio: float = option(1.0, "A share.")
    names: list[str] = option([], "Texts.")
    secrets: dict[str, SecretStr] = option({}, "Secrets.")
    anything: Any = option(None, "Anything.")
    either: str | Inner = option("", "A text or a block.")
    inner: Inner = option(Inner, "A block.")


def check(value: str, env=None):
    node = load([f"yaml:{{top: {value}}}"], env=env or {}).root.child("top")
    config, errors = validate(Config, node, ("top",))
    return config, [f"{error.path}: {error.message}" for error in errors]


def config(value: str, env=None) -> Config:
    found, errors = check(value, env)
    assert errors == []
    return found


def errors(value: str, env=None) -> list[str]:
    return check(value, env)[1]


ENV = {"DIGITS": "0123", "LIST": "[a, b]", "WORDS": "a, b", "TRUE": "true", "KEY": "s3cr3t", "EMPTY": ""}


def test_a_text_takes_the_text_behind_a_reference():
    assert config("{text: '${DIGITS}'}", ENV).text == "0123"
    assert config("{text: '${LIST}'}", ENV).text == "[a, b]"
    assert config("{names: ['${DIGITS}', '${TRUE}', '${EMPTY}']}", ENV).names == ["0123", "true", ""]
    assert config("{secrets: {k: '${DIGITS}'}}", ENV).secrets["k"].get_secret_value() == "0123"
    assert config("{either: '${DIGITS}'}", ENV).either == "0123"


def test_other_options_take_the_typed_value():
    assert config("{anything: '${DIGITS}', flag: '${TRUE}', names: '${LIST}'}", ENV).model_dump() == {
        **Config().model_dump(),
        "anything": 83,
        "flag": True,
        "names": ["a", "b"],
    }


def test_a_list_takes_a_text_with_commas_as_in_the_go_collector():
    assert config("{names: 'a,b'}").names == ["a", "b"]
    assert config("{names: '${WORDS}'}", ENV).names == ["a", "b"]


def test_a_whole_number_takes_a_float_without_a_rest():
    assert config("{number: 1e1}").number == 10
    assert errors("{number: 1.5}") == ["top.number: expected a whole number, got the number 1.5"]


def test_null_is_the_default_everywhere():
    assert config("{text: , inner: , number: '${env:UNSET}'}") == Config()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("{txet: a}", 'top.txet: unknown key "txet": did you mean "text"?'),
        ("{inner: {sise: 1}}", 'top.inner.sise: unknown key "sise": did you mean "size"?'),
        ("{inner: {zzz: 1}}", 'top.inner.zzz: unknown key "zzz": known are name, size'),
        ("{text: 5}", "top.text: expected a text, got the number 5"),
        ("{number: abc}", 'top.number: expected a whole number, got the text "abc"'),
        ("{number: 11}", "top.number: must be at most 10, got the number 11"),
        ("{flag: yes}", 'top.flag: expected true or false, got the text "yes"'),
        ("{ratio: [1]}", "top.ratio: expected a number, got a list"),
        ("{names: {a: 1}}", "top.names: expected a list, got a map"),
        ("{names: [a, 1]}", "top.names[1]: expected a text, got the number 1"),
        ("{inner: 5}", "top.inner: expected a map of options, got the number 5"),
        ("5", "top: expected a map of options, got the number 5"),
        ("{either: 5}", "top.either: expected a text or a map of options, got the number 5"),
        ("{either: {size: x}}", 'top.either.size: expected a whole number, got the text "x"'),
        ("{either: {sise: 1}}", 'top.either.sise: unknown key "sise": did you mean "size"?'),
    ],
)
def test_errors_are_plain_sentences(value, expected):
    assert errors(value) == [expected]


def test_a_map_behind_a_reference_is_read_as_a_text_or_as_a_block_but_not_as_both():
    env = {"BLOCK": "{size: 1e1}", "WRONG": "{size: 1e1, name: 5, x: 1}"}

    assert config("{either: '${BLOCK}', inner: '${BLOCK}'}", env).inner.size == 10
    assert config("{either: '${BLOCK}'}", env).either == "{size: 1e1}"
    assert errors("{inner: '${WRONG}'}", env) == [
        "top.inner.name: expected a text, got the number 5",
        'top.inner.x: unknown key "x": known are name, size',
    ]


def test_an_error_tells_of_what_was_written_not_of_what_was_tried():
    assert errors("{flag: '${DIGITS}'}", ENV) == ["top.flag: expected true or false, got the number 83"]


def test_what_was_helped_stays_helped_where_something_else_fails():
    (error,) = errors("{text: '${DIGITS}', number: abc}", ENV)

    assert "top.number" in error


@pytest.mark.parametrize(
    "value", ["{secrets: {k: 12345}}", "{secrets: s3cr3t}", "{secrets: '${KEY}'}", "{secrets: [s3cr3t]}"]
)
def test_secrets_are_not_shown(value):
    (error,) = errors(value, ENV)

    assert "s3cr3t" not in error
    assert "12345" not in error
    assert "expected" in error


def test_all_errors_at_once_each_with_its_place(loaded):
    root = loaded("top:\n  text: 5\n  number: -1\n  inner:\n    size: x\n").root

    assert [
        "c.yaml:2: top.text: expected a text, got the number 5",
        "c.yaml:3: top.number: must be at least 0, got the number -1",
        'c.yaml:5: top.inner.size: expected a whole number, got the text "x"',
    ] == [str(error) for error in validate(Config, root.child("top"), ("top",))[1]]
