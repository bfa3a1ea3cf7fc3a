"""Answers as messages or as failures; nothing here depends on a connection."""

import base64
import gzip

import pytest
from google.rpc.status_pb2 import Status

from collector.api import StatusCode
from collector.net.http2.frames import ErrorCode
from collector.net.http2.heads import AnswerHead
from collector.net.http2.replies import Reply, failure_of_reset
from collector.net.unary import MAX_ANSWER, CallFailure
from collector.testing.http2 import prefixed

GRPC = {b"content-type": b"application/grpc"}
OK = {b"grpc-status": b"0"}


def reply(*chunks, head=GRPC, status=200, trailers=OK):
    """Return the message of an answer in these parts."""
    made = Reply()
    made.begin(AnswerHead(status, head, None))
    for chunk in chunks:
        made.feed(chunk)
    return made.finish(None if trailers is None else AnswerHead(None, trailers, None))


def failure(*chunks, **parts):
    with pytest.raises(CallFailure) as caught:
        reply(*chunks, **parts)
    return caught.value


@pytest.mark.parametrize("kind", [b"application/grpc", b"application/grpc+proto", b"application/grpc;charset=utf-8"])
def test_a_message(kind):
    whole = prefixed(b"message")
    assert b"message" == reply(whole, head={b"content-type": kind})
    assert b"message" == reply(*(whole[index : index + 1] for index in range(len(whole))))
    assert b"" == reply(prefixed(b""))


def test_a_compressed_message():
    body = prefixed(gzip.compress(b"message"), compressed=True)
    assert b"message" == reply(body, head=GRPC | {b"grpc-encoding": b"gzip"})
    # The head may name an encoding that the message then does without.
    assert b"message" == reply(prefixed(b"message"), head=GRPC | {b"grpc-encoding": b"br"})


@pytest.mark.parametrize(
    ("body", "encoding", "code", "message"),
    [
        (b"", None, StatusCode.INTERNAL, "not one whole message"),
        (prefixed(b"message")[:-1], None, StatusCode.INTERNAL, "not one whole message"),
        (prefixed(b"one") + prefixed(b"two"), None, StatusCode.INTERNAL, "not one whole message"),
        (prefixed(b"message", compressed=True), None, StatusCode.INTERNAL, "was not asked for"),
        (prefixed(b"message", compressed=True), b"identity", StatusCode.INTERNAL, "was not asked for"),
        (prefixed(b"message", compressed=True), b"br", StatusCode.INTERNAL, "'br', which was not asked for"),
        (prefixed(b"message", compressed=True), b"gzip", StatusCode.INVALID_ARGUMENT, "cannot be inflated"),
        (
            prefixed(gzip.compress(bytes(MAX_ANSWER + 1)), compressed=True),
            b"gzip",
            StatusCode.RESOURCE_EXHAUSTED,
            "cannot be inflated",
        ),
    ],
)
def test_what_is_no_message(body, encoding, code, message):
    found = failure(body, head=GRPC | ({b"grpc-encoding": encoding} if encoding else {}))
    assert code is found.code
    assert message in str(found)


@pytest.mark.parametrize("body", [b"\x00" + (MAX_ANSWER + 1).to_bytes(4, "big"), bytes(5) + bytes(MAX_ANSWER + 1)])
def test_too_large_an_answer_is_refused_as_it_comes(body):
    """Neither what it announces nor what it is may exceed the limit."""
    made = Reply()
    made.begin(AnswerHead(200, GRPC, None))
    with pytest.raises(CallFailure, match="more than the limit") as caught:
        made.feed(body)
    assert StatusCode.RESOURCE_EXHAUSTED is caught.value.code


def test_a_refusal():
    """The text is percent-decoded, the details are not padded."""
    status = Status(code=8, message="busy").SerializeToString()
    details = base64.b64encode(status).rstrip(b"=")
    trailers = {b"grpc-status": b"8", b"grpc-message": b"zu%20viel%3A %C3%BC", b"grpc-status-details-bin": details}
    for found in (
        failure(trailers=trailers),
        failure(prefixed(b"ignored"), trailers=trailers),
        failure(head=GRPC | trailers, trailers=None),
    ):
        assert (StatusCode.RESOURCE_EXHAUSTED, "zu viel: ü", status) == (found.code, str(found), found.details)


@pytest.mark.parametrize("status", [b"17", b"-1", b"ok", b"", b"999999999999"])
def test_an_unknown_status(status):
    found = failure(trailers={b"grpc-status": status, b"grpc-message": b"text"})
    assert StatusCode.UNKNOWN is found.code
    assert str(found).endswith(": text")


def test_a_broken_message_and_details():
    trailers = {b"grpc-status": b"14", b"grpc-message": b"%FF%zz" + b"x" * 9000, b"grpc-status-details-bin": b"x"}
    found = failure(trailers=trailers)
    assert b"" == found.details
    assert len(str(found)) <= 2000


def test_an_answer_without_status():
    assert "drop trailers" in str(failure(prefixed(b"message"), trailers={}))
    assert StatusCode.INTERNAL is failure(prefixed(b"message"), trailers=None).code


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (200, StatusCode.UNKNOWN),
        (301, StatusCode.UNKNOWN),
        (400, StatusCode.INTERNAL),
        (401, StatusCode.UNAUTHENTICATED),
        (403, StatusCode.PERMISSION_DENIED),
        (404, StatusCode.UNIMPLEMENTED),
        (429, StatusCode.UNAVAILABLE),
        (500, StatusCode.UNKNOWN),
        (502, StatusCode.UNAVAILABLE),
        (503, StatusCode.UNAVAILABLE),
        (504, StatusCode.UNAVAILABLE),
    ],
)
def test_answers_that_are_not_grpc(status, code):
    """The start of a page is shown, its size does not matter."""
    found = failure(
        b"<h1>Not\nhere</h1>", b"x" * 10**7, head={b"content-type": b"text/html"}, status=status, trailers=None
    )
    assert code is found.code
    assert f"HTTP status {status} (text/html)" in str(found)
    assert "<h1>Not here</h1>" in str(found)
    assert len(str(found)) < 500


def test_of_a_page_only_the_start_is_kept():
    made = Reply()
    made.begin(AnswerHead(404, {b"content-type": b"text/html"}, None))
    for _ in range(1000):
        made.feed(b"x" * 150)
    assert len(made._body) <= 200


def test_a_status_of_grpc_counts_more_than_that_of_http():
    assert StatusCode.NOT_FOUND is failure(head={b"grpc-status": b"5"}, status=503, trailers=None).code


@pytest.mark.parametrize(
    ("reset", "code"),
    [
        (ErrorCode.NO_ERROR, StatusCode.INTERNAL),
        (ErrorCode.INTERNAL_ERROR, StatusCode.INTERNAL),
        (ErrorCode.REFUSED_STREAM, StatusCode.UNAVAILABLE),
        (ErrorCode.CANCEL, StatusCode.CANCELLED),
        (ErrorCode.ENHANCE_YOUR_CALM, StatusCode.RESOURCE_EXHAUSTED),
        (ErrorCode.INADEQUATE_SECURITY, StatusCode.PERMISSION_DENIED),
        (4711, StatusCode.INTERNAL),
    ],
)
def test_resets(reset, code):
    """As gRPC's protocol pairs them."""
    assert code is failure_of_reset(reset).code
