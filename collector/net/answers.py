"""What a backend answered, as errors: gRPC codes, HTTP statuses and OTLP's partial success.

The pairing of codes with trying again or not is the OTLP specification's
(https://opentelemetry.io/docs/specs/otlp/#failures); `collector.net.status` has the other direction.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from collector.api import ConsumeError, PermanentError, RetryableError, StatusCode
from collector.data import Signal
from collector.data.messages import REJECTED, RESPONSES, DecodeError, ProtoMessage
from collector.net.status import RETRYABLE_CODES

# The specification asks for 429, 502, 503 and 504.
_RETRYABLE_STATUSES = {
    429: StatusCode.RESOURCE_EXHAUSTED,
    502: StatusCode.UNAVAILABLE,
    503: StatusCode.UNAVAILABLE,
    504: StatusCode.UNAVAILABLE,
}
_PERMANENT_STATUSES = {
    400: StatusCode.INVALID_ARGUMENT,
    401: StatusCode.UNAUTHENTICATED,
    403: StatusCode.PERMISSION_DENIED,
    404: StatusCode.UNIMPLEMENTED,
    413: StatusCode.RESOURCE_EXHAUSTED,
}
_HONOURS_RETRY_AFTER = (429, 503)


class Acceptance(NamedTuple):
    """What a backend says beside yes: how many items it refused, and a message, which may also be a mere warning."""

    rejected: int
    message: str


def error_of_grpc(code: int, message: str, details: bytes = b"") -> ConsumeError:
    """Return the error that a gRPC status means to whoever sent the request.

    `details` is the `grpc-status-details-bin` of the answer; a RetryInfo in it gives the delay, and makes
    RESOURCE_EXHAUSTED an error after which to try again.
    """
    status = StatusCode(code) if 0 <= code <= max(StatusCode) else StatusCode.UNKNOWN
    reason = status.name.lower()
    delay = _retry_delay(details)
    exhausted_for_good = status is StatusCode.RESOURCE_EXHAUSTED and delay is None
    if status in RETRYABLE_CODES and not exhausted_for_good:
        return RetryableError(message, reason=reason, code=status, retry_after=delay)
    return PermanentError(message, reason=reason, code=status)


def error_of_http(status: int, message: str, retry_after: float | None = None) -> ConsumeError:
    """Return the error that an HTTP status other than 2xx means; `retry_after` is the header's value in seconds."""
    reason = f"http_{status}"
    if code := _RETRYABLE_STATUSES.get(status):
        delay = retry_after if status in _HONOURS_RETRY_AFTER else None
        return RetryableError(message, reason=reason, code=code, retry_after=delay)
    return PermanentError(message, reason=reason, code=_PERMANENT_STATUSES.get(status, StatusCode.UNKNOWN))


def parse_retry_after(value: str | None, now: float) -> float | None:
    """Return the seconds of a `Retry-After` header, which has seconds or a date; None where it has neither.

    `now` is in seconds since the Unix epoch.
    """
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max((date - datetime.fromtimestamp(now, UTC)).total_seconds(), 0.0)


def parse_acceptance(signal: Signal, body: bytes, *, json: bool = False) -> Acceptance:
    """Return what an OTLP export response says.

    Raises:
        PermanentError: the body is no such response; sending again would not change the answer.

    """
    response = RESPONSES[signal]()
    try:
        _parse(body, response, json=json)
    except DecodeError as error:
        raise PermanentError(
            f"the backend said yes, but its answer is not an OTLP response: {error}", reason="bad_answer"
        ) from error
    partial = response.partial_success
    return Acceptance(getattr(partial, REJECTED[signal]), partial.error_message)


def parse_failure(body: bytes, *, json: bool = False) -> str:
    """Return the message of a `google.rpc.Status`, with which OTLP/HTTP answers failures, or an empty string."""
    status = Status()
    try:
        _parse(body, status, json=json)
    except DecodeError:
        return ""
    message: str = status.message
    return message


def _parse(body: bytes, message: ProtoMessage, *, json: bool) -> None:
    if not json:
        message.ParseFromString(body)
        return
    from google.protobuf import json_format  # noqa: PLC0415 - not small, and few backends answer in JSON

    try:
        json_format.Parse(body or b"{}", message, ignore_unknown_fields=True)
    except json_format.ParseError as error:
        raise DecodeError(str(error)) from error


def _retry_delay(details: bytes) -> float | None:
    """Return the seconds of the RetryInfo in a serialized `google.rpc.Status`, or None."""
    info = RetryInfo()
    try:
        for detail in Status.FromString(details).details:
            if detail.Unpack(info):
                return max(float(info.retry_delay.ToNanoseconds()) / 1e9, 0.0)
    except DecodeError:
        pass
    return None
