"""The tags by which Jaeger's spans carry what only OTLP has a field for, and the attributes for what only Jaeger has."""

# The gRPC method that takes spans.
POST_SPANS = "/jaeger.api_v2.CollectorService/PostSpans"

# The service name that the Go collector gives to a resource without attributes.
NO_SERVICE = "OTLPResourceNoServiceName"
SERVICE_NAME = "service.name"
HOST_NAMES = ("hostname", "host.name")
CLIENT_VERSIONS = ("jaeger.version", "opencensus.exporterversion")

ERROR = "error"
EVENT = "event"
SPAN_KIND = "span.kind"
STATUS_CODE = "otel.status_code"
STATUS_MESSAGE = "otel.status_description"
TRACE_STATE = "w3c.tracestate"
HTTP_STATUSES = ("http.response.status_code", "http.status_code")
HTTP_MESSAGE = "http.status_message"
# Of each pair the first is today's.
SCOPE_NAMES = ("otel.scope.name", "otel.library.name")
SCOPE_VERSIONS = ("otel.scope.version", "otel.library.version")

REFERENCE_TYPE = "opentracing.ref_type"
CHILD_OF, FOLLOWS_FROM = "child_of", "follows_from"

# By OTLP's numbers.
KINDS = ("", "internal", "server", "client", "producer", "consumer")
STATUSES = ("", "OK", "ERROR")
UNSET, OK, ERRED = range(3)
SERVER = 2
