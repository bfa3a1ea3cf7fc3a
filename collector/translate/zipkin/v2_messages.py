"""The messages of Zipkin's version 2, declared with the published field numbers.

https://github.com/openzipkin/zipkin-api/blob/master/zipkin.proto
"""

from collector.data.messages import ProtoMessage
from collector.data.protobuf import Fields, declare

_FIELDS: dict[str, Fields] = {
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


_MESSAGES = declare("spanmill.zipkin", _FIELDS)
EndpointMessage: ProtoMessage = _MESSAGES["Endpoint"]
SpanMessage: ProtoMessage = _MESSAGES["Span"]
ListOfSpans: ProtoMessage = _MESSAGES["ListOfSpans"]
