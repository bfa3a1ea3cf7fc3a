"""Zipkin's spans (https://zipkin.io/zipkin-api/), whatever they are encoded in."""

import ipaddress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, TypeVar

# Microseconds since the Unix epoch, or of a duration, that fit into OTLP's 64 bits as nanoseconds.
MOST_MICROSECONDS = (2**64 - 1) // 1000
MOST_PORT = 2**16 - 1
# Of a span; what senders allow is a thousandth of it. Without a bound a request of many empty ones would take hundreds
# of times its own size to hold.
MOST_ANNOTATIONS = 2**16

AnySpan = TypeVar("AnySpan", bound="SpanBase")


class Endpoint(NamedTuple):
    """A node of the network; what is not known is empty or 0. Addresses are text."""

    service: str = ""
    ipv4: str = ""
    ipv6: str = ""
    port: int = 0

    @property
    def ip(self) -> str:
        """The one address that OTLP has a place for."""
        return self.ipv6 or self.ipv4


NO_ENDPOINT = Endpoint()


@dataclass(slots=True)
class SpanBase:
    """What a span has in every version. Times are in microseconds, 0 where they are not known."""

    trace_id: bytes
    id: bytes
    parent_id: bytes = b""
    name: str = ""
    timestamp: int = 0
    duration: int = 0

    @property
    def parent(self) -> bytes:
        """The parent's id, empty where there is none; the later half of a span that two hosts share may name itself."""
        return self.parent_id if any(self.parent_id) and self.parent_id != self.id else b""


@dataclass(slots=True)
class ZipkinSpan(SpanBase):
    """A span of version 2. `kind` is a word such as `CLIENT`, or empty; annotations are times and values."""

    kind: str = ""
    local: Endpoint = NO_ENDPOINT
    remote: Endpoint = NO_ENDPOINT
    annotations: list[tuple[int, str]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)


def checked(span: AnySpan) -> AnySpan:
    """Return a span that has its ids, and an end that fits into OTLP.

    Raises:
        ValueError: it has not; the message begins with the field.

    """
    if not any(span.trace_id):
        raise ValueError("traceId: every span needs a trace id that is not zero")
    if not any(span.id):
        raise ValueError("id: every span needs an id that is not zero")
    if span.timestamp + span.duration > MOST_MICROSECONDS:
        raise ValueError("duration: the span ends later than OTLP can say")
    return span


def checked_count(number: int, field: str, most: int = MOST_MICROSECONDS) -> int:
    """Return a number that is not negative and not too large.

    Raises:
        ValueError: it is; the message begins with the field.

    """
    if not 0 <= number <= most:
        raise ValueError(f"{field}: expected a number from 0 to {most}, not {number}")
    return number


@lru_cache(maxsize=4096)
def address(value: str | bytes) -> str:
    """Return an IP address, of text or of packed bytes, in its usual form; empty for an empty one.

    A text that is no address stays as it is: Zipkin takes such spans.

    Raises:
        ValueError: there are neither 4 nor 16 bytes.

    """
    if not value:
        return ""
    try:
        parsed = ipaddress.ip_address(value)
    except ValueError:
        if isinstance(value, str):
            return value
        raise ValueError(f"expected an IP address of 4 or 16 bytes, not {len(value)}") from None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)
