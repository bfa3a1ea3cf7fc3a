"""What clients are told."""

import base64
from urllib.parse import unquote

import pytest
from google.rpc.status_pb2 import Status
from hpack import Decoder

from collector.api import PermanentError, RetryableError, StatusCode
from collector.net.http2 import answers


def fields(block):
    return dict(Decoder().decode(block))


def test_success():
    answer = answers.success(b"abc")
    assert {":status": "200", "content-type": "application/grpc"} == fields(answer.head)
    assert b"\x00\x00\x00\x00\x03abc" == answer.body
    assert {"grpc-status": "0"} == fields(answer.trailers)


def test_a_refusal_is_one_block_with_details():
    answer = answers.refusal(RetryableError("busy", code=StatusCode.RESOURCE_EXHAUSTED, retry_after=1.0))
    told = fields(answer.head)
    assert (b"", b"") == (answer.body, answer.trailers)
    assert ("200", "8", "busy") == (told[":status"], told["grpc-status"], told["grpc-message"])
    details = told["grpc-status-details-bin"]
    assert "=" not in details
    status = Status.FromString(base64.b64decode(details + "=" * (-len(details) % 4)))
    assert (8, "busy", 1) == (status.code, status.message, len(status.details))


@pytest.mark.parametrize("text", ["100 % sure?", "two\nlines", "grüße", "tab\t~", ""])
def test_messages_are_percent_encoded(text):
    message = fields(answers.refusal(PermanentError(text)).head)["grpc-message"]
    assert message.isascii()
    assert message.isprintable()
    assert text == unquote(message)


def test_only_what_must_be_is_encoded():
    message = fields(answers.refusal(PermanentError('a "b" (c): /d?e=f&g')).head)["grpc-message"]
    assert 'a "b" (c): /d?e=f&g' == message


def test_long_messages_are_cut_to_what_clients_bear():
    """Clients refuse headers of more than 8 KiB."""
    assert len(answers.refusal(PermanentError("x" * 100_000)).head) < 2000
    assert len(answers.refusal(PermanentError("ü" * 100_000)).head) < 8000


def test_plain_answers_are_http():
    answer = answers.plain(415, "no")
    assert {":status": "415", "content-type": "text/plain"} == fields(answer.head)
    assert (b"no", b"") == (answer.body, answer.trailers)


def test_the_answer_to_http_1_is_whole():
    head, _, body = answers.HTTP_1_ANSWER.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"gRPC" in body
