"""What an HTTP server answered other than yes, as the error of an exporter."""

from collections.abc import Mapping

from collector.api import Clock, ConsumeError
from collector.net.answers import error_of_http, parse_retry_after
from collector.net.http_client import Answer, shown

_SHOWN = 200  # characters of what the server says


def refusal(
    url: str, answer: Answer, advice: Mapping[int, str], clock: Clock, detail: str | None = None
) -> ConsumeError:
    """Return the error that an answer means; `advice` is by status.

    `detail` is what the server says, where that is not the text of its answer.
    """
    if detail is None:
        detail = (answer.body or b"").decode(errors="replace").strip()[:_SHOWN]
    if location := answer.headers.get("Location"):
        detail = f"redirected to {shown(location)}: set that as the endpoint"
    what_to_do = f" ({advice[answer.status]})" if answer.status in advice else ""
    message = f"{shown(url)}: HTTP status {answer.status}{': ' if detail else ''}{detail}{what_to_do}"
    retry_after = parse_retry_after(answer.headers.get("Retry-After"), clock.time_ns() / 1e9)
    return error_of_http(answer.status, message, retry_after)
