"""Where fields begin and end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.data import Signal
from collector.data.messages import REQUESTS
from collector.testing.strategies import requests
from processors.scrub.fields import content_of, field_at

GROUP = b"\x7b\x08\x05\x7b\x12\x01x\x7c\x7c"  # field 15, with a number and a group with text in it


def fields_of(raw):
    end = 0
    while end < len(raw):
        tag, start, stop = field_at(raw, end, end)
        assert start == end < stop
        yield tag, raw[start:stop]
        end = stop
    assert end == len(raw)


@given(st.sampled_from(Signal).flatmap(lambda signal: st.tuples(st.just(signal), requests(signal))))
def test_each_field_is_a_message_by_itself_and_all_together_are_the_whole(drawn):
    signal, payload = drawn
    message = REQUESTS[signal]
    together = message()
    for _, field in fields_of(payload):
        together.MergeFrom(message.FromString(field))
    assert message.FromString(payload) == together


@given(
    st.lists(
        st.sampled_from(
            [b"\x0a\x02ab", b"\x8a\x00\x82\x00ab", b"\x10\x96\x01", b"\x19" + bytes(8), b"\x25" + bytes(4), GROUP]
        )
    )
)
def test_every_byte_belongs_to_its_field(parts):
    raw, end = b"".join(parts), 0
    for part in parts:
        for position in range(end, end + len(part)):
            assert (end, end + len(part)) == field_at(raw, position)[1:]
        end += len(part)
    assert parts == [field for _, field in fields_of(raw)]


@pytest.mark.parametrize(
    ("field", "tag", "content"),
    [
        (b"\x0a\x02ab", 0x0A, b"ab"),
        (b"\x8a\x00\x82\x00ab", 0x0A, b"ab"),
        (b"\x0a\x80\x01" + bytes(128), 0x0A, bytes(128)),
        (b"\x82\x01\x00", 0x82, b""),
    ],
)
def test_content(field, tag, content):
    assert (content, (tag, 0, len(field))) == (content_of(field), field_at(field, 0))
