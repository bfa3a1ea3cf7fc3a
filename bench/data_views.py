"""What the views of `collector.data` cost, in CPU microseconds a span.

    python bench/data_views.py [spans] [attributes]

One request (512 spans of 9 attributes, where not told otherwise); the best of several rounds each.
"""

import sys
import time
from collections.abc import Callable

from collector.data import Batch, OpenBatch, OpenScope, Signal, merge, set_attribute
from collector.data.messages import REQUESTS
from collector.data.otlp_json import decode, encode
from collector.data.split import split

ROUNDS = 15


def request(spans: int, attributes: int) -> bytes:
    """Return a serialized request as a server's instrumentation would send it."""
    message = REQUESTS[Signal.TRACES]()
    resource = message.resource_spans.add()
    set_attribute(resource.resource.attributes, "service.name", "checkout")
    scope = resource.scope_spans.add()
    scope.scope.name = "opentelemetry.instrumentation.asgi"
    for number in range(spans):
        span = scope.spans.add(
            trace_id=(number // 8).to_bytes(16, "big"),
            span_id=number.to_bytes(8, "big"),
            name=f"GET /item/{number}",
            kind=2,
            start_time_unix_nano=1_544_712_660_000_000_000 + number,
            end_time_unix_nano=1_544_712_661_000_000_000 + number,
        )
        for position in range(attributes):
            set_attribute(span.attributes, f"http.request.attribute{position}", f"value {position} of span {number}")
    payload: bytes = message.SerializeToString()
    return payload


def only_scope(batch: Batch) -> tuple[OpenBatch, OpenScope]:
    """Open a batch and return it with its only scope."""
    opened = batch.open()
    return opened, opened.resources[0].scopes[0]


def decode_all(batch: Batch) -> None:
    """Decode every span, change none."""
    opened, scope = only_scope(batch)
    for index in range(len(scope)):
        scope.message(index)
    opened.encode()


def edit_one(batch: Batch) -> None:
    """Edit one span of the batch."""
    opened, scope = only_scope(batch)
    scope.message(0).name = "edited"
    scope.touch(0)
    opened.encode()


def edit_all(batch: Batch) -> None:
    """Edit every span."""
    opened, scope = only_scope(batch)
    for index in range(len(scope)):
        scope.message(index).name = "edited"
        scope.touch(index)
    opened.encode()


def drop_half(batch: Batch) -> None:
    """Drop every other span by its position."""
    opened, scope = only_scope(batch)
    scope.keep(lambda index: index % 2 == 0)
    opened.encode()


def full(batch: Batch) -> None:
    """Decode and encode the whole request without views."""
    REQUESTS[Signal.TRACES].FromString(batch.payload).SerializeToString()


def best(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the fastest round."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Measure and print."""
    spans, attributes = (int(argument) for argument in (*sys.argv[1:], *("512", "9")[len(sys.argv) - 1 :]))
    payload = request(spans, attributes)
    text = encode(Signal.TRACES, payload)
    cases: dict[str, Callable[[], object]] = {
        "count": lambda: Batch(Signal.TRACES, payload).count,
        "open": lambda: Batch(Signal.TRACES, payload).open(),
        "open, encode, nothing changed": lambda: Batch(Signal.TRACES, payload).open().encode(),
        "edit one span of all": lambda: edit_one(Batch(Signal.TRACES, payload)),
        "drop every other span": lambda: drop_half(Batch(Signal.TRACES, payload)),
        "decode every span, change none": lambda: decode_all(Batch(Signal.TRACES, payload)),
        "edit every span": lambda: edit_all(Batch(Signal.TRACES, payload)),
        "full decode and encode, no views": lambda: full(Batch(Signal.TRACES, payload)),
        "merge with itself": lambda: merge([Batch(Signal.TRACES, payload, count=spans)] * 2),
        "split in four": lambda: split(Batch(Signal.TRACES, payload), -(-spans // 4)),
        "OTLP/JSON decode": lambda: decode(Signal.TRACES, text),
        "OTLP/JSON encode": lambda: encode(Signal.TRACES, payload),
    }
    print(f"{spans} spans of {attributes} attributes, {len(payload)} bytes; µs of CPU a span")
    for name, work in cases.items():
        print(f"{name:35}{best(work) / spans * 1e6:8.3f}")


if __name__ == "__main__":
    main()
