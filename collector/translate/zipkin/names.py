"""The tags and attributes by which Zipkin's spans carry what only OTLP has a field for, and the other way round."""

from typing import Literal, TypeAlias

# The service name that the Go collector gives to a resource without one, written in lower case by some.
NO_SERVICE = "OTLPResourceNoServiceName"
# Says which attribute a service name was taken from, where it was not service.name.
SERVICE_SOURCE = "otlp.service.name.source"
SERVICE_NAME = "service.name"
# What stands in for a missing service.name, first come first served.
SERVICE_STAND_INS = ("faas.name", "k8s.deployment.name", "process.executable.name")

ABSENT_START = "otel.zipkin.absentField.startTime"
ERROR = "error"
LINK = "otlp.link.{}"
MOST_LINKS = 128
SPAN_KIND = "span.kind"
STATUS_CODE = "otel.status_code"
STATUS_MESSAGE = "otel.status_description"
TRACE_STATE = "w3c.tracestate"

# Of each pair the first is today's.
SCOPE_NAMES = ("otel.scope.name", "otel.library.name")
SCOPE_VERSIONS = ("otel.scope.version", "otel.library.version")
LOCAL_IPS = ("network.local.address", "net.host.ip")
PEER_IPS = ("network.peer.address", "net.peer.ip")
PEER_SERVICES = ("service.peer.name", "peer.service")
LOCAL_PORT = "net.host.port"
PEER_PORT = "net.peer.port"
HTTP_STATUSES = ("http.response.status_code", "http.status_code")

STATUS_WORDS = ("STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR")

Age: TypeAlias = Literal["old", "new", "both"]


def chosen(names: tuple[str, str], age: Age) -> tuple[str, ...]:
    """Return the names of an attribute that were asked for."""
    new, old = names
    return {"new": (new,), "old": (old,), "both": names}[age]


def status_code(word: str) -> int | None:
    """Return OTLP's number of a status, which senders spell in several ways, or None where it is no status."""
    word = word.upper()
    word = word if word.startswith("STATUS_CODE_") else f"STATUS_CODE_{word}"
    return STATUS_WORDS.index(word) if word in STATUS_WORDS else None


def take_first(tags: dict[str, str], keys: tuple[str, ...]) -> str:
    """Take the tags of these keys; return the first that says something, or an empty text."""
    found = [tags.pop(key, "") for key in keys]
    return next(filter(None, found), "")
