"""OTLP's outer shape, declared so that the inside stays bytes.

Each message here has the field numbers of an OTLP message, with `bytes` where OTLP has a submessage. Parsing one opens
the shell in C and leaves the inside untouched; fields that are not declared are kept and written back, behind the
declared ones. The bytes fields are repeated, also where OTLP's field is singular: a sender may split a submessage over
several occurrences, and the concatenation of their bytes is their merge.

One shape serves the three signals: request -> resource -> scope -> items.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from collector.data.messages import ProtoMessage

_Field = descriptor_pb2.FieldDescriptorProto


def _declare() -> dict[str, ProtoMessage]:
    file = descriptor_pb2.FileDescriptorProto(name="spanmill/shell.proto", package="spanmill.shell", syntax="proto3")

    def message(name: str, **fields: tuple[int, str | None]) -> None:
        declared = file.message_type.add(name=name)
        for field_name, (number, submessage) in fields.items():
            field = declared.field.add(name=field_name, number=number, label=_Field.LABEL_REPEATED)
            if submessage is None:
                field.type = _Field.TYPE_BYTES
            else:
                field.type = _Field.TYPE_MESSAGE
                field.type_name = f".spanmill.shell.{submessage}"

    message("Request", resources=(1, "Resource"))
    message("Resource", resource=(1, None), scopes=(2, "Scope"))
    message("Scope", scope=(1, None), items=(2, None))
    message("Span", trace_state=(3, None))
    # Metrics are counted by data point; the five kinds of data all keep their points in field 1. They are one oneof, as
    # in OTLP, so that of several kinds in one metric the last one counts here as well.
    message("MetricRequest", resources=(1, "MetricResource"))
    message("MetricResource", scopes=(2, "MetricScope"))
    message("MetricScope", metrics=(2, "Metric"))
    metric = file.message_type.add(name="Metric")
    metric.oneof_decl.add(name="data")
    for name, number in (("gauge", 5), ("sum", 7), ("histogram", 9), ("exponential_histogram", 10), ("summary", 11)):
        metric.field.add(
            name=name,
            number=number,
            label=_Field.LABEL_OPTIONAL,
            type=_Field.TYPE_MESSAGE,
            type_name=".spanmill.shell.Data",
            oneof_index=0,
        )
    message("Data", points=(1, None))

    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        declared.name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"spanmill.shell.{declared.name}"))
        for declared in file.message_type
    }


_MESSAGES = _declare()
RequestShell: ProtoMessage = _MESSAGES["Request"]
ResourceShell: ProtoMessage = _MESSAGES["Resource"]
ScopeShell: ProtoMessage = _MESSAGES["Scope"]
MetricRequestShell: ProtoMessage = _MESSAGES["MetricRequest"]
MetricShell: ProtoMessage = _MESSAGES["Metric"]
SpanShell: ProtoMessage = _MESSAGES["Span"]


def count_items(payload: bytes) -> int:
    """Return how many spans or log records (or metrics, not their points) a serialized request holds."""
    return sum(len(scope.items) for resource in RequestShell.FromString(payload).resources for scope in resource.scopes)


def count_points(payload: bytes) -> int:
    """Return how many data points a serialized metrics request holds."""
    return sum(
        points_of(metric)
        for resource in MetricRequestShell.FromString(payload).resources
        for scope in resource.scopes
        for metric in scope.metrics
    )


def points_of(metric: ProtoMessage) -> int:
    """Return the number of data points of a `MetricShell`."""
    kind = metric.WhichOneof("data")
    return 0 if kind is None else len(getattr(metric, kind).points)
