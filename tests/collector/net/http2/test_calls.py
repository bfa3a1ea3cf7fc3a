"""How gRPC reads a request: its head, and the message in its body."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.api import PermanentError, RetryableError, StatusCode
from collector.data.zstandard import zstd
from collector.net.budget import Budget
from collector.net.compressor import grpc_compressor
from collector.net.http2.calls import Call, CallHead
from collector.testing.http2 import prefixed

LIMIT = 10_000


def head_of(*fields, method=b"POST"):
    content_type = (
        () if any(name == b"content-type" for name, _ in fields) else ((b"content-type", b"application/grpc"),)
    )
    return CallHead.of(((b":method", method), (b":scheme", b"http"), (b":path", b"/x"), *content_type, *fields))


def call_of(*fields, budget=None):
    return Call(1, head_of(*fields), None, LIMIT, budget or Budget(2**20))


def taken(call, body, size):
    """Feed a body in chunks of a size; return the message."""
    for start in range(0, len(body), size):
        call.feed(body[start : start + size])
    return call.message()


@pytest.mark.parametrize("media_type", [b"application/grpc", b"application/grpc+proto", b"application/grpc;x=y"])
def test_grpc_has_several_names(media_type):
    assert head_of((b"content-type", media_type)).stranger is None


@pytest.mark.parametrize("media_type", [b"application/json", b"application/grpc-web", b"", b"text/application/grpc"])
def test_other_media_types_are_415(media_type):
    assert b"415" in head_of((b"content-type", media_type)).stranger.head
    assert b"405" in head_of(method=b"GET").stranger.head


@pytest.mark.parametrize(
    ("text", "seconds"),
    [(b"2H", 7200.0), (b"3M", 180.0), (b"10S", 10.0), (b"99999999m", 99_999.999), (b"5u", 5e-6), (b"7n", 7e-9)],
)
def test_timeouts(text, seconds):
    assert pytest.approx(seconds) == head_of((b"grpc-timeout", text)).timeout


@pytest.mark.parametrize("text", [b"", b"10", b"s", b"-1S", b"123456789S", b"1 S", b"1s"])
def test_what_is_no_timeout_is_refused(text):
    assert StatusCode.INTERNAL is head_of((b"grpc-timeout", text)).refusal.code


def test_an_unknown_encoding_is_unimplemented_and_told_what_is_known():
    refusal = head_of((b"grpc-encoding", b"brotli")).refusal
    assert StatusCode.UNIMPLEMENTED is refusal.code
    assert '"brotli" is not supported, use one of identity, gzip, deflate, zstd, snappy' in str(refusal)


def test_metadata_is_text_without_what_grpc_keeps_for_itself():
    head = head_of(
        (b"te", b"trailers"),
        (b"x-key", b"one"),
        (b"x-key", b"two"),
        (b"x-bin", b"AAE"),
        (b"grpc-timeout", b"1S"),
        (b"latin", b"\xe9"),
    )
    assert {"content-type": ("application/grpc",), "x-key": ("one", "two"), "latin": ("�",)} == head.metadata()


@given(st.binary(max_size=500), st.integers(1, 50))
def test_a_message_comes_in_any_parts(message, size):
    assert message == taken(call_of(), prefixed(message), size)


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        (b"gzip", gzip.compress),
        (b"deflate", zlib.compress),
        (b"zstd", zstd.compress),
        (b"snappy", grpc_compressor("snappy")),
    ],
)
def test_a_message_is_inflated(encoding, compress):
    call = call_of((b"grpc-encoding", encoding))
    message = b"abc" * 1000
    assert message == taken(call, prefixed(compress(message), compressed=True), 10)


def test_an_encoding_is_an_offer_that_a_message_need_not_take():
    assert b"plain" == taken(call_of((b"grpc-encoding", b"gzip")), prefixed(b"plain"), 100)


def test_a_message_in_many_small_parts_is_few_objects():
    """What is kept for a byte is no more than a byte, or nearly so."""
    call, message = call_of(), bytes(range(256)) * 30
    for start in range(0, len(message) + 5, 16):
        call.feed(prefixed(message)[start : start + 16])
    assert len(call._chunks) <= len(message) // 512 + 1
    assert message == call.message()


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "ends within"),
        (b"\x00\x00", "ends within"),
        (prefixed(b"abc")[:-1], "ends within"),
        (prefixed(b"abc") + b"x", "more has come"),
        (prefixed(b"") + prefixed(b""), "more has come"),
        (prefixed(b"abc", compressed=True), "grpc-encoding does not say how"),
        (b"\x02" + prefixed(b"abc")[1:], "grpc-encoding does not say how"),
    ],
)
def test_what_is_not_one_message(body, text):
    for size in (1, 100):
        with pytest.raises(PermanentError, match=text) as caught:
            taken(call_of(), body, size)
        assert StatusCode.INTERNAL is caught.value.code


def test_a_message_is_refused_by_its_prefix():
    call = call_of()
    with pytest.raises(PermanentError, match="limit of 10000 bytes") as caught:
        call.feed(b"\x00" + (LIMIT + 1).to_bytes(4, "big"))
    assert StatusCode.RESOURCE_EXHAUSTED is caught.value.code


def test_a_bomb_is_refused_by_its_inflated_size():
    call = call_of((b"grpc-encoding", b"gzip"))
    with pytest.raises(PermanentError, match="limit of 10000 bytes"):
        taken(call, prefixed(gzip.compress(bytes(10**6)), compressed=True), 100)


def test_what_is_held_counts_and_is_given_back():
    budget = Budget(1000)
    first, second = call_of(budget=budget), call_of((b"grpc-encoding", b"gzip"), budget=budget)
    first.feed(prefixed(bytes(800)))
    assert 805 == budget.used
    with pytest.raises(RetryableError, match="too many requests"):
        second.feed(bytes(300))
    first.release()
    assert 0 == budget.used
    second.feed(prefixed(gzip.compress(bytes(900)), compressed=True))
    second.message()
    assert budget.used >= 900
    second.release()
    assert 0 == budget.used


def test_a_body_that_nobody_wants_is_read_past_within_bounds():
    budget = Budget(1000)
    call = call_of(budget=budget)
    call.verdict = head_of(method=b"GET").stranger
    for _ in range(10):
        call.feed(bytes(1000))
    assert 0 == budget.used
    with pytest.raises(PermanentError):
        call.feed(b"x")


def test_a_call_expires_with_its_deadline_or_with_the_servers_patience():
    call = call_of((b"grpc-timeout", b"5S"))
    call.begin(100.0, 60.0)
    assert (105.0, 105.0) == (call.deadline, call.expires)
    call = call_of((b"grpc-timeout", b"5M"))
    call.begin(100.0, 60.0)
    assert (400.0, 160.0) == (call.deadline, call.expires)
    call = call_of()
    call.begin(100.0, 60.0)
    assert (float("inf"), 160.0) == (call.deadline, call.expires)
