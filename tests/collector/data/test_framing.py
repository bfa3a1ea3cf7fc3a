import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.data import Batch, Signal
from collector.data.framing import Framing
from collector.data.messages import REQUESTS
from collector.data.otlp_json import decode, encode
from collector.testing.strategies import requests

FRAMINGS = [Framing(name, compressed=compressed) for name in ("json", "proto") for compressed in (False, True)]
framings = pytest.mark.parametrize("framing", FRAMINGS, ids=str)


def span_request(name="one"):
    request = REQUESTS[Signal.TRACES]()
    request.resource_spans.add().scope_spans.add().spans.add(name=name)
    return request.SerializeToString()


def read(framing, content, signal=Signal.TRACES):
    return [batch.payload for batch in framing.batches(io.BytesIO(content), signal)]


@given(st.sampled_from(FRAMINGS), st.sampled_from(Signal), st.data())
def test_what_is_written_is_read(framing, signal, data):
    payloads = data.draw(st.lists(requests(signal), max_size=3))
    content = b"".join(framing.record(signal, payload) for payload in payloads)
    if framing.format == "json":
        texts = [encode(signal, payload) for payload in payloads]
        payloads = [decode(signal, text) for text in texts if text != b"{}"]
    assert payloads == read(framing, content, signal)
    assert framing.ends_whole(io.BytesIO(content))


@framings
def test_a_record_that_was_cut_is_left_out_wherever_the_cut_is(framing):
    first, second = (framing.record(Signal.TRACES, span_request(name)) for name in ("one", "two"))
    for cut in range(1, len(second)):
        content = first + second[:cut]
        assert [span_request("one")] == read(framing, content)
        assert not framing.ends_whole(io.BytesIO(content))


def test_json_is_one_line_for_each_batch():
    record = Framing().record(Signal.TRACES, span_request())
    assert b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"one"}]}]}]}\n' == record


def test_records_begin_with_their_length_in_network_order():
    payload = span_request()
    assert struct.pack(">I", len(payload)) + payload == Framing("proto").record(Signal.TRACES, payload)


def test_each_record_is_compressed_by_itself():
    record = Framing("json", compressed=True).record(Signal.TRACES, span_request())
    assert (len(record) - 4, b"\x28\xb5\x2f\xfd") == (struct.unpack(">I", record[:4])[0], record[4:8])


def test_json_tells_the_signal_of_each_batch(signal):
    request = REQUESTS[signal]()
    getattr(request, next(iter(request.DESCRIPTOR.fields_by_name))).add()
    content = b"".join(Framing().record(kind, payload) for kind, payload in [(signal, request.SerializeToString())])
    content += b"\n{}\n"
    assert [(signal, request.SerializeToString())] == [
        (batch.signal, batch.payload) for batch in Framing().batches(io.BytesIO(content))
    ]


def test_a_signal_that_is_asked_for_is_picked_from_json():
    content = Framing().record(Signal.TRACES, span_request()) + b'{"resourceLogs":[]}\n'
    assert [span_request()] == read(Framing(), content, Signal.TRACES)


@pytest.mark.parametrize(
    ("framing", "content", "signal", "message"),
    [
        (Framing(), b'{"resourceLogs":[]}\n{"a":1}\n', None, "record 2: not an OTLP/JSON export request"),
        (Framing(), b'{"resourceSpans":1}\n', None, "record 1: resourceSpans: expected an array"),
        (Framing("proto"), struct.pack(">I", 0), None, "does not tell its signal"),
        (Framing("proto"), struct.pack(">I", 2) + b"\x0a\xff", Signal.LOGS, "record 1: not an OTLP export request"),
        (Framing("proto", compressed=True), struct.pack(">I", 2) + b"xx", Signal.LOGS, "record 1: not compressed with"),
    ],
)
def test_damage_is_an_error_that_names_the_record(framing, content, signal, message):
    with pytest.raises(ValueError, match=message):
        list(framing.batches(io.BytesIO(content), signal))


def test_an_empty_file_is_whole_and_holds_nothing():
    for framing in FRAMINGS:
        assert framing.ends_whole(io.BytesIO())
        assert [] == list(framing.batches(io.BytesIO()))


def test_a_batch_that_was_read_can_be_counted():
    (batch,) = Framing().batches(io.BytesIO(Framing().record(Signal.TRACES, span_request())))
    assert isinstance(batch, Batch)
    assert 1 == batch.count
