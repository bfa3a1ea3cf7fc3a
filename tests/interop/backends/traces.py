"""What is sent to backends."""

from itertools import count as count_from
from typing import Any

from collector.data import Signal, set_attribute
from collector.data.messages import REQUESTS, Span

_NOON = 1_750_000_000_000_000_000  # nanoseconds since the Unix epoch
_KINDS = ("INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
_numbers = count_from(1)


def a_trace(count: int) -> bytes:
    """Return a serialized OTLP request of another trace, of so many spans, with everything that a span can have."""
    number = next(_numbers)
    request = REQUESTS[Signal.TRACES]()
    group = request.resource_spans.add()
    for key, value in {"service.name": "Shop", "service.instance.id": "shop-1", "process.pid": 42}.items():
        set_attribute(group.resource.attributes, key, value)
    scope = group.scope_spans.add()
    scope.scope.name, scope.scope.version = "checkout", "1.2"
    scope.spans.extend(_span(number, index) for index in range(count))
    return request.SerializeToString()


def _span(number: int, index: int) -> Any:
    start = _NOON + index * 1_000_003
    span = Span(
        trace_id=b"interop!" + number.to_bytes(8, "big"),
        span_id=(index + 1).to_bytes(8, "big"),
        parent_span_id=((index + 1) // 2).to_bytes(8, "big") if index else b"",
        trace_state="vendor=blue" if index % 7 == 0 else "",
        name=f"GET /Orders/{index}",
        kind=f"SPAN_KIND_{_KINDS[index % len(_KINDS)]}",
        start_time_unix_nano=start,
        end_time_unix_nano=start + 1_000 + index * 1_001,
    )
    attributes = {"number": index, "paid": index % 2 == 0, "ratio": 0.5, "tags": ["a", "b"], "city": "Zürich ☂"}
    for key, value in attributes.items():
        set_attribute(span.attributes, key, value)
    for name in ("packed", "sent")[: index % 3]:
        event = span.events.add(time_unix_nano=start + 500, name=name)
        set_attribute(event.attributes, "boxes", index)
        set_attribute(event.attributes, "by", "drone")
    if index % 5 == 0:
        link = span.links.add(trace_id=b"l" * 16, span_id=b"l" * 8, trace_state="a=b")
        set_attribute(link.attributes, "why", "retried")
    span.status.code = index % 3
    if span.status.code == 2:
        span.status.message = "out of stock"
    return span
