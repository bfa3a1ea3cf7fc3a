"""Made-up traces that reach the edges of what sampling policies look at; the same seed makes the same ones."""

import random
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from collector.data import AttributeValue, Signal, set_attribute, set_value
from collector.data.messages import REQUESTS, ProtoMessage, Span

BEGIN = 1_750_000_000_000_000_000
MS = 1_000_000

# Around whole milliseconds, which is what latency is counted in, and around the thresholds of `cases`.
DURATIONS = (
    *(0, 1, 999, MS - 1, MS, MS + 1, 99 * MS, 100 * MS - 1, 100 * MS, 100 * MS + 1, 101 * MS - 1, 101 * MS),
    *(250 * MS, 499 * MS, 500 * MS, 500 * MS + 999_999, 501 * MS, 1000 * MS, 1001 * MS, 5000 * MS, -3 * MS),
)
STARTS = (0, 0, 0, 0, 1, MS, 50 * MS, 400 * MS, -MS)
NAMES = ("GET /orders", "POST /orders", "GET /health", "SELECT", "process order", "", "größe")
STATES = (
    *("", "", "", "", "vendor=a", "vendor=b", "other=1,vendor=a", "vendor=a,vendor=b", "vendor=,x=1"),
    *("ot=th:8", "ot=th:c;rv:fedcba98765432", "ot=rv:00000000000001,vendor=b", "vendor=A", "not a trace state", "=;,"),
)
FLAGS = (0, 0, 0, 1, 0x100, 0x101, 0x300, 0x301, 2, 0xFF)
INTEGERS = (-(2**63), -400, -1, 0, 1, 5, 399, 400, 401, 499, 500, 599, 2**53 + 1, 2**63 - 1)
TEXTS = (
    "",
    "gold",
    "silver",
    "Gold",
    "gold\n",
    "goldfish",
    "error: timeout",
    "/api/v1/orders",
    "größe",
    "0",
    "true",
    "{}",
)
VALUES: dict[str, tuple[AttributeValue, ...]] = {
    "number": INTEGERS,
    "text": TEXTS,
    "flag": (True, False),
    "mixed": (None, True, False, 400, 400.0, "400", "gold", b"gold", ["gold", 400], {"gold": True}, "", 0, 0.0),
    "ratio": (0.0, -0.5, 0.1, 1e300, float("inf")),
}
EVENTS = ("exception", "retry", "", "message")


class Shape(NamedTuple):
    """How traces are made: the numbers of spans of which one is drawn, and whether only ids and sizes matter."""

    spans: Sequence[int] = (1, 1, 2, 3, 5, 8, 13)
    bare: bool = False


@cache
def requests(seed: int, traces: int, shape: Shape = Shape()) -> tuple[bytes, ...]:  # noqa: B008 - it is immutable
    """Return serialized export requests with so many traces; the spans of a trace are spread over them."""
    source = random.Random(seed)
    spans = [span for _ in range(traces) for span in _trace(source, shape)]
    if not shape.bare:
        source.shuffle(spans)
    return tuple(_request(source, spans[first : first + 64], shape) for first in range(0, len(spans), 64))


def spans_of(payloads: Sequence[bytes]) -> dict[str, list[ProtoMessage]]:
    """Return the spans of requests by trace id, in hexadecimal."""
    found: dict[str, list[ProtoMessage]] = {}
    for payload in payloads:
        for resource_spans in REQUESTS[Signal.TRACES].FromString(payload).resource_spans:
            for scope_spans in resource_spans.scope_spans:
                for span in scope_spans.spans:
                    found.setdefault(span.trace_id.hex(), []).append(span)
    return found


def _trace(source: random.Random, shape: Shape) -> list[ProtoMessage]:
    trace_id, begin = source.randbytes(16), BEGIN + source.randrange(10**9)
    state, flags = source.choice(STATES), source.choice(FLAGS)
    spans = []
    for number in range(source.choice(shape.spans)):
        # The OpenTelemetry Collector writes a parent and a status into every span, and counts their bytes.
        span = Span(trace_id=trace_id, span_id=source.randbytes(8), parent_span_id=source.randbytes(8))
        span.status.SetInParent()
        spans.append(span)
        if shape.bare:
            continue
        # Some traces have no root, some have several.
        if number == 0 and source.random() < 0.8:
            span.parent_span_id = b""
        span.name = source.choice(NAMES)
        span.kind = source.randrange(6)
        span.start_time_unix_nano = begin + source.choice(STARTS)
        span.end_time_unix_nano = max(0, span.start_time_unix_nano + source.choice(DURATIONS))
        span.trace_state = state if source.random() < 0.7 else source.choice(STATES)
        span.flags = flags if source.random() < 0.7 else source.choice(FLAGS)
        if source.random() < 0.3:
            span.status.code = source.choices((0, 1, 2), (1, 2, 3))[0]
            span.status.message = source.choice(("", "timeout"))
        _draw(source, span.attributes, 0.15)
        for _ in range(source.choice((0, 0, 0, 1, 2))):
            event = span.events.add(name=source.choice(EVENTS), time_unix_nano=begin)
            _draw(source, event.attributes, 0.15)
    return spans


def _request(source: random.Random, spans: Sequence[ProtoMessage], shape: Shape) -> bytes:
    request = REQUESTS[Signal.TRACES]()
    if shape.bare:
        resource_spans = request.resource_spans.add()
        set_attribute(resource_spans.resource.attributes, "service.name", "shop")
        scope_spans = resource_spans.scope_spans.add()
        scope_spans.scope.name = "scope"
        scope_spans.spans.extend(spans)
    else:
        cuts = sorted(source.sample(range(1, len(spans)), min(5, len(spans) - 1)))
        for first, last in zip([0, *cuts], [*cuts, len(spans)], strict=True):
            resource_spans = request.resource_spans.add()
            # No resource comes twice: at ingest the OpenTelemetry Collector would judge its spans apart, ours together.
            set_attribute(resource_spans.resource.attributes, "service.instance.id", str(first))
            set_attribute(resource_spans.resource.attributes, "service.name", source.choice(("shop", "cart", "bank")))
            _draw(source, resource_spans.resource.attributes, 0.02)
            middle = source.randint(first, last)
            for number, part in enumerate((spans[first:middle], spans[middle:last])):
                scope_spans = resource_spans.scope_spans.add()
                scope_spans.scope.name = f"scope-{number}"
                scope_spans.spans.extend(part)
    payload: bytes = request.SerializeToString()
    return payload


def _draw(source: random.Random, attributes: ProtoMessage, chance: float) -> None:
    """Add some attributes; now and then a key comes twice, and the first one is the one that counts."""
    for key, values in VALUES.items():
        if source.random() < chance:
            set_attribute(attributes, key, source.choice(values))
            if source.random() < 0.05:
                twin = attributes.add(key=key)
                set_value(twin.value, source.choice(values))
