"""The messages of Zipkin's version 2, declared with the published field numbers, as `collector.data.shell` does.

https://github.com/openzipkin/zipkin-api/blob/master/zipkin.proto
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from collector.data.messages import ProtoMessage

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "spanmill.zipkin"
# By message and field: the number, and a scalar type or a message, with a star for a list.
_FIELDS = {
    "Endpoint": {"service_name": (1, "string"), "ipv4": (2, "bytes"), "ipv6": (3, "bytes"), "port": (4, "int32")},
    "Annotation": {"timestamp": (1, "fixed64"), "value": (2, "string")},
    "Span": {
        "trace_id": (1, "bytes"),
        "parent_id": (2, "bytes"),
        "id": (3, "bytes"),
        "kind": (4, "int32"),  # an enum on paper, which is encoded alike
        "name": (5, "string"),
        "timestamp": (6, "fixed64"),
        "duration": (7, "uint64"),
        "local_endpoint": (8, "Endpoint"),
        "remote_endpoint": (9, "Endpoint"),
        "annotations": (10, "Annotation*"),
        "tags": (11, "Span.TagsEntry*"),
    },
    # What protobuf calls a map is a list of pairs.
    "Span.TagsEntry": {"key": (1, "string"), "value": (2, "string")},
    # Spans stay bytes in their list, so that they are decoded one by one.
    "ListOfSpans": {"spans": (1, "bytes*")},
}


def _declare() -> dict[str, ProtoMessage]:
    file = descriptor_pb2.FileDescriptorProto(name="spanmill/zipkin.proto", package=_PACKAGE, syntax="proto3")
    declared: dict[str, descriptor_pb2.DescriptorProto] = {}
    for name, fields in _FIELDS.items():
        outer, _, own = name.rpartition(".")
        message = declared[outer].nested_type.add(name=own) if outer else file.message_type.add(name=own)
        message.options.map_entry = bool(outer)
        for field, (number, kind) in fields.items():
            _add_field(message, field, number, kind)
        declared[name] = message
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in declared
    }


def _add_field(message: descriptor_pb2.DescriptorProto, name: str, number: int, kind: str) -> None:
    field = message.field.add(name=name, number=number, label=_Field.LABEL_OPTIONAL)
    if kind.endswith("*"):
        field.label = _Field.LABEL_REPEATED
    kind = kind.removesuffix("*")
    if kind in _FIELDS:
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{_PACKAGE}.{kind}"
    else:
        field.type = _Field.Type.Value(f"TYPE_{kind.upper()}")


_MESSAGES = _declare()
EndpointMessage: ProtoMessage = _MESSAGES["Endpoint"]
SpanMessage: ProtoMessage = _MESSAGES["Span"]
ListOfSpans: ProtoMessage = _MESSAGES["ListOfSpans"]
