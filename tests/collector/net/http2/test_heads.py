"""Which header fields make a request."""

import pytest

from collector.net.http2.frames import ErrorCode, StreamFailure
from collector.net.http2.heads import RequestHead, check_trailers

PSEUDO = ((b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/x"))


def test_a_request():
    fields = ((b"te", b"trailers"), (b"x-key", b"one"), (b"x-key", b"two"), (b"content-length", b"12"))
    head = RequestHead.of((*PSEUDO, (b":authority", b"host"), *fields))
    assert (b"POST", b"/x", b"host", fields, 12) == (
        head.method,
        head.path,
        head.authority,
        head.fields,
        head.content_length,
    )
    assert b"two" == head.named[b"x-key"]


def test_the_least_that_a_request_needs():
    head = RequestHead.of(PSEUDO)
    assert (b"", (), None) == (head.authority, head.fields, head.content_length)


@pytest.mark.parametrize(
    "fields",
    [
        (),
        PSEUDO[1:],
        PSEUDO[:2],
        (PSEUDO[0], PSEUDO[2]),
        (*PSEUDO[:2], (b":path", b"")),
        (*PSEUDO, PSEUDO[0]),
        (*PSEUDO, (b":status", b"200")),
        (PSEUDO[0], (b"x-key", b"value"), *PSEUDO[1:]),
        (*PSEUDO, (b"Upper", b"case")),
        (*PSEUDO, (b"", b"nameless")),
        (*PSEUDO, (b"a b", b"space")),
        (*PSEUDO, (b"two\nlines", b"x")),
        (*PSEUDO, (b"x-key", b"two\nlines")),
        (*PSEUDO, (b"x-key", b"return\r")),
        (*PSEUDO, (b"x-key", b"zero\x00")),
        (*PSEUDO, (b"x-key", b" before")),
        (*PSEUDO, (b"x-key", b"behind\t")),
        (*PSEUDO[:2], (b":path", b"/two\nlines")),
        (*PSEUDO, (b"connection", b"close")),
        (*PSEUDO, (b"transfer-encoding", b"chunked")),
        (*PSEUDO, (b"te", b"gzip")),
        (*PSEUDO, (b"content-length", b"-1")),
        (*PSEUDO, (b"content-length", b"")),
        (*PSEUDO, (b"content-length", b"1"), (b"content-length", b"2")),
        (*PSEUDO, (b"content-length", b"9" * 30)),
    ],
)
def test_what_is_malformed(fields):
    with pytest.raises(StreamFailure) as caught:
        RequestHead.of(fields)
    assert ErrorCode.PROTOCOL_ERROR is caught.value.code


def test_trailers_are_regular_fields():
    check_trailers(((b"x-key", b"value"),))
    check_trailers(())
    for fields in [((b":path", b"/"),), ((b"Upper", b"case"),)]:
        with pytest.raises(StreamFailure):
            check_trailers(fields)
