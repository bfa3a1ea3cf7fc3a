"""Batches for tests: of given spans, log records and metrics, or of made-up ones."""

from collections.abc import Iterable, Mapping

from collector.data import AttributeValue, Batch, Signal, set_attribute
from collector.data.messages import ITEMS, REQUESTS, ProtoMessage

_RESOURCES = {Signal.TRACES: "resource_spans", Signal.METRICS: "resource_metrics", Signal.LOGS: "resource_logs"}
_SCOPES = {Signal.TRACES: "scope_spans", Signal.METRICS: "scope_metrics", Signal.LOGS: "scope_logs"}
_ITEMS = {Signal.TRACES: "spans", Signal.METRICS: "metrics", Signal.LOGS: "log_records"}
_NOON = 1_750_000_000_000_000_000  # nanoseconds since the Unix epoch


def make_batch(
    signal: Signal, items: Iterable[ProtoMessage], resource: Mapping[str, AttributeValue] | None = None
) -> Batch:
    """Return a batch of items (messages of `collector.data.messages.ITEMS`) of one resource and scope."""
    request = REQUESTS[signal]()
    group = getattr(request, _RESOURCES[signal]).add()
    for key, value in (resource or {}).items():
        set_attribute(group.resource.attributes, key, value)
    scope = getattr(group, _SCOPES[signal]).add()
    scope.scope.name = "collector.testing"
    getattr(scope, _ITEMS[signal]).extend(items)
    return Batch(signal, request.SerializeToString())


def sample_batch(signal: Signal, count: int = 3, number: int = 0) -> Batch:
    """Return a batch of so many spans, log records or data points of a service `shop`.

    `number` tells batches apart: the spans of one are a trace of its own.
    """
    items = [_SAMPLES[signal](number, index) for index in range(count)]
    return make_batch(signal, items, {"service.name": "shop", "service.instance.id": f"shop-{number}"})


def items_of(batch: Batch) -> list[ProtoMessage]:
    """Return the spans, log records or metrics of a batch, decoded."""
    return [ITEMS[batch.signal].FromString(raw) for _, scope in batch.open().scopes() for raw in scope.raws()]


def _span(number: int, index: int) -> ProtoMessage:
    span = ITEMS[Signal.TRACES](
        trace_id=(number + 1).to_bytes(16, "big"),
        span_id=(index + 1).to_bytes(8, "big"),
        parent_span_id=index.to_bytes(8, "big") if index else b"",
        name="GET /orders",
        kind="SPAN_KIND_CLIENT" if index else "SPAN_KIND_SERVER",
        start_time_unix_nano=_NOON,
        end_time_unix_nano=_NOON + 5_000_000,
    )
    set_attribute(span.attributes, "http.request.method", "GET")
    return span


def _metric(number: int, index: int) -> ProtoMessage:
    metric = ITEMS[Signal.METRICS](name="shop.orders", unit="1")
    point = metric.gauge.data_points.add(time_unix_nano=_NOON + number, as_int=index)
    set_attribute(point.attributes, "shop.region", "north")
    return metric


def _log_record(number: int, index: int) -> ProtoMessage:
    record = ITEMS[Signal.LOGS](
        trace_id=(number + 1).to_bytes(16, "big"),
        span_id=(index + 1).to_bytes(8, "big"),
        time_unix_nano=_NOON + number,
        severity_text="INFO",
    )
    record.body.string_value = f"order {index} shipped"
    set_attribute(record.attributes, "shop.region", "north")
    return record


_SAMPLES = {Signal.TRACES: _span, Signal.METRICS: _metric, Signal.LOGS: _log_record}
