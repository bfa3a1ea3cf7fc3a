"""Jaeger 2 (https://www.jaegertracing.io/docs/latest/architecture/apis/): all in one process, spans in memory."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from backends.records import Record, records_of
from backends.server import BackendServer

from collector.data import Signal
from collector.data.otlp_json import decode
from collector.testing.process import scrape


class Jaeger(BackendServer):
    """Takes OTLP (`ports["otlp"]`), api_v2 over gRPC (`jaeger`), Thrift over HTTP (`thrift`), and Zipkin's spans."""

    PORTS: ClassVar[Sequence[str]] = ("query", "query_grpc", "otlp", "jaeger", "thrift", "zipkin", "health", "metrics")

    def command(self, program: Path) -> Sequence[str | Path]:
        """Run it on the configuration beside this file."""
        return [program, "--config", Path(__file__).with_name("config.yaml")]

    @property
    def health(self) -> str:
        """The health of all its parts."""
        return f"http://127.0.0.1:{self.ports['health']}/status"

    async def spans(self, trace_id: str) -> list[Record]:
        """Return the spans of a trace as they are stored: `raw_traces` leaves repeated ones in."""
        url = f"http://127.0.0.1:{self.ports['query']}/api/v3/traces/{trace_id}?raw_traces=true"
        answer = await self.get(url, {"result": {}})
        return records_of(decode(Signal.TRACES, json.dumps(answer["result"]).encode()))

    async def received(self) -> int:
        """Return the count of its receivers."""
        counts = await scrape(self.ports["metrics"], "127.0.0.1")
        return int(counts.get("otelcol_receiver_accepted_spans_total", 0))
