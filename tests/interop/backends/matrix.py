"""Every way in and every way out, and the table of them that the README shows."""

from collections.abc import Sequence
from string import ascii_lowercase
from typing import NamedTuple

from backends import senders
from backends.losses import LOST_BY, Loss
from backends.senders import Sender
from backends.tempo.backend import TENANT


class WayIn(NamedTuple):
    """A receiver, how spans are sent to it, and the format (a key of `LOST_BY`). `PORT` stands for its port."""

    name: str
    receiver: str
    options: str
    send: Sender
    format: str


class WayOut(NamedTuple):
    """A server, the one of its ports that the exporter sends to (`PORT`), and the format (a key of `LOST_BY`)."""

    server: str
    port: str
    exporter: str
    options: str
    format: str = "otlp"


_LISTEN = '{endpoint: "127.0.0.1:PORT"}'


def _protocol(name: str) -> str:
    return f"{{protocols: {{{name}: {_LISTEN}}}}}"


WAYS_IN = {
    "otlp-grpc": WayIn("OTLP, gRPC", "otlp", _protocol("grpc"), senders.OTLP_GRPC, "otlp"),
    "otlp-http": WayIn("OTLP, HTTP", "otlp", _protocol("http"), senders.OTLP_HTTP, "otlp"),
    "zipkin-v1-json": WayIn("Zipkin v1, JSON", "zipkin", _LISTEN, senders.ZIPKIN_V1_JSON, "zipkin v1"),
    "zipkin-v1-thrift": WayIn("Zipkin v1, Thrift", "zipkin", _LISTEN, senders.ZIPKIN_V1_THRIFT, "zipkin v1"),
    "zipkin-v2-json": WayIn("Zipkin v2, JSON", "zipkin", _LISTEN, senders.ZIPKIN_V2_JSON, "zipkin v2"),
    "zipkin-v2-proto": WayIn("Zipkin v2, protobuf", "zipkin", _LISTEN, senders.ZIPKIN_V2_PROTO, "zipkin v2"),
    "jaeger-grpc": WayIn("Jaeger, gRPC", "jaeger", _protocol("grpc"), senders.JAEGER_GRPC, "jaeger proto"),
    "jaeger-thrift-http": WayIn(
        "Jaeger, Thrift over HTTP", "jaeger", _protocol("thrift_http"), senders.JAEGER_THRIFT_HTTP, "jaeger thrift"
    ),
    "jaeger-udp-compact": WayIn(
        "Jaeger, compact Thrift over UDP",
        "jaeger",
        _protocol("thrift_compact"),
        senders.JAEGER_UDP_COMPACT,
        "jaeger thrift",
    ),
    "jaeger-udp-binary": WayIn(
        "Jaeger, binary Thrift over UDP",
        "jaeger",
        _protocol("thrift_binary"),
        senders.JAEGER_UDP_BINARY,
        "jaeger thrift",
    ),
}

_GRPC = 'endpoint: "127.0.0.1:PORT", tls: {insecure: true}'
_ZIPKIN = 'endpoint: "http://127.0.0.1:PORT/api/v2/spans"'
WAYS_OUT = {
    "jaeger": WayOut("jaeger", "otlp", "jaeger", f"{{{_GRPC}}}"),
    "zipkin": WayOut("zipkin", "query", "zipkin", f"{{{_ZIPKIN}}}", "to zipkin"),
    "tempo": WayOut("tempo", "otlp", "tempo", f"{{{_GRPC}, tenant: {TENANT}}}"),
}
OTHER_WAYS_OUT = {
    "jaeger-by-otlp": WayOut("jaeger", "otlp", "otlp_grpc", f"{{{_GRPC}}}"),
    "jaeger-by-api-v2": WayOut("jaeger", "jaeger", "jaeger", f"{{{_GRPC}, protocol: grpc_v2}}", "jaeger proto"),
    "jaeger-by-thrift": WayOut(
        "jaeger", "thrift", "jaeger_thrift", '{endpoint: "http://127.0.0.1:PORT/api/traces"}', "to jaeger by thrift"
    ),
    "zipkin-by-proto": WayOut("zipkin", "query", "zipkin", f"{{{_ZIPKIN}, format: proto}}", "to zipkin"),
    "tempo-by-otlp": WayOut("tempo", "otlp", "otlp_grpc", f"{{{_GRPC}, headers: {{X-Scope-OrgID: {TENANT}}}}}"),
    "tempo-over-http": WayOut(
        "tempo",
        "otlp_http",
        "tempo",
        '{endpoint: "http://127.0.0.1:PORT", protocol: http, tenant_from_resource: service.name}',
    ),
}


def table() -> str:
    """Return the matrix in Markdown: for each way in and out what does not come through, by a letter below it."""
    letters: dict[Loss, str] = {}
    rows = [
        f"| {way_in.name} | {' | '.join(_cell(way_in, way_out, letters) for way_out in WAYS_OUT.values())} |"
        for way_in in WAYS_IN.values()
    ]
    head = ["in \\ out", *map(str.capitalize, WAYS_OUT)]
    legend = [f"- {letter}: {loss.what}" for loss, letter in letters.items()]
    return "\n".join([_line(head), _line(["---"] * len(head)), *rows, "", *legend])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(way_in: WayIn, way_out: WayOut, letters: dict[Loss, str]) -> str:
    losses = dict.fromkeys((*LOST_BY[way_in.format], *LOST_BY[way_out.format]))
    found = sorted(letters.setdefault(loss, ascii_lowercase[len(letters)]) for loss in losses)
    return f"all but {' '.join(found)}" if found else "all"
