"""Detailed verbosity: everything that an export request holds, in the Go collector's format."""

from collector.data import Signal
from collector.data.messages import PATHS, ProtoMessage
from exporters.debug.text import Lines, exponential_bound, name_of, severity, timestamp, typed

_RESOURCE = {Signal.TRACES: "ResourceSpans", Signal.METRICS: "ResourceMetrics", Signal.LOGS: "ResourceLog"}
_SCOPE = {Signal.TRACES: "ScopeSpans", Signal.METRICS: "ScopeMetrics", Signal.LOGS: "ScopeLogs"}
_ITEM = {Signal.TRACES: "Span", Signal.METRICS: "Metric", Signal.LOGS: "LogRecord"}
_DATA_TYPES = {
    None: "Empty",
    "gauge": "Gauge",
    "sum": "Sum",
    "histogram": "Histogram",
    "exponential_histogram": "ExponentialHistogram",
    "summary": "Summary",
}
_SPAN_KINDS = ("Unspecified", "Internal", "Server", "Client", "Producer", "Consumer")
_STATUS_CODES = ("Unset", "Ok", "Error")
_TEMPORALITIES = ("Unspecified", "Delta", "Cumulative")
_ENTRY = "     -> "


def render(signal: Signal, request: ProtoMessage) -> str:
    """Return the text of an export request."""
    lines = Lines()
    resources, scopes, items = PATHS[signal]
    for index, resource in enumerate(getattr(request, resources)):
        lines.add(f"{_RESOURCE[signal]} #{index}")
        lines.add(f"Resource SchemaURL: {resource.schema_url}")
        _attributes(lines, "Resource attributes", resource.resource.attributes)
        _entities(lines, resource.resource.entity_refs)
        for scope_index, scope in enumerate(getattr(resource, scopes)):
            lines.add(f"{_SCOPE[signal]} #{scope_index}")
            lines.add(f"{_SCOPE[signal]} SchemaURL: {scope.schema_url}")
            lines.add(f"InstrumentationScope {scope.scope.name} {scope.scope.version}")
            _attributes(lines, "InstrumentationScope attributes", scope.scope.attributes)
            for item_index, item in enumerate(getattr(scope, items)):
                lines.add(f"{_ITEM[signal]} #{item_index}")
                _RENDERERS[signal](lines, item)
    return lines.text()


def _attributes(lines: Lines, header: str, attributes: ProtoMessage, indent: str = "") -> None:
    if attributes:
        lines.add(f"{header}:")
        for pair in attributes:
            lines.add(f"{indent}{_ENTRY}{pair.key}: {typed(pair.value)}")


def _entities(lines: Lines, entities: ProtoMessage) -> None:
    if entities:
        lines.add("Resource entity refs:")
    for index, entity in enumerate(entities):
        lines.add(f"{_ENTRY}Entity ref #{index}:")
        lines.add(f"     {_ENTRY}Type: {entity.type}")
        if entity.schema_url:
            lines.add(f"     {_ENTRY}Schema URL: {entity.schema_url}")
        for header, keys in (("ID keys", entity.id_keys), ("Description keys", entity.description_keys)):
            if keys:
                lines.add(f"     {_ENTRY}{header}:")
            for key in keys:
                lines.add(f"          {_ENTRY}{key}")


def _field(lines: Lines, name: str, value: str) -> None:
    lines.add(f"    {name:15}: {value}")


# --- spans ---------------------------------------------------------------------------------------------------------


def _span(lines: Lines, span: ProtoMessage) -> None:
    _field(lines, "Trace ID", span.trace_id.hex())
    _field(lines, "Parent ID", span.parent_span_id.hex())
    _field(lines, "ID", span.span_id.hex())
    _field(lines, "Name", span.name)
    _field(lines, "Kind", name_of(_SPAN_KINDS, span.kind))
    if span.trace_state:
        _field(lines, "TraceState", span.trace_state)
    _field(lines, "Start time", timestamp(span.start_time_unix_nano))
    _field(lines, "End time", timestamp(span.end_time_unix_nano))
    _field(lines, "Status code", name_of(_STATUS_CODES, span.status.code))
    _field(lines, "Status message", span.status.message)
    _dropped(lines, "DroppedAttributesCount", span.dropped_attributes_count)
    _attributes(lines, "Attributes", span.attributes)
    _events(lines, span.events)
    _dropped(lines, "DroppedEventsCount", span.dropped_events_count)
    _links(lines, span.links)
    _dropped(lines, "DroppedLinksCount", span.dropped_links_count)


def _dropped(lines: Lines, name: str, count: int) -> None:
    if count:
        lines.add(f"    {name}: {count}")


def _events(lines: Lines, events: ProtoMessage) -> None:
    if events:
        lines.add("Events:")
    for index, event in enumerate(events):
        lines.add(f"SpanEvent #{index}")
        lines.add(f"{_ENTRY}Name: {event.name}")
        lines.add(f"{_ENTRY}Timestamp: {timestamp(event.time_unix_nano)}")
        lines.add(f"{_ENTRY}DroppedAttributesCount: {event.dropped_attributes_count}")
        _attributes(lines, f"{_ENTRY}Attributes", event.attributes, "     ")


def _links(lines: Lines, links: ProtoMessage) -> None:
    if links:
        lines.add("Links:")
    for index, link in enumerate(links):
        lines.add(f"SpanLink #{index}")
        lines.add(f"{_ENTRY}Trace ID: {link.trace_id.hex()}")
        lines.add(f"{_ENTRY}ID: {link.span_id.hex()}")
        lines.add(f"{_ENTRY}TraceState: {link.trace_state}")
        lines.add(f"{_ENTRY}DroppedAttributesCount: {link.dropped_attributes_count}")
        _attributes(lines, f"{_ENTRY}Attributes", link.attributes, "     ")


# --- log records ---------------------------------------------------------------------------------------------------


def _log_record(lines: Lines, record: ProtoMessage) -> None:
    lines.add(f"ObservedTimestamp: {timestamp(record.observed_time_unix_nano)}")
    lines.add(f"Timestamp: {timestamp(record.time_unix_nano)}")
    lines.add(f"SeverityText: {record.severity_text}")
    lines.add(f"SeverityNumber: {severity(record.severity_number)}({record.severity_number})")
    if record.event_name:
        lines.add(f"EventName: {record.event_name}")
    lines.add(f"Body: {typed(record.body)}")
    _dropped(lines, "DroppedAttributesCount", record.dropped_attributes_count)
    _attributes(lines, "Attributes", record.attributes)
    lines.add(f"Trace ID: {record.trace_id.hex()}")
    lines.add(f"Span ID: {record.span_id.hex()}")
    lines.add(f"Flags: {record.flags}")


# --- metrics -------------------------------------------------------------------------------------------------------


def _metric(lines: Lines, metric: ProtoMessage) -> None:
    kind = metric.WhichOneof("data")
    lines.add("Descriptor:")
    lines.add(f"{_ENTRY}Name: {metric.name}")
    lines.add(f"{_ENTRY}Description: {metric.description}")
    lines.add(f"{_ENTRY}Unit: {metric.unit}")
    lines.add(f"{_ENTRY}DataType: {_DATA_TYPES[kind]}")
    _attributes(lines, f"{_ENTRY}Metadata", metric.metadata, "     ")
    if kind is None:
        return
    data = getattr(metric, kind)
    if kind == "sum":
        lines.add(f"{_ENTRY}IsMonotonic: {str(data.is_monotonic).lower()}")
    if kind not in ("gauge", "summary"):
        lines.add(f"{_ENTRY}AggregationTemporality: {name_of(_TEMPORALITIES, data.aggregation_temporality)}")
    points = "NumberDataPoints" if kind in ("gauge", "sum") else f"{_DATA_TYPES[kind]}DataPoints"
    for index, point in enumerate(data.data_points):
        lines.add(f"{points} #{index}")
        _attributes(lines, "Data point attributes", point.attributes)
        lines.add(f"StartTimestamp: {timestamp(point.start_time_unix_nano)}")
        lines.add(f"Timestamp: {timestamp(point.time_unix_nano)}")
        _POINTS[kind](lines, point)


def _number(lines: Lines, point: ProtoMessage, indent: str = "") -> None:
    kind = point.WhichOneof("value")
    if kind == "as_int":
        lines.add(f"{indent}Value: {point.as_int}")
    elif kind == "as_double":
        lines.add(f"{indent}Value: {point.as_double:f}")


def _number_point(lines: Lines, point: ProtoMessage) -> None:
    _number(lines, point)
    _exemplars(lines, point.exemplars)


def _aggregate(lines: Lines, point: ProtoMessage) -> None:
    lines.add(f"Count: {point.count}")
    for name in ("sum", "min", "max"):
        if point.HasField(name):
            lines.add(f"{name.capitalize()}: {getattr(point, name):f}")


def _histogram(lines: Lines, point: ProtoMessage) -> None:
    _aggregate(lines, point)
    for index, bound in enumerate(point.explicit_bounds):
        lines.add(f"ExplicitBounds #{index}: {bound:f}")
    for index, count in enumerate(point.bucket_counts):
        lines.add(f"Buckets #{index}, Count: {count}")
    _exemplars(lines, point.exemplars)


def _exponential_histogram(lines: Lines, point: ProtoMessage) -> None:
    _aggregate(lines, point)
    negative, positive = point.negative, point.positive
    for index, count in reversed(list(enumerate(negative.bucket_counts, negative.offset))):
        upper, lower = exponential_bound(point.scale, index + 1), exponential_bound(point.scale, index)
        lines.add(f"Bucket [{-upper:f}, {-lower:f}), Count: {count}")
    if point.zero_count:
        lines.add(f"Bucket [0, 0], Count: {point.zero_count}")
    for index, count in enumerate(positive.bucket_counts, positive.offset):
        lower, upper = exponential_bound(point.scale, index), exponential_bound(point.scale, index + 1)
        lines.add(f"Bucket ({lower:f}, {upper:f}], Count: {count}")
    _exemplars(lines, point.exemplars)


def _summary(lines: Lines, point: ProtoMessage) -> None:
    lines.add(f"Count: {point.count}")
    lines.add(f"Sum: {point.sum:f}")
    for index, value in enumerate(point.quantile_values):
        lines.add(f"QuantileValue #{index}: Quantile {value.quantile:f}, Value {value.value:f}")


def _exemplars(lines: Lines, exemplars: ProtoMessage) -> None:
    if exemplars:
        lines.add("Exemplars:")
    for index, exemplar in enumerate(exemplars):
        lines.add(f"Exemplar #{index}")
        lines.add(f"{_ENTRY}Trace ID: {exemplar.trace_id.hex()}")
        lines.add(f"{_ENTRY}Span ID: {exemplar.span_id.hex()}")
        lines.add(f"{_ENTRY}Timestamp: {timestamp(exemplar.time_unix_nano)}")
        _number(lines, exemplar, _ENTRY)
        _attributes(lines, f"{_ENTRY}FilteredAttributes", exemplar.filtered_attributes, "     ")


_RENDERERS = {Signal.TRACES: _span, Signal.METRICS: _metric, Signal.LOGS: _log_record}
_POINTS = {
    "gauge": _number_point,
    "sum": _number_point,
    "histogram": _histogram,
    "exponential_histogram": _exponential_histogram,
    "summary": _summary,
}
