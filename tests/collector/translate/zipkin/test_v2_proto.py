import pytest

from collector.translate.zipkin.model import MOST_ANNOTATIONS, Endpoint, ZipkinSpan
from collector.translate.zipkin.v2_messages import ListOfSpans, SpanMessage
from collector.translate.zipkin.v2_proto import read_proto, write_proto


def read(**fields):
    message = SpanMessage(**{"trace_id": b"t" * 16, "id": b"s" * 8, **fields})
    return list(read_proto(ListOfSpans(spans=[message.SerializeToString()]).SerializeToString()))


def test_the_numbers_on_the_wire():
    """They are those of the published schema."""
    span = ZipkinSpan(
        trace_id=b"t" * 16,
        id=b"s" * 8,
        parent_id=b"p" * 8,
        name="n",
        timestamp=1,
        duration=2,
        kind="CLIENT",
        local=Endpoint("l", "1.2.3.4", "::1", 5),
        remote=Endpoint("r"),
        annotations=[(3, "a")],
        tags={"k": "v"},
    )
    endpoint = b"\x0a\x01l\x12\x04\1\2\3\4\x1a\x10" + bytes(15) + b"\1\x20\5"
    wire = (
        b"\x0a\x10" + b"t" * 16 + b"\x12\x08" + b"p" * 8 + b"\x1a\x08" + b"s" * 8 + b"\x20\x01\x2a\x01n"
        b"\x31" + (1).to_bytes(8, "little") + b"\x38\x02\x42" + bytes([len(endpoint)]) + endpoint + b"\x4a\x03\x0a\x01r"
        b"\x52\x0c\x09" + (3).to_bytes(8, "little") + b"\x12\x01a\x5a\x06\x0a\x01k\x12\x01v"
    )
    assert b"\x0a" + bytes([len(wire)]) + wire == write_proto([span])
    # What a reader has no use for, as `debug` and `shared`, is skipped.
    wire += b"\x60\x01\x68\x01"
    assert [span] == list(read_proto(b"\x0a" + bytes([len(wire)]) + wire))


def test_short_trace_ids_are_filled_up():
    assert bytes(8) + b"12345678" == read(trace_id=b"12345678")[0].trace_id


def test_a_kind_of_the_future_is_none():
    assert "" == read(kind=9)[0].kind


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"trace_id": b"abc"}, r"spans\[0\].traceId: expected 8 or 16 bytes, not 3"),
        ({"trace_id": b""}, "traceId: expected 8 or 16 bytes, not 0"),
        ({"trace_id": bytes(16)}, "every span needs a trace id that is not zero"),
        ({"id": b"abc"}, r"spans\[0\].id: expected 8 bytes, not 3"),
        ({"parent_id": b"abc"}, "parentId: expected 0 or 8 bytes, not 3"),
        ({"timestamp": 2**64 - 1}, "timestamp: expected a number from 0 to"),
        ({"duration": 2**63}, "duration: expected a number from 0 to"),
        ({"local_endpoint": {"port": -1}}, "localEndpoint.port: expected a number from 0 to 65535, not -1"),
        ({"remote_endpoint": {"ipv4": b"abc"}}, "remoteEndpoint: expected an IP address of 4 or 16 bytes, not 3"),
        ({"annotations": [{"timestamp": 2**64 - 1}]}, "annotations: expected a number from 0 to"),
        ({"annotations": [{}] * (MOST_ANNOTATIONS + 1)}, "annotations: expected a number from 0 to 65536, not 65537"),
    ],
)
def test_what_is_wrong(fields, message):
    with pytest.raises(ValueError, match=message):
        read(**fields)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"\x0a\x7f", "not a list of spans"),
        (b"[]", "not a list of spans"),
        (b"\x0a\x02\x0a\x7f", r"spans\[0\]: not valid protobuf"),
        (b"\x0a\x03\x2a\x01\xff", r"spans\[0\]: not valid protobuf"),
    ],
)
def test_what_is_no_protobuf(payload, message):
    with pytest.raises(ValueError, match=message):
        list(read_proto(payload))
