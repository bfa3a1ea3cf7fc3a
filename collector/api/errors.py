"""What can go wrong on the way, told by what the caller should do.

Components raise these; they are translated at the border, both ways, to gRPC codes and HTTP statuses as the OTLP
specification has them (https://opentelemetry.io/docs/specs/otlp/#failures).
"""

import enum


class StatusCode(enum.IntEnum):
    """The gRPC status codes, numbered as on the wire."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


class ConsumeError(Exception):
    """A batch was not taken. `reason` is the short word under which metrics count it."""

    code = StatusCode.UNKNOWN

    def __init__(self, message: str, *, reason: str = "error", code: StatusCode | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        if code is not None:
            self.code = code


class PermanentError(ConsumeError):
    """This batch will never be taken: do not send it again."""

    code = StatusCode.INTERNAL


class RetryableError(ConsumeError):
    """Not now: send the same batch again, after `retry_after` seconds where that is known."""

    code = StatusCode.UNAVAILABLE

    def __init__(
        self,
        message: str,
        *,
        reason: str = "error",
        code: StatusCode | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, reason=reason, code=code)
        self.retry_after = retry_after


class PartialError(ConsumeError):
    """A part was refused and will never be taken; the rest was taken, so nothing is to be sent again.

    `rejected` counts spans, log records or data points.
    """

    code = StatusCode.OK

    def __init__(self, message: str, *, rejected: int, reason: str = "rejected") -> None:
        super().__init__(message, reason=reason)
        self.rejected = rejected


class StartError(Exception):
    """A component cannot start; the message says what the operator should change."""
