import json

import pytest

from collector.translate.zipkin.model import Endpoint, ZipkinSpan
from collector.translate.zipkin.v2_json import read_json, write_json

IDS = {"traceId": "a", "id": "b"}


def read(**members):
    (span,) = read_json(json.dumps([{**IDS, **members}]).encode())
    return span


def test_a_whole_span():
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
        annotations=[(3, "ä")],
        tags={"k": "v"},
    )
    written = write_json([span])
    assert {
        "traceId": "74" * 16,
        "parentId": "70" * 8,
        "id": "73" * 8,
        "kind": "CLIENT",
        "name": "n",
        "timestamp": 1,
        "duration": 2,
        "localEndpoint": {"serviceName": "l", "ipv4": "1.2.3.4", "ipv6": "::1", "port": 5},
        "remoteEndpoint": {"serviceName": "r"},
        "annotations": [{"timestamp": 3, "value": "ä"}],
        "tags": {"k": "v"},
    } == json.loads(written)[0]
    assert [span] == list(read_json(written))


def test_what_is_empty_is_left_out():
    """And a trace id of 64 bits has the 16 digits that its sender gave it."""
    assert [{"traceId": "0" * 15 + "a", "id": "0" * 15 + "b"}] == json.loads(write_json([read()]))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7::0.128.128.127", "7::80:807f"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("db.local", "db.local"),
        ("52.0.0.04", "52.0.0.04"),
    ],
)
def test_addresses(text, expected):
    """In their usual form; what is none is kept, as Zipkin takes it too."""
    assert expected == read(localEndpoint={"ipv6": text}).local.ip


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"traceId": None}, r"spans\[0\].traceId: every span needs a trace id that is not zero"),
        ({"id": "0"}, r"spans\[0\].id: every span needs an id that is not zero"),
        ({"traceId": "a" * 33}, "at most 32 hexadecimal digits"),
        ({"id": "a" * 17}, "at most 16 hexadecimal digits"),
        ({"parentId": "-1"}, "at most 16 hexadecimal digits"),
        ({"timestamp": -1}, r"spans\[0\].timestamp: expected a number from 0"),
        ({"timestamp": "1"}, 'a whole number, not "1"'),
        ({"timestamp": 18446744073709551, "duration": 1}, r"spans\[0\].duration: the span ends later"),
        ({"localEndpoint": {"port": 65536}}, r"spans\[0\].localEndpoint.port: expected a number from 0 to 65535"),
        ({"tags": {"a": []}}, r"spans\[0\].tags.a: expected a string, not an array"),
        ({"annotations": {}}, r"spans\[0\].annotations: expected an array, not an object"),
        ({"annotations": [{}] * 65537}, "expected at most 65536 members"),
    ],
)
def test_what_is_wrong(members, message):
    with pytest.raises(ValueError, match=message):
        read(**members)
