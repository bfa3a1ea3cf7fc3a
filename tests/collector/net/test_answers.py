import pytest
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from collector.api import PermanentError, RetryableError, StatusCode
from collector.data import Signal
from collector.data.messages import RESPONSES
from collector.net.answers import (
    error_of_grpc,
    error_of_http,
    parse_acceptance,
    parse_failure,
    parse_retry_after,
)
from collector.net.status import status_of

NOW = 1_445_412_480.0  # Wed, 21 Oct 2015 07:28:00 GMT


def details(*messages):
    status = Status()
    for message in messages:
        status.details.add().Pack(message)
    return status.SerializeToString()


@pytest.mark.parametrize(("code", "reason"), [(14, "unavailable"), (1, "cancelled"), (15, "data_loss")])
def test_codes_after_which_to_try_again(code, reason):
    """The code stays in the error, its name is the reason."""
    error = error_of_grpc(code, "text")

    assert (RetryableError, code, reason, None, "text") == (
        type(error),
        error.code,
        error.reason,
        error.retry_after,
        str(error),
    )


@pytest.mark.parametrize("code", [StatusCode.UNKNOWN, StatusCode.UNAUTHENTICATED, StatusCode.RESOURCE_EXHAUSTED])
def test_codes_that_are_final(code):
    """Among them RESOURCE_EXHAUSTED, where nothing says that it will pass."""
    error = error_of_grpc(code, "text")

    assert (PermanentError, code) == (type(error), error.code)


def test_a_code_that_does_not_exist():
    """A code of the future is an unknown error."""
    assert StatusCode.UNKNOWN == error_of_grpc(99, "text").code


def test_retry_info_gives_the_delay():
    """It is found behind other details, and makes RESOURCE_EXHAUSTED pass."""
    info = RetryInfo(retry_delay=Duration(seconds=7, nanos=500_000_000))
    error = error_of_grpc(StatusCode.RESOURCE_EXHAUSTED, "text", details(ErrorInfo(reason="x"), info))

    assert (RetryableError, 7.5) == (type(error), error.retry_after)
    assert 7.5 == error_of_grpc(StatusCode.UNAVAILABLE, "text", details(info)).retry_after


def test_broken_details_are_ignored():
    """A sender that cannot read the details still knows the code."""
    assert isinstance(error_of_grpc(StatusCode.UNAVAILABLE, "text", b"\xff"), RetryableError)


def test_what_our_servers_say_is_understood():
    """The error that a server was given comes out at the client."""
    told = RetryableError("busy", code=StatusCode.RESOURCE_EXHAUSTED, retry_after=2.25)
    status = status_of(told)
    error = error_of_grpc(status.code, status.message, status.SerializeToString())

    assert ("busy", told.code, 2.25) == (str(error), error.code, error.retry_after)


@pytest.mark.parametrize(("status", "delay"), [(429, 3.0), (503, 3.0), (502, None), (504, None)])
def test_http_statuses_after_which_to_try_again(status, delay):
    """Retry-After counts for 429 and 503 only."""
    error = error_of_http(status, "text", retry_after=3.0)

    assert (RetryableError, f"http_{status}", delay) == (type(error), error.reason, error.retry_after)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (301, StatusCode.UNKNOWN),
        (400, StatusCode.INVALID_ARGUMENT),
        (401, StatusCode.UNAUTHENTICATED),
        (403, StatusCode.PERMISSION_DENIED),
        (404, StatusCode.UNIMPLEMENTED),
        (413, StatusCode.RESOURCE_EXHAUSTED),
        (500, StatusCode.UNKNOWN),
    ],
)
def test_http_statuses_that_are_final(status, code):
    """All others, 500 among them."""
    error = error_of_http(status, "text")

    assert (PermanentError, code) == (type(error), error.code)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("120", 120.0),
        (" 5 ", 5.0),
        ("Wed, 21 Oct 2015 07:29:00 GMT", 60.0),
        ("Wed, 21 Oct 2015 07:29:00 -0000", 60.0),
        ("Wed, 21 Oct 2015 07:00:00 GMT", 0.0),
        ("soon", None),
        ("-3", None),
        ("1.5", None),
        ("Wed, 99 Oct 2015 07:29:00 GMT", None),
    ],
)
def test_retry_after(header, expected):
    """Seconds, or a date; a date that has passed means now; what is neither is ignored."""
    assert expected == parse_retry_after(header, NOW)


@pytest.mark.parametrize(
    ("signal", "field", "json"),
    [
        (Signal.TRACES, "rejected_spans", b'{"partialSuccess": {"rejectedSpans": "3", "errorMessage": "old"}}'),
        (Signal.METRICS, "rejected_data_points", b'{"partialSuccess":{"rejectedDataPoints":3,"errorMessage":"old"}}'),
        (
            Signal.LOGS,
            "rejected_log_records",
            b'{"partialSuccess":{"rejectedLogRecords":3,"errorMessage":"old"},"x":1}',
        ),
    ],
)
def test_partial_success(signal, field, json):
    """Each signal has its own field; unknown ones are ignored."""
    response = RESPONSES[signal]()
    setattr(response.partial_success, field, 3)
    response.partial_success.error_message = "old"

    assert (3, "old") == parse_acceptance(signal, response.SerializeToString())
    assert (3, "old") == parse_acceptance(signal, json, json=True)
    assert (0, "") == parse_acceptance(signal, b"") == parse_acceptance(signal, b"", json=True)


@pytest.mark.parametrize(("body", "json"), [(b"\xff\xff", False), (b"<html>", True)])
def test_an_answer_that_is_not_otlp(body, json):
    """It will be the same next time."""
    with pytest.raises(PermanentError, match="not an OTLP response") as failure:
        parse_acceptance(Signal.TRACES, body, json=json)
    assert "bad_answer" == failure.value.reason


@pytest.mark.parametrize(
    ("body", "json", "expected"),
    [
        (Status(code=3, message="bad span id").SerializeToString(), False, "bad span id"),
        (b'{"code": 3, "message": "bad span id", "details": []}', True, "bad span id"),
        (b"Not Found", False, ""),
        (b"Not Found", True, ""),
        (b"", False, ""),
    ],
)
def test_failures(body, json, expected):
    """The message of a status is shown; what is none is not."""
    assert expected == parse_failure(body, json=json)
