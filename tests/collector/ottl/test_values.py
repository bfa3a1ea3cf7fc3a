import pytest

from collector.data.messages import Span
from collector.ottl.errors import EvaluationError, did_you_mean
from collector.ottl.values import Duration, Id, Time, kind_of, text_of


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "nil", None),
        (True, "a boolean", "true"),
        (7, "an integer", "7"),
        (1e21, "a float", "1e+21"),
        ("a", "a text", "a"),
        (b"\x0a", "bytes", "0a"),
        ([b"\x0a", None], "a list", '["Cg==",null]'),
        ([Time(0), Duration(5), Id(b"\x01")], "a list", '["1970-01-01T00:00:00Z",5,[1]]'),
        ({"b": 1, "a": "<"}, "a map", '{"a":"\\u003c","b":1}'),
        (Time(1_500_000_000), "a time", '"1970-01-01T00:00:01.5Z"'),
        (Duration(5), "a duration", "5"),
        (Id(b"\x01\x02"), "an id", "[1,2]"),
    ],
)
def test_value(value, kind, text):
    """Every value has a name for its kind, and a text as the Go collector makes it."""
    assert kind == kind_of(value)
    assert text == text_of(value)


def test_no_text():
    """What is no value of OTTL, such as a span event, has no text."""
    with pytest.raises(EvaluationError, match="Event has no text"):
        text_of([Span.Event()])


def test_did_you_mean():
    """The nearest known word, whatever its case; nothing where none is near."""
    assert 'did you mean "IsMatch"?' == did_you_mean("ismatch", ["IsMap", "IsMatch"])
    assert "" == did_you_mean("xyz", ["IsMap", "IsMatch"])
