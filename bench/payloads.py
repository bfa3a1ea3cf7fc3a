"""Export requests as a busy service sends them: nine typed attributes a span, ids at random, times that advance."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.shapes import Shape
from collector.data import Signal, set_attribute
from collector.data.messages import ITEMS, REQUESTS, ProtoMessage

START_NS = 1_767_225_600_000_000_000
SPANS_A_TRACE = 8
# So many spans differ before the requests repeat: enough traces that a sampler of 10 % keeps nearly that.
SPANS_THAT_DIFFER = 4096
# Of whole traces: one of a hundred has an error, one is slow. Their spans come two at a time, between those of others.
TRACES_THAT_DIFFER = 2000
SPANS_A_PART = 2
TRACES_BETWEEN = 256
ONE_OF = 100
SLOW_NS = 1_500_000_000
ERROR = 2
ID_SIZE = 16
_ID_FIELD = b"\n\x10"  # what stands before a trace id: the field and its size


def trace_request(spans: int, *, attributes: int = 9, resources: int = 1, seed: int = 1) -> bytes:
    """Return a serialized trace export request of so many spans, eight to a trace, shared out over the resources."""
    source = random.Random(seed)
    made = []
    trace_id = b""
    for number in range(spans):
        if number % SPANS_A_TRACE == 0:
            trace_id = source.randbytes(16)
        made.append(_span(source, number, trace_id, attributes))
    return _request(made, resources)


def interleaved_requests(shape: Shape, traces: int) -> Iterator[bytes]:
    """Yield serialized requests with whole traces; the spans of a trace are spread over several requests."""
    source = random.Random(1)
    parts: list[tuple[int, list[ProtoMessage]]] = []
    for number in range(traces):
        spans = _trace(source, number, shape.attributes)
        parts += [
            (number + first // SPANS_A_PART * TRACES_BETWEEN, spans[first : first + SPANS_A_PART])
            for first in range(0, SPANS_A_TRACE, SPANS_A_PART)
        ]
    parts.sort(key=lambda part: part[0])
    spans = [span for _, part in parts for span in part]
    for first in range(0, len(spans), shape.spans):
        yield _request(spans[first : first + shape.spans], shape.resources)


def write_requests(path: Path, shape: Shape, traces: int = TRACES_THAT_DIFFER) -> None:
    """Write the requests that a generator goes through in turn, each after its length (four bytes, big endian).

    `traces` is how many there are of them where they are interleaved.
    """
    with path.open("wb") as file:
        for payload in _requests(shape, traces):
            file.write(len(payload).to_bytes(4, "big") + payload)


def _requests(shape: Shape, traces: int) -> Iterator[bytes]:
    if shape.interleaved:
        yield from interleaved_requests(shape, traces)
    else:
        for seed in range(max(2, SPANS_THAT_DIFFER // shape.spans)):
            yield trace_request(shape.spans, attributes=shape.attributes, resources=shape.resources, seed=seed)


def read_requests(path: Path) -> list[bytes]:
    """Return the requests of such a file."""
    data, requests = path.read_bytes(), []
    while data:
        end = 4 + int.from_bytes(data[:4], "big")
        requests.append(data[4:end])
        data = data[end:]
    return requests


class Renewable:
    """A serialized request that can go out again with other trace ids."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._places: list[int] = []
        at = 0
        for resource_spans in REQUESTS[Signal.TRACES].FromString(request).resource_spans:
            for scope_spans in resource_spans.scope_spans:
                for span in scope_spans.spans:
                    at = request.index(_ID_FIELD + span.trace_id, at) + len(_ID_FIELD)
                    self._places.append(at)

    def __len__(self) -> int:
        """Return how many spans it holds."""
        return len(self._places)

    def renewed(self, mask: int) -> bytes:
        """Return the request with ids that are changed by a mask of 128 bits, all alike."""
        body = bytearray(self._request)
        for at in self._places:
            body[at : at + ID_SIZE] = masked(body[at : at + ID_SIZE], mask)
        return bytes(body)


def masked(trace_id: bytes | bytearray, mask: int) -> bytes:
    """Return a trace id changed by a mask."""
    return (int.from_bytes(trace_id, "big") ^ mask).to_bytes(ID_SIZE, "big")


def _request(spans: Sequence[ProtoMessage], resources: int) -> bytes:
    request = REQUESTS[Signal.TRACES]()
    for number, span in enumerate(spans):
        if number * resources // len(spans) == len(request.resource_spans):
            scope_spans = _scope_spans(request, len(request.resource_spans))
        scope_spans.spans.append(span)
    payload: bytes = request.SerializeToString()
    return payload


def _trace(source: random.Random, number: int, attributes: int) -> list[ProtoMessage]:
    """Return the spans of a whole trace, its root first."""
    trace_id = source.randbytes(16)
    spans = [_span(source, number * SPANS_A_TRACE + index, trace_id, attributes) for index in range(SPANS_A_TRACE)]
    spans[0].ClearField("parent_span_id")
    if number % ONE_OF == 0:
        spans[-1].status.code = ERROR
    if number % ONE_OF == ONE_OF // 2:
        spans[0].end_time_unix_nano = spans[0].start_time_unix_nano + SLOW_NS
    return spans


def _span(source: random.Random, number: int, trace_id: bytes, attributes: int) -> ProtoMessage:
    start = START_NS + number * 1_000_000
    span = ITEMS[Signal.TRACES](
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
    return span


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
