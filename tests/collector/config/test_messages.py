from datetime import date
from typing import Literal

import pytest
from pydantic import TypeAdapter, ValidationError

from collector.config.messages import describe, sentence, suggestion, unknown_key


def only_error(annotation, value):
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(annotation).validate_python(value, strict=True)
    return caught.value.errors()[0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"),
        ({}, "a map"),
        ([], "a list"),
        ("x", 'the text "x"'),
        ("x" * 100, f'the text "{"x" * 60}…"'),
        (True, "true"),
        (False, "false"),
        (0.5, "the number 0.5"),
        (object(), "another value"),
    ],
)
def test_describe(value, text):
    assert text == describe(value)


@pytest.mark.parametrize("value", ["s3cret", 12345, 1.5, True])
def test_describe_hides_secrets(value):
    assert str(value) not in describe(value, secret=True)


def test_suggestions():
    assert suggestion("grcp", ["grpc", "http"]) == ': did you mean "grpc"?'
    assert suggestion("zzz", ["b", "a"]) == ": known are a, b"
    assert suggestion("zzz", [f"option{i}" for i in range(50)]) == ""
    assert suggestion("zzz", []) == ""
    assert unknown_key("grcp", ["grpc"]) == 'unknown key "grcp": did you mean "grpc"?'


def test_choices_name_the_nearest():
    error = only_error(Literal["basic", "detailed"], "detaild")

    assert sentence(error) == 'expected "basic" or "detailed", got the text "detaild": did you mean "detailed"?'
    assert sentence(only_error(Literal["OK", "ERROR"], "error")).endswith('did you mean "ERROR"?')


def test_an_error_without_words_of_its_own_keeps_pydantics():
    assert sentence(only_error(date, "x")).startswith("input should be a valid date")
