"""What both exporters say of spans that Jaeger has no place for."""

from collector.api import ConsumeError, PartialError, PermanentError, StatusCode


def invalid_ids(count: int, *, partial: bool) -> ConsumeError:
    """Return the error for spans that were not sent; `partial` says whether others were."""
    message = f"{count} spans cannot be told to Jaeger: an id is of a wrong size"
    if partial:
        return PartialError(message, rejected=count, reason="invalid_id")
    return PermanentError(message, reason="invalid_id", code=StatusCode.INVALID_ARGUMENT)
