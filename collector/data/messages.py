"""The published OTLP messages, looked up by signal.

`REQUESTS` are the export requests (field-compatible with `TracesData` and its siblings), `RESPONSES` their answers,
`ITEMS` the innermost messages (span, metric, log record), `PATHS` the names of the fields that lead to them.
"""

from typing import Any, TypeAlias

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from collector.data.signal import Signal

__all__ = [
    "ITEMS",
    "PATHS",
    "REJECTED",
    "REQUESTS",
    "RESPONSES",
    "SERVICES",
    "AnyValue",
    "DecodeError",
    "InstrumentationScope",
    "KeyValue",
    "LogRecord",
    "Message",
    "Metric",
    "ProtoMessage",
    "Resource",
    "Span",
]

# Generated messages carry their fields dynamically; a static type would say nothing about them.
ProtoMessage: TypeAlias = Any

REQUESTS: dict[Signal, ProtoMessage] = {
    Signal.TRACES: trace_service_pb2.ExportTraceServiceRequest,
    Signal.METRICS: metrics_service_pb2.ExportMetricsServiceRequest,
    Signal.LOGS: logs_service_pb2.ExportLogsServiceRequest,
}

RESPONSES: dict[Signal, ProtoMessage] = {
    Signal.TRACES: trace_service_pb2.ExportTraceServiceResponse,
    Signal.METRICS: metrics_service_pb2.ExportMetricsServiceResponse,
    Signal.LOGS: logs_service_pb2.ExportLogsServiceResponse,
}

ITEMS: dict[Signal, ProtoMessage] = {
    Signal.TRACES: Span,
    Signal.METRICS: Metric,
    Signal.LOGS: LogRecord,
}

# The fields that lead from a request to its items: resources, scopes, items.
PATHS: dict[Signal, tuple[str, str, str]] = {
    Signal.TRACES: ("resource_spans", "scope_spans", "spans"),
    Signal.METRICS: ("resource_metrics", "scope_metrics", "metrics"),
    Signal.LOGS: ("resource_logs", "scope_logs", "log_records"),
}

# The field of a response's `partial_success` that counts what was refused.
REJECTED: dict[Signal, str] = {
    Signal.TRACES: "rejected_spans",
    Signal.METRICS: "rejected_data_points",
    Signal.LOGS: "rejected_log_records",
}

# The gRPC method of each signal, as the OTLP specification names it.
SERVICES: dict[Signal, str] = {
    Signal.TRACES: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    Signal.METRICS: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    Signal.LOGS: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
}
