"""The JSON encoding, held against `google.protobuf.json_format` where OTLP does not change it."""

import base64
import contextlib
import json
import math

import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from collector.data import Signal
from collector.data.messages import ITEMS, REQUESTS, AnyValue, Span
from collector.data.otlp_json import decode, encode
from collector.testing.decoded import items_of, resources_of, scopes_of
from collector.testing.strategies import requests

IDS = ("traceId", "spanId", "parentSpanId")

signals = st.sampled_from(Signal)
payloads = signals.flatmap(lambda signal: st.tuples(st.just(signal), requests(signal)))


def published(signal, payload):
    """Return the JSON value that protobuf's own encoder gives, with OTLP's ids."""

    def hexadecimal(value):
        if isinstance(value, list):
            return [hexadecimal(member) for member in value]
        if not isinstance(value, dict):
            return value
        return {
            key: base64.b64decode(member).hex() if key in IDS else hexadecimal(member) for key, member in value.items()
        }

    message = REQUESTS[signal].FromString(payload)
    return hexadecimal(json_format.MessageToDict(message, use_integers_for_enums=True))


def one_item(signal, **fields):
    """Return the JSON of a request with one item."""
    names = {
        Signal.TRACES: ("resourceSpans", "scopeSpans", "spans"),
        Signal.METRICS: ("resourceMetrics", "scopeMetrics", "metrics"),
        Signal.LOGS: ("resourceLogs", "scopeLogs", "logRecords"),
    }[signal]
    return json.dumps({names[0]: [{names[1]: [{names[2]: [fields]}]}]}).encode()


def decode_item(signal, **fields):
    request = REQUESTS[signal].FromString(decode(signal, one_item(signal, **fields)))
    return items_of(signal, scopes_of(signal, resources_of(signal, request)[0])[0])[0]


def decode_value(**value):
    """Return the decoded value of one attribute of a span."""
    return decode_item(Signal.TRACES, attributes=[{"key": "k", "value": value}]).attributes[0].value


@given(payloads)
def test_encoding_is_the_published_one(case):
    signal, payload = case
    assert published(signal, payload) == json.loads(encode(signal, payload))


@given(payloads)
def test_what_json_can_hold_survives_the_way_there_and_back(case):
    signal, payload = case
    text = encode(signal, payload)
    again = decode(signal, text)
    assert published(signal, payload) == published(signal, again)
    assert text == encode(signal, again)


_KEYS = st.sampled_from(
    [
        *("resourceSpans", "resourceLogs", "resourceMetrics", "resource", "scopeSpans", "scopeMetrics", "scopeLogs"),
        *("scope", "spans", "metrics", "logRecords", "attributes", "key", "value", "traceId", "kind", "name", "flags"),
        *("gauge", "dataPoints", "asDouble", "asInt", "bucketCounts", "bytesValue", "boolValue", "intValue"),
        *("arrayValue", "values", "unknown"),
    ]
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(["ab", "1", "1e5"]),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(_KEYS, values, max_size=4),
    max_leaves=20,
)


@given(signals, _JSON)
def test_any_json_is_a_request_or_a_value_error(signal, value):
    try:
        payload = decode(signal, json.dumps(value).encode())
    except ValueError:
        return
    REQUESTS[signal].FromString(payload)


@given(signals, st.binary(max_size=20))
def test_any_bytes_are_a_request_or_a_value_error(signal, text):
    with contextlib.suppress(ValueError):
        decode(signal, text)


@pytest.mark.parametrize("number", [1544712660000000000, "1544712660000000000", 1.54471266e18])
def test_64_bit_integers_may_be_numbers_or_strings(number):
    assert 1544712660000000000 == decode_item(Signal.TRACES, startTimeUnixNano=number).start_time_unix_nano


@pytest.mark.parametrize("field", ["startTimeUnixNano", "start_time_unix_nano"])
def test_original_field_names_are_taken_too(field):
    assert 5 == decode_item(Signal.TRACES, **{field: 5}).start_time_unix_nano


def test_enums_may_be_integers_unknown_ones_included_or_names():
    assert 3 == decode_item(Signal.TRACES, kind=3).kind
    assert 3 == decode_item(Signal.TRACES, kind="SPAN_KIND_CLIENT").kind
    assert 77 == decode_item(Signal.TRACES, kind=77).kind


def test_unknown_fields_and_null_are_ignored(signal):
    assert ITEMS[signal]() == decode_item(signal, later={"traceId": "no id"}, attributes=None, name=None)


def test_empty_values_and_submessages_are_kept():
    assert not decode_value().HasField("value")
    assert "array_value" == decode_value(arrayValue={}).WhichOneof("value")
    assert "string_value" == decode_value(stringValue="").WhichOneof("value")
    assert decode_item(Signal.TRACES, status={}).HasField("status")


@pytest.mark.parametrize("spelling", ["-_8=", "-_8", "+/8="])
def test_bytes_are_base64_of_either_alphabet(spelling):
    assert b"\xfb\xff" == decode_value(bytesValue=spelling).bytes_value


@pytest.mark.parametrize(
    ("given_value", "expected"),
    [("Infinity", math.inf), ("-Infinity", -math.inf), (3, 3.0), ("1.5e3", 1500.0)],
)
def test_doubles(given_value, expected):
    assert expected == decode_value(doubleValue=given_value).double_value


def test_half_a_surrogate_pair_becomes_the_replacement_character():
    assert "cut\ufffd" == decode_value(stringValue="cut\ud83d").string_value
    assert "whole\U0001f600" == decode_value(stringValue="whole\U0001f600").string_value


def test_ids_are_hexadecimal_both_ways():
    text = one_item(
        Signal.TRACES, traceId="5B8EFFF798038103D269B633813FC60C", spanId="eee19b7ec3c1b174", parentSpanId=""
    )
    (span,) = json.loads(encode(Signal.TRACES, decode(Signal.TRACES, text)))["resourceSpans"][0]["scopeSpans"][0][
        "spans"
    ]
    assert {"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"} == span


def test_encoding_is_one_line_of_utf_8():
    request = REQUESTS[Signal.TRACES]()
    request.resource_spans.add().scope_spans.add().spans.append(Span(name="Größe\n", kind=Span.SPAN_KIND_SERVER))
    expected = '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"Größe\\n","kind":2}]}]}]}'
    assert expected == encode(Signal.TRACES, request.SerializeToString()).decode()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"traceId": "zz"}, 'traceId: expected hexadecimal digits, not "zz"'),
        ({"traceId": "5b8e"}, "traceId: expected 32 hexadecimal digits, not 4"),
        ({"spanId": "5b 8efff798038103d2"}, "spanId: expected hexadecimal digits"),
        ({"spanId": 7}, "spanId: expected a string, not 7"),
        ({"name": 7}, "name: expected a string, not 7"),
        ({"kind": "CLIENT"}, 'kind: expected an integer, not "CLIENT"'),
        ({"kind": True}, "kind: expected an integer, not true"),
        ({"kind": 2**31}, "kind: 2147483648 is not between -2147483648 and 2147483647"),
        ({"flags": -1}, "flags: -1 is not between 0 and 4294967295"),
        ({"startTimeUnixNano": 1.5}, "startTimeUnixNano: expected an integer, not 1.5"),
        ({"startTimeUnixNano": "1_000"}, 'startTimeUnixNano: expected an integer, not "1_000"'),
        ({"startTimeUnixNano": 2**64}, "startTimeUnixNano: 18446744073709551616 is not between 0 and"),
        ({"startTimeUnixNano": "9" * 5000}, "startTimeUnixNano: expected an integer, not"),
        ({"status": []}, "status: expected an object, not an array"),
        ({"links": {}}, "links: expected an array, not an object"),
        ({"links": [{}, {"spanId": "--"}]}, "links[1].spanId: expected hexadecimal digits"),
        ({"events": [None]}, "events[0]: expected an object, not null"),
        ({"attributes": [{"value": {"boolValue": 1}}]}, "attributes[0].value.boolValue: expected true or false, not 1"),
        ({"attributes": [{"value": {"bytesValue": "?"}}]}, "attributes[0].value.bytesValue: expected base64"),
        ({"attributes": [{"value": {"bytesValue": 1}}]}, "attributes[0].value.bytesValue: expected base64 in a string"),
        ({"attributes": [{"value": {"doubleValue": "x"}}]}, "attributes[0].value.doubleValue: expected a number"),
        ({"attributes": [{"value": {"doubleValue": 10**400}}]}, "attributes[0].value.doubleValue: 1000"),
        (
            {"attributes": [{"value": {"doubleValue": "1e400"}}]},
            'attributes[0].value.doubleValue: "1e400" does not fit',
        ),
    ],
)
def test_an_error_names_the_place_and_shows_the_value(fields, message):
    with pytest.raises(ValueError) as caught:
        decode_item(Signal.TRACES, **fields)
    assert str(caught.value).startswith(f"resourceSpans[0].scopeSpans[0].spans[0].{message}")
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"\xff\xfe{}", "not valid JSON: 'utf-8' codec"),
        (b'{"resourceSpans": NaN}', 'NaN must be written as the string "NaN"'),
        (b"[]", "^expected an object, not an array"),
        (b"1" * 5000, "not valid JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_json_object_is_refused(text, message):
    with pytest.raises(ValueError, match=message):
        decode(Signal.TRACES, text)


@pytest.mark.parametrize("levels", [60, 100, 200])
def test_values_deeper_than_protobuf_reads_are_refused(levels):
    value = {"stringValue": "deep"}
    for _ in range(levels):
        value = {"arrayValue": {"values": [value]}}
    with pytest.raises(ValueError, match="nested too deeply"):
        decode_value(**value)


def test_values_as_deep_as_protobuf_reads_are_taken():
    value = {"stringValue": "deep"}
    for _ in range(40):
        value = {"arrayValue": {"values": [value]}}
    assert isinstance(decode_value(**value), AnyValue)


def test_a_payload_that_is_no_request_cannot_be_encoded(signal):
    with pytest.raises(ValueError, match="not an OTLP export request"):
        encode(signal, b"\x0a\xff")
