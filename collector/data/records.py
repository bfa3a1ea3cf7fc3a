"""Friendly views of spans, log records and metrics, for code that users write.

A record reads and writes its protobuf message in place. It knows whether it was changed, so that what nobody changed
keeps the bytes that it came with; at the first change it keeps a copy, so that the changes can be undone.

Ids are hex text, times are nanoseconds since the Unix epoch, attribute values are plain Python values. A list or map
read from an attribute is a copy: assign it back after changing it. For what a record has no word for there is `proto`,
the protobuf message: call `touch` before you change it.
"""

from typing import cast

from collector.data.attributes import AttributeValue, set_value, value_of
from collector.data.messages import AnyValue, ProtoMessage
from collector.data.opened import OpenResource, OpenScope
from collector.data.signal import Signal
from collector.data.views import Attributed, AttributesView, Field, Id, Part, View, Word


class Status(Part):
    """How a span ended."""

    __slots__ = ()

    code = Word("code", "unset", "ok", "error")
    message = Field[str]("message")


class Event(Part, Attributed):
    """Something that happened during a span."""

    __slots__ = ()

    name = Field[str]("name")
    time_ns = Field[int]("time_unix_nano")


class Link(Part, Attributed):
    """Another span that a span belongs to."""

    __slots__ = ()

    trace_id = Id("trace_id")
    span_id = Id("span_id")


class Point(Part, Attributed):
    """A data point of a metric."""

    __slots__ = ()

    start_ns = Field[int]("start_time_unix_nano")
    time_ns = Field[int]("time_unix_nano")

    @property
    def value(self) -> int | float | None:
        """The value of a point of a gauge or sum; None for the other types, which have no single value."""
        kind = self.proto.WhichOneof("value") if "value" in self.proto.DESCRIPTOR.oneofs_by_name else None
        return None if kind is None else cast("int | float", getattr(self.proto, kind))

    @value.setter
    def value(self, value: float) -> None:
        field = "as_int" if isinstance(value, int) else "as_double"
        self.touch()
        setattr(self.proto, field, value)


class Scope:
    """The instrumentation scope of a record, to read."""

    __slots__ = ("attributes", "name", "version")

    def __init__(self, message: ProtoMessage) -> None:
        self.name: str = message.name
        self.version: str = message.version
        self.attributes = AttributesView(message.attributes)


class Record(View):
    """What the records of the three signals have in common."""

    __slots__ = ("_before", "_open_resource", "_open_scope")

    def __init__(self, proto: ProtoMessage, resource: OpenResource, scope: OpenScope) -> None:
        super().__init__(proto)
        self._open_resource = resource
        self._open_scope = scope
        self._before: ProtoMessage | None = None

    @property
    def resource(self) -> AttributesView:
        """The attributes of the resource, to read: other records share it."""
        return AttributesView(self._open_resource.resource.attributes)

    @property
    def scope(self) -> Scope:
        """The instrumentation scope, to read: other records share it."""
        return Scope(self._open_scope.scope)

    @property
    def changed(self) -> bool:
        """Whether something was changed."""
        return self._before is not None

    def touch(self) -> None:
        """Note that the record is about to be changed, and keep a copy of it as it is."""
        if self._before is None:
            self._before = type(self.proto)()
            self._before.CopyFrom(self.proto)

    def undo(self) -> None:
        """Take back every change."""
        if self._before is not None:
            self.proto.CopyFrom(self._before)
            self._before = None


class SpanRecord(Record, Attributed):
    """A span."""

    __slots__ = ()

    name = Field[str]("name")
    kind = Word("kind", "unspecified", "internal", "server", "client", "producer", "consumer")
    trace_id = Id("trace_id")
    span_id = Id("span_id")
    parent_span_id = Id("parent_span_id")
    trace_state = Field[str]("trace_state")
    start_ns = Field[int]("start_time_unix_nano")
    end_ns = Field[int]("end_time_unix_nano")

    @property
    def duration_ms(self) -> float:
        """How long the span took, in milliseconds."""
        return (self.end_ns - self.start_ns) / 1e6

    @property
    def status(self) -> Status:
        """How the span ended."""
        return Status(self.proto.status, self)

    @property
    def events(self) -> list[Event]:
        """The events; an event can be changed, the list is a copy."""
        return [Event(event, self) for event in self.proto.events]

    @property
    def links(self) -> list[Link]:
        """The links; a link's attributes can be changed, the list is a copy."""
        return [Link(link, self) for link in self.proto.links]

    def __repr__(self) -> str:
        return f"SpanRecord({self.name!r}, {dict(self.attributes)})"


class LogRecord(Record, Attributed):
    """A log record."""

    __slots__ = ()

    severity_text = Field[str]("severity_text")
    severity_number = Field[int]("severity_number")
    event_name = Field[str]("event_name")
    time_ns = Field[int]("time_unix_nano")
    observed_time_ns = Field[int]("observed_time_unix_nano")
    trace_id = Id("trace_id")
    span_id = Id("span_id")

    @property
    def body(self) -> AttributeValue:
        """What was logged: text most of the time, else any attribute value."""
        return value_of(self.proto.body)

    @body.setter
    def body(self, value: AttributeValue) -> None:
        converted = AnyValue()
        set_value(converted, value)
        self.touch()
        self.proto.body.CopyFrom(converted)

    def __repr__(self) -> str:
        return f"LogRecord({self.body!r}, {dict(self.attributes)})"


class MetricRecord(Record):
    """A metric with its data points."""

    __slots__ = ()

    name = Field[str]("name")
    description = Field[str]("description")
    unit = Field[str]("unit")

    @property
    def type(self) -> str:
        """`gauge`, `sum`, `histogram`, `exponential_histogram` or `summary`; empty where there are no data."""
        return self.proto.WhichOneof("data") or ""

    @property
    def points(self) -> list[Point]:
        """The data points; a point can be changed, the list is a copy."""
        data = getattr(self.proto, self.type).data_points if self.type else ()
        return [Point(point, self) for point in data]

    def __repr__(self) -> str:
        return f"MetricRecord({self.name!r}, {self.type}, {len(self.points)} points)"


RECORDS: dict[Signal, type[SpanRecord | LogRecord | MetricRecord]] = {
    Signal.TRACES: SpanRecord,
    Signal.LOGS: LogRecord,
    Signal.METRICS: MetricRecord,
}
