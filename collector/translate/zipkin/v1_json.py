"""Zipkin's JSON of version 1."""

from collections.abc import Iterator

from collector.translate.json_objects import JsonObject, read_objects
from collector.translate.zipkin.model import MOST_ANNOTATIONS, MOST_MICROSECONDS, checked
from collector.translate.zipkin.to_otlp import Reading
from collector.translate.zipkin.v1 import Annotation, BinaryAnnotation, SpanV1
from collector.translate.zipkin.v2_json import read_endpoint


def read_v1_json(text: bytes, reading: Reading) -> Iterator[SpanV1]:
    """Yield the spans of an array.

    Raises:
        ValueError: the text is no array of spans; the message names the place, such as `spans[2].annotations[0]`.

    """
    for members in read_objects(text, "spans", MOST_ANNOTATIONS):
        yield _read_span(members, reading)


def _read_span(members: JsonObject, reading: Reading) -> SpanV1:
    span = SpanV1(
        trace_id=members.hexadecimal("traceId", 16, lengths=(16, 32)),
        id=members.hexadecimal("id", 8, lengths=(16,)),
        parent_id=members.hexadecimal("parentId", 8, lengths=(16,)),
        name=members.text("name"),
        timestamp=members.count("timestamp", MOST_MICROSECONDS),
        duration=members.count("duration", MOST_MICROSECONDS),
        annotations=[
            Annotation(
                annotation.count("timestamp", MOST_MICROSECONDS),
                annotation.text("value"),
                read_endpoint(annotation.object("endpoint")),
            )
            for annotation in members.objects("annotations")
        ],
        tags=[
            BinaryAnnotation(tag.text("key"), reading.value(tag.scalar("value")), read_endpoint(tag.object("endpoint")))
            for tag in members.objects("binaryAnnotations")
        ],
    )
    try:
        return checked(span)
    except ValueError as error:
        raise members.wrong(error) from None
