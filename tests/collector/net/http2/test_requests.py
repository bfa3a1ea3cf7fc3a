"""Requests as header blocks and bodies."""

import gzip

import pytest
from hpack import Decoder

from collector.net.compression import inflate
from collector.net.grpc_client_config import GrpcClientConfig
from collector.net.http2.requests import RequestWriter


def fields(block):
    return [(name.decode(), value.decode()) for name, value in Decoder().decode(block, raw=True)]


def writer(**options):
    return RequestWriter(GrpcClientConfig.model_validate(options), "example.com:4317")


def test_a_head():
    """Pseudo-header fields come first; values in -bin are base64 without padding."""
    head = writer(tls={"insecure": True}, user_agent="mine").head("/a.B/C", (("x-key", "value"), ("x-bin", b"\x00")))
    got = fields(head)
    assert [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "example.com:4317"),
        (":path", "/a.B/C"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ] == got[:6]
    assert dict(got)["user-agent"].startswith("mine spanmill/")
    assert "gzip" == dict(got)["grpc-encoding"]
    assert [("x-key", "value"), ("x-bin", "AA")] == got[-2:]


def test_heads_that_repeat_are_written_once():
    """There is a bound on how many are kept."""
    made = writer()
    assert made.head("/a.B/C", ()) is made.head("/a.B/C", ())
    for number in range(100):
        made.head("/a.B/C", (("authorization", str(number)),))
    assert len(made._heads) <= 8
    assert "https" == dict(fields(made.head("/a.B/C", ())))[":scheme"]


async def test_a_body_that_is_not_compressed_is_not_copied():
    made = writer(compression="none")
    message = b"a" * 1000
    prefix, body = await made.body(message)
    assert b"\x00\x00\x00\x03\xe8" == prefix
    assert body is message
    assert "grpc-encoding" not in dict(fields(made.head("/a.B/C", ())))


@pytest.mark.parametrize(
    ("compression", "encoding"), [("gzip", "gzip"), ("zstd", "zstd"), ("snappy", "x-snappy-framed")]
)
@pytest.mark.parametrize("size", [0, 1000, 1_000_000])
async def test_compressed_bodies(compression, encoding, size):
    """Small ones here, large ones in a thread."""
    made = writer(compression=compression)
    prefix, body = await made.body(b"a" * size)
    assert (1, len(body)) == (prefix[0], int.from_bytes(prefix[1:], "big"))
    assert b"a" * size == inflate(encoding, body, 10**7)
    assert compression == dict(fields(made.head("/a.B/C", ())))["grpc-encoding"]


async def test_gzip_is_what_others_call_gzip():
    _, body = await writer().body(b"message")
    assert b"message" == gzip.decompress(body)
