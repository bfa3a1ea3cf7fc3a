"""What Tempo says no with, as errors that say what to do.

Tempo tells its limits apart by words in the message only. Their codes do not always tell whether to try again: over the
rate it answers RESOURCE_EXHAUSTED, before version 3.0 without the RetryInfo that OTLP asks for; where the tenant is
missing it answers UNAVAILABLE, or 503.
"""

from typing import NamedTuple

from collector.api import ConsumeError, PermanentError, RetryableError


class _Refusal(NamedTuple):
    sign: str  # in lower case
    reason: str
    again: bool
    advice: str


_TOO_LARGE = "lower max_request_bytes, or raise the limit of Tempo's OTLP receiver; a single span cannot be divided"
_REFUSALS = (
    _Refusal("rate_limited", "rate_limited", True, "raise the tenant's ingestion rate and burst in Tempo's overrides"),
    # Live traces become fewer as Tempo writes those that are idle.
    _Refusal("live_traces_exceeded", "live_traces_exceeded", True, "raise max_traces_per_user in Tempo's overrides"),
    _Refusal("trace_too_large", "trace_too_large", False, "raise max_bytes_per_trace in Tempo's overrides"),
    _Refusal("no org id", "no_tenant", False, "set tenant, tenant_from_resource or tenant_from_metadata"),
    # As gRPC and HTTP servers written in Go say it.
    _Refusal("larger than max", "request_too_large", False, _TOO_LARGE),
    _Refusal("request body too large", "request_too_large", False, _TOO_LARGE),
)


def explained(error: ConsumeError) -> ConsumeError:
    """Return what an error means that came from Tempo; the error itself where Tempo has no words for it."""
    said = str(error).lower()
    refusal = next((refusal for refusal in _REFUSALS if refusal.sign in said), None)
    if refusal is None:
        return error
    message = f"{error} ({refusal.advice})"
    if not refusal.again:
        return PermanentError(message, reason=refusal.reason, code=error.code)
    delay = error.retry_after if isinstance(error, RetryableError) else None
    return RetryableError(message, reason=refusal.reason, code=error.code, retry_after=delay)
