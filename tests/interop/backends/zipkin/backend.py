"""Zipkin (https://zipkin.io/zipkin-api/), spans in memory."""

import json
from collections.abc import Mapping, Sequence
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
        answer = await self.get(f"{self.url}/api/v2/trace/{trace_id}", [])
        return in_order(self.told(_record(span)) for span in answer)

    def told(self, record: Record) -> Record:
        """Return a span with its tags read as what they are by the names that OpenTelemetry gives them."""
        return _read_tags(record)

    async def received(self) -> int:
        """Return the count of its collectors."""
        counts = await self.get(f"{self.url}/metrics")
        return int(sum(value for key, value in counts.items() if key.startswith("counter.zipkin_collector.spans.")))


def _record(span: Mapping[str, Any]) -> Record:
    return Record(
        trace_id=span["traceId"].zfill(32),
        span_id=span["id"],
        parent_id=span.get("parentId", ""),
        name=span.get("name", ""),
        kind=span.get("kind", "unspecified").lower(),
        start=span["timestamp"] * 1000,
        duration=span.get("duration", 0) * 1000,
        service=span.get("localEndpoint", {}).get("serviceName", ""),
        attributes=span.get("tags", {}),
        events=tuple(Event(found["timestamp"] * 1000, found["value"]) for found in span.get("annotations", [])),
    )


def _read_tags(record: Record) -> Record:
    tags = dict(record.attributes)
    status = record.status
    if word := tags.pop("otel.status_code", ""):
        status = (_STATUSES[str(word)], str(tags.pop("otel.status_description", "")))
    if status[0] == _STATUSES["STATUS_CODE_ERROR"]:
        tags.pop("error", None)
    name, version = record.scope
    links = sorted(key for key in tags if key.startswith("otlp.link."))
    return record._replace(
        kind=str(tags.pop("span.kind", record.kind)),
        status=status,
        scope=(str(tags.pop("otel.scope.name", name)), str(tags.pop("otel.scope.version", version))),
        links=record.links + tuple(_link(str(tags.pop(key))) for key in links),
        trace_state=str(tags.pop("w3c.tracestate", record.trace_state)),
        attributes=tags,
        events=tuple(_event(event) for event in record.events),
    )


def _event(event: Event) -> Event:
    name, sign, packed = event.name.partition("|")
    return Event(event.time, name, _packed(packed)) if sign else event


def _link(text: str) -> Link:
    trace_id, span_id, trace_state, packed = text.split("|", 3)
    return Link(trace_id, span_id, trace_state, _packed(packed))


def _packed(text: str) -> dict[str, AttributeValue]:
    """Return the attributes of `{JSON}|count of dropped ones`."""
    members: dict[str, AttributeValue] = json.loads(text.rpartition("|")[0])
    return members
