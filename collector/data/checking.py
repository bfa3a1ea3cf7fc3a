"""The validity check of a serialized export request: all of it is decoded once, and next to none of it is kept.

The messages here are OTLP's with one change. Where OTLP repeats a submessage, they have it once, so that protobuf
decodes each occurrence into the same message, by its rules for merging: all tags, lengths, types and texts are checked
as they are by OTLP's own messages, and nothing is made for each attribute, event or link. What is counted stays
repeated.
"""

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FileDescriptor

from collector.data.messages import PATHS, REQUESTS, ProtoMessage
from collector.data.signal import Signal

_Field = descriptor_pb2.FieldDescriptorProto
_COUNTED = frozenset({*(name for path in PATHS.values() for name in path), "data_points"})


def check(signal: Signal, payload: bytes) -> int:
    """Return how many spans, log records or data points a request holds.

    Raises:
        DecodeError: it is no valid request of the signal.

    """
    return _COUNTS[signal](_REQUESTS[signal].FromString(payload))


def _count_spans(request: ProtoMessage) -> int:
    return sum([len(scope.spans) for resource in request.resource_spans for scope in resource.scope_spans])


def _count_log_records(request: ProtoMessage) -> int:
    return sum([len(scope.log_records) for resource in request.resource_logs for scope in resource.scope_logs])


def _count_points(request: ProtoMessage) -> int:
    return sum(
        len(getattr(metric, kind).data_points)
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if (kind := metric.WhichOneof("data"))
    )


_COUNTS = {Signal.TRACES: _count_spans, Signal.LOGS: _count_log_records, Signal.METRICS: _count_points}


def _declare() -> dict[Signal, ProtoMessage]:
    pool = descriptor_pool.DescriptorPool()
    for request in REQUESTS.values():
        _add(request.DESCRIPTOR.file, pool)
    return {
        signal: message_factory.GetMessageClass(pool.FindMessageTypeByName(request.DESCRIPTOR.full_name))
        for signal, request in REQUESTS.items()
    }


def _add(file: FileDescriptor, pool: descriptor_pool.DescriptorPool) -> None:
    """Add a file to a pool, behind those that it imports, with its submessages made singular."""
    for imported in file.dependencies:
        _add(imported, pool)
    declared = descriptor_pb2.FileDescriptorProto.FromString(file.serialized_pb)
    messages = list(declared.message_type)
    for message in messages:
        messages += message.nested_type
        for field in message.field:
            if field.type == _Field.TYPE_MESSAGE and field.name not in _COUNTED:
                field.label = _Field.LABEL_OPTIONAL
    pool.Add(declared)


_REQUESTS = _declare()
