import struct

import pytest
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.transport.TTransport import TMemoryBuffer

from collector.translate.zipkin import v1_thrift
from collector.translate.zipkin.model import Endpoint
from collector.translate.zipkin.v1 import Annotation, BinaryAnnotation, SpanV1
from collector.translate.zipkin.v1_thrift import read_v1_thrift


def made(struct_name, /, **fields):
    """Return a struct of this module with these fields."""
    found = getattr(v1_thrift, f"_{struct_name}")()
    for field, value in fields.items():
        setattr(found, field, value)
    return found


def read(*spans):
    buffer = TMemoryBuffer()
    for span in spans:
        span.write(TBinaryProtocol(buffer))
    return list(read_v1_thrift(b"\x0c" + struct.pack(">i", len(spans)) + buffer.getvalue()))


def test_a_whole_span():
    host = made("Endpoint", ipv4=-(2**31), port=-1, service_name="shop", ipv6=bytes(15) + b"\1")
    (span,) = read(
        made(
            "Span",
            trace_id=-1,
            trace_id_high=1,
            id=2,
            parent_id=3,
            name="get",
            annotations=[made("Annotation", timestamp=5, value="sr", host=host), made("Annotation")],
            binary_annotations=[made("BinaryAnnotation", key="k", value=b"v", annotation_type=6)],
            debug=True,
            timestamp=7,
            duration=8,
        )
    )
    assert (
        SpanV1(
            trace_id=bytes(7) + b"\1" + b"\xff" * 8,
            id=bytes(7) + b"\2",
            parent_id=bytes(7) + b"\3",
            name="get",
            timestamp=7,
            duration=8,
            annotations=[Annotation(5, "sr", Endpoint("shop", "128.0.0.0", "::1", 65535)), Annotation(0, "")],
            tags=[BinaryAnnotation("k", "v")],
        )
        == span
    )


@pytest.mark.parametrize(
    ("kind", "raw", "expected"),
    [
        (0, b"\1", True),
        (0, b"\0", False),
        (1, b"\0\xff", "AP8="),
        (2, b"\xff\xff", -1),
        (3, b"\0\0\0\5", 5),
        (4, struct.pack(">q", -(2**63)), -(2**63)),
        (5, struct.pack(">d", 1.5), 1.5),
        (6, b"text", "text"),
        (6, b"\xff", "\N{REPLACEMENT CHARACTER}"),
        (4, b"\1", "AQ=="),
        (99, b"\1", "AQ=="),
        (None, b"\1", "AQ=="),
    ],
)
def test_values_by_their_type(kind, raw, expected):
    """What is not of the size of its type is kept as it came, in base64."""
    tag = made("BinaryAnnotation", key="k", value=raw, annotation_type=kind)
    (span,) = read(made("Span", trace_id=1, id=1, binary_annotations=[tag]))
    found = span.tags[0].value
    assert (expected, type(expected)) == (found, type(found))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"id": 1}, r"spans\[1\].traceId: every span needs a trace id"),
        ({"trace_id": 1}, r"spans\[1\].id: every span needs an id"),
        ({"trace_id": 1, "id": 1, "duration": -1}, r"spans\[1\].duration: expected a number from 0"),
        ({"trace_id": 1, "id": 1, "annotations": [made("Annotation", timestamp=-1)]}, r"spans\[1\].annotations"),
        (
            {"trace_id": 1, "id": 1, "annotations": [made("Annotation", host=made("Endpoint", ipv6=b"abc"))]},
            r"spans\[1\].endpoint: expected an IP address of 4 or 16 bytes, not 3",
        ),
    ],
)
def test_what_is_wrong(fields, message):
    with pytest.raises(ValueError, match=message):
        read(made("Span", trace_id=1, id=1), made("Span", **fields))


def test_more_annotations_than_any_sender_makes():
    annotations = [made("Annotation") for _ in range(2**16 + 1)]
    with pytest.raises(ValueError, match="size exceeded specified limit: 65536"):
        read(made("Span", trace_id=1, id=1, annotations=annotations))
