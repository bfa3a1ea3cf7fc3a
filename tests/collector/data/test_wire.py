"""Places of attributes in serialized messages, held against what decoding them tells."""

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from collector.data import Batch, Signal, attribute_lists, set_attribute, set_value
from collector.data.messages import AnyValue, DecodeError, LogRecord, Metric, Resource, Span
from collector.data.wire import ABSENT, WireKey, field_tag, text_in, text_value
from collector.testing.decoded import canonical
from collector.testing.strategies import attribute_values, requests

TAG = field_tag(Span, "attributes")
NEW = AnyValue(int_value=5)

_VARINT, _FIXED64, _BYTES, _GROUP, _END_GROUP = range(5)


def check(message, raw, name, tag):
    """Hold the place of a key, and what can be done there, against the decoded message; return the place."""
    key = WireKey(name, tag)
    place = key.locate([raw])[0]
    attributes = message.FromString(raw).attributes
    found = [index for index, pair in enumerate(attributes) if pair.key == name]
    if place is None:
        return None
    if place is ABSENT:
        assert not found
        return place
    before, start, end = place
    [index] = found
    assert raw.startswith(before)
    assert canonical(attributes[index].value) == canonical(AnyValue.FromString(raw[start:end]))
    for record in (b"", key.record(NEW.SerializeToString())):
        expected = message.FromString(raw)
        if record:
            expected.attributes[index].value.CopyFrom(NEW)
        else:
            del expected.attributes[index]
        assert canonical(expected) == canonical(message.FromString(before + record + raw[end:]))
    return place


# --- ordinary messages --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message", [Span, LogRecord, Resource])
@given(st.dictionaries(st.text(min_size=1, max_size=200), attribute_values, min_size=1, max_size=5))
@settings(max_examples=50)
def test_any_message(message, attributes):
    item = message()
    for key, value in attributes.items():
        set_attribute(item.attributes, key, value)
    for key in [*attributes, "absent"]:
        check(message, item.SerializeToString(), key, field_tag(message, "attributes"))


@pytest.mark.parametrize("size", [0, 1, 100, 110, *range(111, 131), 1000, 16_000])
def test_an_attribute_of_any_usual_size_is_found(size):
    span = Span(name="work", start_time_unix_nano=2**63, kind=2, trace_id=b"k" * 16)
    for key, value in {"first": 1, "the key": "x" * size, "the key's successor": "not the key"}.items():
        set_attribute(span.attributes, key, value)
    span.events.add(name="the key of a name").attributes.add(key="the key of an event")
    assert check(Span, span.SerializeToString(), "the key", TAG) not in (None, ABSENT)


@pytest.mark.parametrize("size", [1, 127, 128, 300])
def test_a_key_of_any_size_is_found(size):
    span = Span()
    set_attribute(span.attributes, "k" * size, "value")
    assert check(Span, span.SerializeToString(), "k" * size, TAG) not in (None, ABSENT)


def test_a_key_that_is_part_of_other_texts_is_absent():
    span = Span(name="superuser")
    for key, value in {"user.email": "user@example.com", "enduser": 4}.items():
        set_attribute(span.attributes, key, value)
    assert check(Span, span.SerializeToString(), "user", TAG) is ABSENT


def test_a_key_that_occurs_very_often_is_left_to_the_decoder():
    span = Span(name="k" * 100_000)
    assert WireKey("k", TAG).locate([span.SerializeToString()])[0] is None


def test_a_key_of_what_lies_deeper_is_left_to_the_decoder():
    metric = Metric()
    set_attribute(metric.gauge.data_points.add().attributes, "k", 1)
    assert WireKey("k", b"").locate([metric.SerializeToString()])[0] is None
    assert WireKey("other", b"").locate([metric.SerializeToString()])[0] is ABSENT


# --- odd messages -------------------------------------------------------------------------------------------------


def varint(number, padding=0):
    octets = []
    while number > 0x7F:
        octets.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*octets, *[number | 0x80, *[0x80] * (padding - 1), 0]] if padding else [*octets, number])


paddings = st.sampled_from([0] * 12 + [1, 2])


@st.composite
def fields(draw, number, contents):
    """Return a field with a content, its tag and length perhaps padded."""
    content = draw(contents)
    return varint(number << 3 | _BYTES, draw(paddings)) + varint(len(content), draw(paddings)) + content


WORDS = ["k", "kk", "", "x", "\x01k", "\n\x01k", "\u0101k", "\x12\x01k", "J\x05\n\x01k\x12\x00", "x" * 120, "k" * 150]
words = st.sampled_from(WORDS).map(str.encode)
pairs = st.deferred(lambda: st.one_of(usual_pairs, usual_pairs, usual_pairs, odd_pairs))
texts = fields(1, words)
values = st.one_of(
    texts,
    st.just(b""),
    st.just(b"\x18\x07"),
    st.deferred(
        lambda: fields(5, st.lists(values.flatmap(lambda value: fields(1, st.just(value))), max_size=1).map(b"".join))
    ),
    st.deferred(lambda: fields(6, fields(1, pairs))),
)
usual_pairs = st.tuples(texts, fields(2, values)).map(b"".join)
odd_pairs = st.lists(st.one_of(texts, fields(2, values), fields(7, words)), max_size=3).map(b"".join)
attributes = fields(9, pairs)
with_attributes = st.one_of(attributes, attributes.map(lambda raw: b"\x0a\x02ok" + raw))


def grouped(content):
    return varint(999 << 3 | _GROUP) + content + varint(999 << 3 | _END_GROUP)


records = st.one_of(
    attributes,
    attributes,
    attributes,
    fields(5, words),
    fields(11, fields(3, pairs)),
    fields(13, fields(4, pairs)),
    attributes.map(grouped),
    fields(999, st.one_of(attributes, words)),
    st.just(b"\x39" + b"\n\x01k\x12\x00\x00\x00\x00"),
    st.just(varint(999 << 3 | _VARINT) + varint(0x4A, 2)),
    # What a field swallows: the next attribute's tag is its content.
    st.just(b"\x2a\x01"),
    st.just(varint(999 << 3 | _FIXED64) + b"sevenby"),
)
odd_spans = st.lists(records, max_size=5).map(b"".join)


@settings(max_examples=500)
@given(odd_spans)
@example(TAG + b"\x05\n\x01k\x12\x00" + b"\x2a\x01")
def test_odd_spans(raw):
    try:
        Span.FromString(raw)
    except DecodeError:
        assume(False)
    for name in ("k", "kk", "x", "absent"):
        check(Span, raw, name, TAG)


@given(st.lists(st.none() | odd_spans | st.sampled_from([b"", TAG + b"\x06\n\x01k\x12\x01x"])))
def test_many_are_located_as_each_by_itself(raws):
    places = WireKey("k", TAG).locate(raws)
    assert places == [None if raw is None else WireKey("k", TAG).locate([raw])[0] for raw in raws]


@example(TAG + b"\x06\n\x01k\x12\x01x", 1)
@example(b"k", 0)
@example(b"\x01k", 0)
@example(b"\x01\x01k", 0)
@given(odd_spans | st.binary(), st.integers(0, 50))
def test_what_cannot_be_decoded_is_not_made_whole_by_an_edit_elsewhere(raw, cut):
    """Bytes that end too early either have no place for an edit, or end too early after it as well."""
    raw = raw[: max(len(raw) - cut, 0)]
    place = WireKey("k", TAG).locate([raw])[0]
    if place not in (None, ABSENT):
        before, _, end = place
        assert decodes(raw) or not decodes(before + raw[end:])


def decodes(raw):
    try:
        Span.FromString(raw)
    except DecodeError:
        return False
    return True


@st.composite
def damaged_spans(draw):
    """Return a span with some bytes changed."""
    span = Span(name=draw(words).decode())
    for _ in range(draw(st.integers(1, 4))):
        set_value(span.attributes.add(key=draw(st.sampled_from(["k", "kk", "other"]))).value, draw(words).decode())
    raw = bytearray(span.SerializeToString())
    for _ in range(draw(st.integers(0, 3))):
        raw[draw(st.integers(0, len(raw) - 1))] = draw(st.sampled_from(sorted({*raw, 0, 0x80, 0xFF})))
    return bytes(raw)


@settings(max_examples=300)
@given(damaged_spans())
def test_damaged_spans(raw):
    assume(decodes(raw))
    for name in ("k", "kk"):
        check(Span, raw, name, TAG)


@pytest.mark.parametrize("signal", [Signal.TRACES, Signal.LOGS])
@settings(max_examples=50)
@given(data=st.data())
def test_items_as_oddly_written_as_protobuf_allows(signal, data):
    for _, scope in Batch(signal, data.draw(requests(signal))).open().scopes():
        for index, raw in enumerate(scope.raws()):
            item = scope.message(index)
            names = {pair.key for pairs in attribute_lists(signal, item) for pair in pairs if pair.key}
            for name in names | {"absent"}:
                check(type(item), raw, name, field_tag(type(item), "attributes"))


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(TAG + b"\x05\n\x01k\x12\x00" + TAG + b"\x05\n\x01k\x12\x00", id="repeated"),
        pytest.param(TAG + b"\x05\x12\x00\n\x01k", id="the value first"),
        pytest.param(TAG + b"\x08\n\x01k\n\x01x\x12\x00", id="a second key counts"),
        pytest.param(TAG + b"\x08\n\x01k\x12\x00\n\x01x", id="a second key behind the value"),
        pytest.param(TAG + b"\x03\n\x01k", id="no value"),
        pytest.param(TAG + b"\x03\n\x01k" + b"\x12\x00", id="no value, and a span id behind it"),
        pytest.param(TAG + b"\x07\n\x01k\x12\x00\x12\x00", id="two values"),
        pytest.param(TAG + b"\x85\x00\n\x01k\x12\x00", id="a padded length"),
        pytest.param(TAG + b"\x06\n\x81\x00k\x12\x00", id="a padded length of the key"),
        pytest.param(TAG + b"\x06\x8a\x00\x01k\x12\x00", id="a padded tag of the key"),
        pytest.param(b"\xca\x00\x05\n\x01k\x12\x00", id="a padded tag"),
        pytest.param(grouped(TAG + b"\x05\n\x01k\x12\x00"), id="in a group"),
        pytest.param(b"\x2a\x07" + TAG + b"\x05\n\x01k\x12\x00", id="in a name"),
        pytest.param(Span(events=[{"attributes": [{"key": "k", "value": {}}]}]).SerializeToString(), id="in an event"),
    ],
)
def test_what_is_left_to_the_decoder(raw):
    assert check(Span, raw, "k", TAG) is None


# --- texts --------------------------------------------------------------------------------------------------------


@given(attribute_values | st.text(min_size=100, max_size=140))
def test_the_text_of_a_value(value):
    message = AnyValue()
    set_value(message, value)
    raw = message.SerializeToString()
    text = text_in(b"in front" + raw + b"behind", 8, 8 + len(raw))
    assert text in (b"", message.string_value.encode())
    assert text or not message.string_value or len(message.string_value.encode()) > 127


@given(st.binary(max_size=8) | values)
def test_the_text_of_an_odd_value(raw):
    try:
        message = AnyValue.FromString(raw)
    except DecodeError:
        return
    assert text_in(raw, 0, len(raw)) in (b"", message.string_value.encode())


@pytest.mark.parametrize("size", [0, 1, 127, 128, 20_000])
def test_the_value_of_a_text(size):
    assert AnyValue(string_value="x" * size) == AnyValue.FromString(text_value(b"x" * size))
