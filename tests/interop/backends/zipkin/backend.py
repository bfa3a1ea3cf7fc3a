"""Zipkin (https://zipkin.io/zipkin-api/), spans in memory."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from backends.records import Event, Link, Record, in_order
from backends.server import BackendServer

from collector.data import AttributeValue

_STATUSES = {"STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}


class Zipkin(BackendServer):
    """The server, slim: all but the storages that it has drivers for."""

    PORTS: ClassVar[Sequence[str]] = ("query",)

    def command(self, program: Path) -> Sequence[str | Path]:
        """Run it on loopback alone; it asks nobody else."""
        listen = ("--armeria.ports[0].ip=127.0.0.1", f"--armeria.ports[0].port={self.ports['query']}")
        return ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", program, *listen]

    @property
    def url(self) -> str:
        """Where it takes spans and questions."""
        return f"http://127.0.0.1:{self.ports['query']}"

    @property
    def health(self) -> str:
        """Its own check, of the storage too."""
        return f"{self.url}/health"

    async def spans(self, trace_id: str) -> list[Record]:
        """Return the spans of a trace, read from its JSON of version 2."""
        return in_order(map(_record, await self.get(f"{self.url}/api/v2/trace/{trace_id}", [])))

    async def received(self) -> int:
        """Return the count of its collectors."""
        counts = await self.get(f"{self.url}/metrics")
        return int(sum(value for key, value in counts.items() if key.startswith("counter.zipkin_collector.spans.")))

    def held(self, records: Iterable[Record]) -> list[Record]:
        """Return spans in microseconds, with names in lower case and one set of tags that are text."""
        return [_held(record) for record in records]


def _record(span: Mapping[str, Any]) -> Record:
    tags = dict(span.get("tags", {}))
    status = _STATUSES.get(tags.pop("otel.status_code", ""), 0)
    if status == _STATUSES["STATUS_CODE_ERROR"]:
        del tags["error"]
    scope = (tags.pop("otel.scope.name", ""), tags.pop("otel.scope.version", ""))
    links = sorted(key for key in tags if key.startswith("otlp.link."))
    return Record(
        trace_id=span["traceId"].zfill(32),
        span_id=span["id"],
        parent_id=span.get("parentId", ""),
        name=span.get("name", ""),
        kind=tags.pop("span.kind", span.get("kind", "unspecified")).lower(),
        start=span["timestamp"] * 1000,
        duration=span.get("duration", 0) * 1000,
        service=span.get("localEndpoint", {}).get("serviceName", ""),
        status=(status, tags.pop("otel.status_description", "")),
        scope=scope,
        links=tuple(_link(tags.pop(key)) for key in links),
        trace_state=tags.pop("w3c.tracestate", ""),
        attributes=tags,
        events=tuple(_event(annotation) for annotation in span.get("annotations", [])),
    )


def _event(annotation: Mapping[str, Any]) -> Event:
    name, _, packed = annotation["value"].partition("|")
    return Event(annotation["timestamp"] * 1000, name, _packed(packed))


def _link(text: str) -> Link:
    trace_id, span_id, trace_state, packed = text.split("|", 3)
    return Link(trace_id, span_id, trace_state, _packed(packed))


def _packed(text: str) -> dict[str, AttributeValue]:
    """Return the attributes of `{JSON}|count of dropped ones`."""
    members: dict[str, AttributeValue] = json.loads(text.rpartition("|")[0] or "{}")
    return members


def _held(record: Record) -> Record:
    return record._replace(
        name=record.name.lower(),
        service=record.service.lower(),
        start=_rounded(record.start),
        duration=_rounded(record.duration),
        resource={},
        attributes=_texts(record.resource) | _texts(record.attributes),
        events=tuple(event._replace(time=_rounded(event.time)) for event in record.events),
    )


def _rounded(nanoseconds: int) -> int:
    return (nanoseconds + 500) // 1000 * 1000


def _texts(attributes: Mapping[str, AttributeValue]) -> dict[str, AttributeValue]:
    return {
        key: value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        for key, value in attributes.items()
    }
