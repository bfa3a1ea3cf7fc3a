import json

import pytest

from collector.translate.json_objects import read_objects


def first(text, most=10):
    return next(read_objects(text.encode(), "spans", most))


def read(text):
    return [found.text("a") for found in read_objects(text.encode(), "spans", 10)]


@pytest.mark.parametrize("text", ["[]", " [ ] \n", "\ufeff[]", "[null, null]"])
def test_nothing(text):
    assert [] == read(text)


def test_members_come_one_by_one():
    """What stands before a mistake was handed out already: only one member is held at a time."""
    members = read_objects(b'[{"a":"one"} , {"a":"two"},oops', "spans", 10)
    assert ["one", "two"] == [next(members).text("a"), next(members).text("a")]
    with pytest.raises(ValueError, match="not valid JSON"):
        next(members)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"not valid JSON: Expecting '\['"),
        ('{"a":"b"}', r"Expecting '\['"),
        ("[", "not valid JSON"),
        ('[{"a":"b"}', r"Expecting '\]'"),
        ('[{"a":"b"},]', "not valid JSON"),
        ('[{"a":"b"} {"a":"b"}]', r"Expecting '\]'"),
        ("[]x", "Extra data"),
        ('[{"a":NaN}]', "NaN is no number"),
        ('[{"a":' + "9" * 5000 + "}]", "not valid JSON"),
        ("[" * 100_000, "the JSON is nested too deeply"),
        ('[{"a":' * 100_000, "the JSON is nested too deeply"),
        ("[1]", r"spans\[0\]: expected an object, not 1"),
        ("[[]]", r"spans\[0\]: expected an object, not an array"),
        ('[{}, {"a":1}]', r"spans\[1\].a: expected a string, not 1"),
    ],
)
def test_what_is_no_array_of_objects(text, message):
    with pytest.raises(ValueError, match=message):
        read(text)


def test_bytes_that_are_no_text():
    with pytest.raises(ValueError, match="not valid JSON"):
        list(read_objects(b'[{"a":"\xff"}]', "spans", 10))


def test_missing_members_are_empty():
    member = first('[{"text":null}]')
    assert ("", "", 0, b"", None) == (
        member.text("text"),
        member.scalar("none"),
        member.count("none", 5),
        member.hexadecimal("none", 8),
        member.object("none"),
    )
    assert ([], {}) == (list(member.objects("none")), member.texts("none"))


def test_numbers():
    """A number without a fraction is whole, however it is written."""
    member = first('[{"a":5,"b":5.0,"c":true,"d":-1,"e":5.5,"f":1e400}]')
    assert (5, 5) == (member.count("a", 5), member.count("b", 5))
    for key, message in {"c": "a whole number, not true", "d": "from 0 to 9", "e": "not 5.5", "f": "Infinity"}.items():
        with pytest.raises(ValueError, match=message):
            member.count(key, 9)
    with pytest.raises(ValueError, match="from 0 to 4, not 5"):
        member.count("a", 4)


def test_hexadecimal_digits():
    member = first('[{"a":"2","b":"0102","c":"xy","d":"00 1","e":"_1","f":"0123456789"}]')
    assert (b"\0\x02", b"\x01\x02") == (member.hexadecimal("a", 2), member.hexadecimal("b", 2, lengths=(4,)))
    for key in "cdef":
        with pytest.raises(ValueError, match="at most 4 hexadecimal digits"):
            member.hexadecimal(key, 2)
    with pytest.raises(ValueError, match='2 or 4 hexadecimal digits, not "2"'):
        member.hexadecimal("a", 2, lengths=(2, 4))


def test_places():
    """Errors name the whole way to a member."""
    member = first(json.dumps([{"a": {"b": [None, {"c": [1]}]}}]))
    (inner,) = member.object("a").objects("b")
    with pytest.raises(ValueError, match=r"^spans\[0\].a.b\[1\].c\[0\]: expected an object, not 1$"):
        list(inner.objects("c"))
    with pytest.raises(ValueError, match=r"^spans\[0\].a: expected an array, not an object$"):
        list(member.objects("a"))


def test_arrays_inside_have_a_limit():
    member = first('[{"a":[{},{},{}]}]', most=2)
    with pytest.raises(ValueError, match=r"spans\[0\].a: expected at most 2 members, not 3"):
        list(member.objects("a"))


def test_texts():
    """Numbers and bools become text; null is empty; anything else is refused."""
    member = first('[{"a":{"b":"c","d":1,"e":true,"f":null,"g":1.5},"h":{"i":{}}}]')
    assert {"b": "c", "d": "1", "e": "true", "f": "", "g": "1.5"} == member.texts("a")
    with pytest.raises(ValueError, match=r"spans\[0\].h.i: expected a string, not an object"):
        member.texts("h")


def test_long_values_are_cut_in_errors():
    with pytest.raises(ValueError) as caught:
        first(json.dumps([{"a": "x" * 1000}])).count("a", 5)
    assert len(str(caught.value)) < 150
