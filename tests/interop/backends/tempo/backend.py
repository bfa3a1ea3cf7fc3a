"""Grafana Tempo (https://grafana.com/docs/tempo/latest/api_docs/): all in one process, blocks in a folder."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import aiohttp
from backends.records import Record, records_of
from backends.server import BackendServer
from google.protobuf.wrappers_pb2 import BytesValue

from collector.testing.process import scrape

# Of all that the tests send: the name of their service, so that a tenant may be taken from that.
TENANT = "Shop"


class Tempo(BackendServer):
    """Takes OTLP over gRPC (`ports["otlp"]`) and HTTP (`otlp_http`), and Zipkin's spans (`zipkin`)."""

    PORTS: ClassVar[Sequence[str]] = ("query", "grpc", "otlp", "otlp_http", "zipkin", "gossip")

    def command(self, program: Path) -> Sequence[str | Path]:
        """Run it on the configuration beside this file."""
        return [program, "-config.expand-env=true", f"-config.file={Path(__file__).with_name('config.yaml')}"]

    @property
    def health(self) -> str:
        """Whether all its parts run and have found each other."""
        return f"http://127.0.0.1:{self.ports['query']}/ready"

    async def spans(self, trace_id: str) -> list[Record]:
        """Return the spans of a trace; of those that came twice one."""
        url = f"http://127.0.0.1:{self.ports['query']}/api/v2/traces/{trace_id}"
        headers = {"Accept": "application/protobuf", "X-Scope-OrgID": TENANT}
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
            if answer.status == 404:
                return []
            answer.raise_for_status()
            # The trace is the first field of the answer, and like a request of OTLP.
            return records_of(BytesValue.FromString(await answer.read()).value)

    async def received(self) -> int:
        """Return the count of its distributor."""
        counts = await scrape(self.ports["query"], "127.0.0.1")
        return int(counts.get("tempo_distributor_spans_received_total", 0))
