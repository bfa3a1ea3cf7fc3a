"""Answers as bytes."""

import pytest

from collector.net.http import HttpAnswer
from collector.net.http1.answers import AnswerWriter
from collector.testing import ManualClock

DATE = b"Date: Thu, 01 Jan 1970 00:16:40 GMT\r\n\r\n"


def written(answer, more=None, common=None, *, version="1.1", closes=False, only_head=False):
    writer = AnswerWriter(ManualClock(), common or {})
    return writer.write(answer, more or {}, version=version, closes=closes, only_head=only_head)


def test_an_answer():
    start = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
    assert start + DATE + b"hello" == written(HttpAnswer(200, b"hello"))
    assert start + DATE == written(HttpAnswer(200, b"hello"), only_head=True)


def test_headers_of_the_server_of_the_answer_and_of_the_moment():
    answer = HttpAnswer(503, content_type="", headers={"Retry-After": "1"})
    start = b"HTTP/1.1 503 Service Unavailable\r\nX-A: b\r\nRetry-After: 1\r\nVary: Origin\r\nContent-Length: 0\r\n"
    assert start + DATE == written(answer, {"Vary": "Origin"}, {"X-A": "b"})


@pytest.mark.parametrize(
    ("version", "closes", "header"),
    [("1.1", True, b"close"), ("1.0", True, b"close"), ("1.0", False, b"keep-alive"), ("1.1", False, None)],
)
def test_whether_the_connection_goes_on(version, closes, header):
    answer = written(HttpAnswer(), version=version, closes=closes)
    assert (header is not None) is (b"Connection: " in answer)
    assert header is None or b"\r\nConnection: " + header + b"\r\n" in answer


def test_no_content_has_no_length():
    assert b"HTTP/1.1 204 No Content\r\n" + DATE == written(HttpAnswer(204, content_type=""))


def test_a_status_without_a_name():
    assert written(HttpAnswer(299)).startswith(b"HTTP/1.1 299 \r\n")


@pytest.mark.parametrize("value", ["a\r\nb", "a\nb", "a\rb", "a\0b", "a\r\n b\n"])
def test_no_value_adds_a_header(value):
    for answer in (
        written(HttpAnswer(200, content_type=value)),
        written(HttpAnswer(content_type="", headers={"X": value})),
        written(HttpAnswer(content_type=""), common={"X": value}),
    ):
        assert b": a b\r\n" in answer.replace(b"  ", b" ")
        assert 5 == answer.count(b"\r\n")


async def test_the_date_goes_on():
    clock = ManualClock()
    writer = AnswerWriter(clock, {})
    await clock.advance(1)
    answer = writer.write(HttpAnswer(), {}, version="1.1", closes=False, only_head=False)
    assert b"Date: Thu, 01 Jan 1970 00:16:41 GMT\r\n" in answer
