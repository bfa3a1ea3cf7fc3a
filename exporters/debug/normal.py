"""Normal verbosity: a line for each span, log record or data point, in the Go collector's format."""

from collections.abc import Iterator

from collector.data import Signal
from collector.data.messages import PATHS, ProtoMessage
from exporters.debug.text import Lines, exponential_bound, number, plain

_RESOURCE = {Signal.TRACES: "ResourceTraces", Signal.METRICS: "ResourceMetrics", Signal.LOGS: "ResourceLog"}
_SCOPE = {Signal.TRACES: "ScopeTraces", Signal.METRICS: "ScopeMetrics", Signal.LOGS: "ScopeLog"}


def render(signal: Signal, request: ProtoMessage) -> str:
    """Return the text of an export request."""
    lines = Lines()
    resources, scopes, items = PATHS[signal]
    for index, resource in enumerate(getattr(request, resources)):
        schema = _schema(resource)
        lines.add(f"{_RESOURCE[signal]} #{index}{schema}{_after_space(resource.resource.attributes)}")
        for scope_index, scope in enumerate(getattr(resource, scopes)):
            library = scope.scope
            version = f"@{library.version}" if library.version else ""
            name = f" {library.name}{version}" if library.name or version else ""
            lines.add(f"{_SCOPE[signal]} #{scope_index}{name}{_schema(scope)}{_after_space(library.attributes)}")
            for item in getattr(scope, items):
                for line in _ITEM_LINES[signal](item):
                    lines.add(line)
    return lines.text()


def _schema(container: ProtoMessage) -> str:
    return f" [{container.schema_url}]" if container.schema_url else ""


def _pairs(attributes: ProtoMessage) -> list[str]:
    return [f"{pair.key}={plain(pair.value)}" for pair in attributes]


def _after_space(attributes: ProtoMessage) -> str:
    return "".join([f" {pair}" for pair in _pairs(attributes)])


def _span_lines(span: ProtoMessage) -> Iterator[str]:
    yield f"{span.name} {span.trace_id.hex()} {span.span_id.hex()}{_after_space(span.attributes)}"


def _log_record_lines(record: ProtoMessage) -> Iterator[str]:
    yield f"{plain(record.body)}{_after_space(record.attributes)}"


def _metric_lines(metric: ProtoMessage) -> Iterator[str]:
    kind = metric.WhichOneof("data")
    if kind is None:
        return
    value = _POINT_VALUES[kind]
    for point in getattr(metric, kind).data_points:
        yield f"{metric.name}{{{','.join(_pairs(point.attributes))}}} {value(point)}"


def _number_value(point: ProtoMessage) -> str:
    kind = point.WhichOneof("value")
    return "" if kind is None else number(getattr(point, kind))


def _aggregate(point: ProtoMessage) -> list[str]:
    optional = [f"{name}={number(getattr(point, name))}" for name in ("sum", "min", "max") if point.HasField(name)]
    return [f"count={point.count}", *optional]


def _histogram_value(point: ProtoMessage) -> str:
    bounds = [f"le{number(bound)}=" for bound in point.explicit_bounds]
    unbounded = [""] * (len(point.bucket_counts) - len(bounds))
    buckets = [f"{bound}{count}" for bound, count in zip([*bounds, *unbounded], point.bucket_counts, strict=False)]
    return " ".join([*_aggregate(point), *buckets])


def _exponential_value(point: ProtoMessage) -> str:
    buckets = [
        f"le{number(exponential_bound(point.scale, side.offset + index))}={count}"
        for side in (point.negative, point.positive)
        for index, count in enumerate(side.bucket_counts)
    ]
    zero = [f"zero_count{number(point.zero_threshold)}={point.zero_count}"] if point.zero_count else []
    return " ".join([*_aggregate(point), *buckets, *zero])


def _summary_value(point: ProtoMessage) -> str:
    quantiles = [f"q{number(value.quantile)}={number(value.value)}" for value in point.quantile_values]
    return " ".join([f"count={point.count}", f"sum={point.sum:f}", *quantiles])


_ITEM_LINES = {Signal.TRACES: _span_lines, Signal.METRICS: _metric_lines, Signal.LOGS: _log_record_lines}
_POINT_VALUES = {
    "gauge": _number_value,
    "sum": _number_value,
    "histogram": _histogram_value,
    "exponential_histogram": _exponential_value,
    "summary": _summary_value,
}
