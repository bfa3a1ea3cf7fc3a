"""What is measured: the work a collector does, and the requests it does it on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

SPANS = (1, 16, 64, 512)
WORKS = {
    "forward": "receive, batch, send",
    "head": "receive, sample 10 % by trace id, batch, send",
    "scrub": "receive, delete, hash and insert an attribute of each span, batch, send",
    "tail": "receive, keep whole traces with an error, slower than 1 s, and 5 % of all, batch, send",
}
TRANSPORTS = {"grpc": "gRPC", "http": "HTTP"}


@dataclass(frozen=True)
class Shape:
    """One case: requests of one kind, sent in one way.

    Over gRPC the requests that are under way share the connections; over HTTP/1.1 each has one of its own, so that
    there are at least as many connections as requests under way.
    """

    work: str = "forward"
    transport: str = "grpc"
    compression: str = "plain"
    spans: int = 64
    attributes: int = 9
    resources: int = 1
    connections: int = 1

    @property
    def samples(self) -> bool:
        """Whether only a part of the spans is to be sent on."""
        return self.work in ("head", "tail")

    @property
    def interleaved(self) -> bool:
        """Whether the spans of a trace come in several requests, and no trace comes twice."""
        return self.work == "tail"

    @property
    def grows(self) -> str:
        """What there is more of than one, if anything: connections, or resources in a request."""
        return "connections" if self.connections > 1 else "resources" if self.resources > 1 else ""

    @property
    def kind(self) -> str:
        """The work, and how requests differ from the usual ones but for their size."""
        parts = [self.work, TRANSPORTS[self.transport]]
        if self.compression != "plain":
            parts.append(self.compression)
        if self.attributes != Shape.attributes:
            parts.append(f"{self.attributes} attributes")
        return ", ".join(parts)

    @property
    def group(self) -> str:
        """The title of the table that the case belongs to: what its neighbours have in common with it."""
        return f"{self.kind}, by {self.grows}" if self.grows else self.kind

    @property
    def label(self) -> str:
        """What sets the case apart within its table."""
        if self.grows == "resources":
            return f"{self.resources} resources of {_spans(self.spans // self.resources)}"
        if self.grows == "connections":
            return f"{self.connections} connections, {_spans(self.spans)}"
        return _spans(self.spans)

    @property
    def title(self) -> str:
        """The whole name."""
        return f"{self.kind}: {self.label}"


def _spans(number: int) -> str:
    return "1 span" if number == 1 else f"{number} spans"


def full() -> list[Shape]:
    """Return the default selection."""
    return [
        *_sizes(Shape()),
        *_sizes(Shape(attributes=40), (64, 512)),
        *_sizes(Shape(compression="gzip")),
        *_sizes(Shape(transport="http")),
        *_sizes(Shape(transport="http", compression="gzip"), (16, 512)),
        *_sizes(Shape(work="head")),
        *_sizes(Shape(work="scrub")),
        *_sizes(Shape(work="scrub", attributes=40), (64,)),
        *_sizes(Shape(work="tail"), (64, 512)),
        *(Shape(spans=16, connections=number) for number in (10, 100, 1000)),
        *(Shape(spans=number, attributes=2, resources=number) for number in (10, 100, 1000, 10_000)),
    ]


def quick() -> list[Shape]:
    """Return the selection of a few minutes."""
    return [
        *_sizes(Shape()),
        Shape(compression="gzip"),
        Shape(transport="http"),
        Shape(work="head"),
        Shape(work="scrub"),
        Shape(work="tail", spans=512),
    ]


def crossed(
    *,
    works: Sequence[str],
    transports: Sequence[str],
    compressions: Sequence[str],
    spans: Sequence[int],
    attributes: Sequence[int],
    connections: Sequence[int],
) -> list[Shape]:
    """Return every combination of what was asked for."""
    return [
        Shape(work, transport, compression, number, width, connections=lanes)
        for work, transport, compression, width, lanes, number in product(
            works, transports, compressions, attributes, connections, spans
        )
    ]


def _sizes(shape: Shape, sizes: Sequence[int] = SPANS) -> Iterator[Shape]:
    return (replace(shape, spans=number) for number in sizes)
