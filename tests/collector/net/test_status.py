"""Errors as the two protocols tell them."""

import pytest
from google.rpc.error_details_pb2 import RetryInfo

from collector.api import PermanentError, RetryableError, StatusCode
from collector.net.status import code_of, http_status_of, retry_after_header, status_of

C = StatusCode


@pytest.mark.parametrize(
    ("error", "code", "http"),
    [
        (RetryableError("x"), C.UNAVAILABLE, 503),
        (RetryableError("x", code=C.DEADLINE_EXCEEDED), C.DEADLINE_EXCEEDED, 503),
        (RetryableError("x", code=C.RESOURCE_EXHAUSTED), C.RESOURCE_EXHAUSTED, 429),
        (RetryableError("x", code=C.INTERNAL), C.UNAVAILABLE, 503),
        (PermanentError("x"), C.INTERNAL, 500),
        (PermanentError("x", code=C.INVALID_ARGUMENT), C.INVALID_ARGUMENT, 400),
        (PermanentError("x", code=C.UNAUTHENTICATED), C.UNAUTHENTICATED, 401),
        (PermanentError("x", code=C.PERMISSION_DENIED), C.PERMISSION_DENIED, 403),
        (PermanentError("x", code=C.UNIMPLEMENTED), C.UNIMPLEMENTED, 404),
        (PermanentError("x", code=C.RESOURCE_EXHAUSTED), C.RESOURCE_EXHAUSTED, 413),
        (PermanentError("x", code=C.UNAVAILABLE), C.INTERNAL, 500),
        (PermanentError("x", code=C.OK), C.INTERNAL, 500),
        (PermanentError("x", code=C.NOT_FOUND), C.NOT_FOUND, 500),
    ],
)
def test_the_answer_makes_a_sender_do_what_the_error_means(error, code, http):
    assert (code, http) == (code_of(error), http_status_of(error))


@pytest.mark.parametrize(
    ("error", "seconds", "header"),
    [
        (RetryableError("x", retry_after=1.5), 1.5, "2"),
        (RetryableError("x"), None, None),
        # Without a RetryInfo, senders take RESOURCE_EXHAUSTED for final.
        (RetryableError("x", code=C.RESOURCE_EXHAUSTED), 0.0, None),
        (PermanentError("x", code=C.RESOURCE_EXHAUSTED), None, None),
    ],
)
def test_a_delay_is_told_where_it_is_known(error, seconds, header):
    details = status_of(error).details
    if seconds is None:
        assert not details
    else:
        info = RetryInfo()
        assert details[0].Unpack(info)
        assert seconds == info.retry_delay.ToNanoseconds() / 1e9
    assert header == retry_after_header(error)
