"""Errors as `google.rpc.Status`, gRPC codes and HTTP statuses, as the OTLP specification pairs them."""

import math

from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from collector.api import ConsumeError, RetryableError, StatusCode
from collector.data.messages import ProtoMessage

# After these a sender tries again; after RESOURCE_EXHAUSTED only where the answer has a RetryInfo.
RETRYABLE_CODES = frozenset(
    {
        StatusCode.CANCELLED,
        StatusCode.DEADLINE_EXCEEDED,
        StatusCode.RESOURCE_EXHAUSTED,
        StatusCode.ABORTED,
        StatusCode.OUT_OF_RANGE,
        StatusCode.UNAVAILABLE,
        StatusCode.DATA_LOSS,
    }
)

_HTTP_STATUSES = {
    StatusCode.INVALID_ARGUMENT: 400,
    StatusCode.UNAUTHENTICATED: 401,
    StatusCode.PERMISSION_DENIED: 403,
    StatusCode.UNIMPLEMENTED: 404,
    StatusCode.RESOURCE_EXHAUSTED: 413,
}


def code_of(error: ConsumeError) -> StatusCode:
    """Return the code that makes a sender do what the error means: its own, unless that would say the opposite."""
    if isinstance(error, RetryableError):
        return error.code if error.code in RETRYABLE_CODES else StatusCode.UNAVAILABLE
    if error.code is StatusCode.RESOURCE_EXHAUSTED:
        return error.code
    return StatusCode.INTERNAL if error.code in RETRYABLE_CODES or error.code is StatusCode.OK else error.code


def http_status_of(error: ConsumeError) -> int:
    """Return the HTTP status that makes a sender do what the error means."""
    code = code_of(error)
    if isinstance(error, RetryableError):
        return 429 if code is StatusCode.RESOURCE_EXHAUSTED else 503
    return _HTTP_STATUSES.get(code, 500)


def retry_delay(error: ConsumeError) -> float | None:
    """Return the seconds to name in an answer; 0 leaves the choice to the sender, None says nothing."""
    if not isinstance(error, RetryableError):
        return None
    if error.retry_after is None and error.code is StatusCode.RESOURCE_EXHAUSTED:
        return 0.0
    return error.retry_after


def retry_after_header(error: ConsumeError) -> str | None:
    """Return the value of an HTTP `Retry-After` header, in whole seconds, or None."""
    delay = retry_delay(error)
    return str(math.ceil(delay)) if delay else None


def status_of(error: ConsumeError) -> ProtoMessage:
    """Return the `google.rpc.Status` that tells a sender of an error, with a RetryInfo where a delay is known."""
    status = Status(code=code_of(error), message=str(error))
    delay = retry_delay(error)
    if delay is not None:
        wait = Duration()
        wait.FromNanoseconds(round(delay * 1e9))
        status.details.add().Pack(RetryInfo(retry_delay=wait))
    return status
