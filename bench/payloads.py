"""Export requests as a busy service sends them: nine typed attributes a span, ids at random, times that advance."""

import random
from pathlib import Path
from typing import Any

from collector.data import Signal, set_attribute
from collector.data.messages import REQUESTS

START_NS = 1_767_225_600_000_000_000
SPANS_A_TRACE = 8
# So many spans differ before the requests repeat: enough traces that a sampler of 10 % keeps nearly that.
SPANS_THAT_DIFFER = 4096


def trace_request(spans: int, *, attributes: int = 9, resources: int = 1, seed: int = 1) -> bytes:
    """Return a serialized trace export request of so many spans, eight to a trace, shared out over the resources."""
    source = random.Random(seed)
    request = REQUESTS[Signal.TRACES]()
    trace_id = b""
    for number in range(spans):
        if number * resources // spans == len(request.resource_spans):
            scope_spans = _scope_spans(request, len(request.resource_spans))
        if number % SPANS_A_TRACE == 0:
            trace_id = source.randbytes(16)
        start = START_NS + number * 1_000_000
        span = scope_spans.spans.add(
            trace_id=trace_id,
            span_id=source.randbytes(8),
            parent_span_id=source.randbytes(8),
            name=f"GET /api/orders/{source.randrange(10**6)}",
            kind=2,
            start_time_unix_nano=start,
            end_time_unix_nano=start + source.randrange(10**8),
        )
        for key, value in _attributes(source, number)[:attributes]:
            set_attribute(span.attributes, key, value)
        for extra in range(9, attributes):
            set_attribute(span.attributes, f"app.label.{extra}", f"value-{source.randrange(1000)}")
    payload: bytes = request.SerializeToString()
    return payload


def write_requests(path: Path, spans: int, *, attributes: int = 9, resources: int = 1) -> None:
    """Write the requests that a generator goes through in turn, each after its length (four bytes, big endian)."""
    with path.open("wb") as file:
        for seed in range(max(2, SPANS_THAT_DIFFER // spans)):
            payload = trace_request(spans, attributes=attributes, resources=resources, seed=seed)
            file.write(len(payload).to_bytes(4, "big") + payload)


def read_requests(path: Path) -> list[bytes]:
    """Return the requests of such a file."""
    data, requests = path.read_bytes(), []
    while data:
        end = 4 + int.from_bytes(data[:4], "big")
        requests.append(data[4:end])
        data = data[end:]
    return requests


def _scope_spans(request: Any, number: int) -> Any:
    """Add a resource, named as one of a fleet."""
    resource_spans = request.resource_spans.add()
    for key, value in (
        ("service.name", "checkout"),
        ("service.version", "1.4.2"),
        ("host.name", f"node-{17 + number}"),
    ):
        set_attribute(resource_spans.resource.attributes, key, value)
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = "bench"
    return scope_spans


def _attributes(source: random.Random, number: int) -> list[tuple[str, str | int | bool]]:
    return [
        ("http.request.method", "GET"),
        ("url.full", f"https://shop.example.com/api/orders/{number}?page=2"),
        ("http.response.status_code", 200),
        ("user.email", f"customer{number}@example.com"),
        ("credit_card", "4111111111111111"),
        ("net.peer.ip", "10.1.2.3"),
        ("cart.items", number % 7),
        ("cached", number % 3 == 0),
        ("thread.name", f"worker-{source.randrange(64)}"),
    ]
