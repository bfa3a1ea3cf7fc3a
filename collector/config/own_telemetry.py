"""The options under `service.telemetry`: the collector's own logs, metrics and traces.

Exporters and readers follow the declarative configuration of OpenTelemetry SDKs, as the Go collector's do.
https://opentelemetry.io/docs/collector/internal-telemetry/
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from collector.api import ComponentConfig, Duration, SecretStr, option


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _log_level(value: Any) -> Any:
    """Return the level's usual name: upper case and zap's other words are accepted, as the Go collector does."""
    word = _lower(value)
    return {"warning": "warn", "dpanic": "error", "panic": "error", "": "info"}.get(word, word)


def _named_values(value: Any) -> Any:
    """Return a map for a list of `name` and `value`, the other way to write headers and attributes."""
    if isinstance(value, list) and all(isinstance(item, dict) and "name" in item for item in value):
        return {item["name"]: item.get("value") for item in value}
    return value


# `json_schema_input_type` is what editors accept, which before validation is more than the annotation says.
Headers = Annotated[
    dict[str, SecretStr],
    BeforeValidator(_named_values, json_schema_input_type=dict[str, str] | list[dict[str, str | None]]),
]
LogLevel = Annotated[
    Literal["debug", "info", "warn", "error", "fatal"], BeforeValidator(_log_level, json_schema_input_type=str)
]
Level = Annotated[Literal["none", "basic", "normal", "detailed"], BeforeValidator(_lower, json_schema_input_type=str)]
Milliseconds = Annotated[int, Field(ge=0)]


class OtlpConfig(ComponentConfig):
    """What all ways to send OTLP have in common."""

    headers: Headers = option({}, "Headers of each request: a map, or a list of `name` and `value`.")
    headers_list: SecretStr | None = option(None, "More headers, as `name=value` parted by commas.")
    compression: str = option("", "`gzip`, or `none`.")
    timeout: Milliseconds = option(10_000, "Milliseconds that one request may take.")
    temporality_preference: Literal["cumulative", "delta", "low_memory"] = option(
        "cumulative", "Whether sums count from the start or from the export before."
    )
    default_histogram_aggregation: str = option("explicit_bucket_histogram", "How histograms keep their values.")


class OtlpExporterConfig(OtlpConfig):
    """Sends to another collector, in the words of version 0.3 of the declarative configuration."""

    endpoint: str = option(description="URL of the receiving end.")
    protocol: Literal["grpc", "http/protobuf", "http/json"] = option("http/protobuf", "How to speak OTLP.")
    insecure: bool = option(False, "Do without TLS where the endpoint has no scheme.")
    certificate: str = option("", "File of the authorities that the server's certificate is checked with.")
    client_certificate: str = option("", "File of the client's own certificate.")
    client_key: str = option("", "File of the client's own key.")


class ExporterTlsConfig(ComponentConfig):
    """How to trust and be trusted."""

    ca_file: str = option("", "File of the authorities that the server's certificate is checked with.")
    cert_file: str = option("", "File of the client's own certificate.")
    key_file: str = option("", "File of the client's own key.")
    insecure: bool = option(False, "Do without TLS where the endpoint has no scheme.")


class OtlpHttpExporterConfig(OtlpConfig):
    """Sends over HTTP, in the words of version 1 of the declarative configuration."""

    endpoint: str = option("http://localhost:4318", "URL of the receiving end.")
    encoding: Literal["protobuf", "json"] = option("protobuf", "How requests are written.")
    tls: ExporterTlsConfig | None = option(None, "Certificates.")


class OtlpGrpcExporterConfig(OtlpConfig):
    """Sends over gRPC, in the words of version 1 of the declarative configuration."""

    endpoint: str = option("http://localhost:4317", "URL of the receiving end.")
    tls: ExporterTlsConfig | None = option(None, "Certificates.")


class ConsoleExporterConfig(ComponentConfig):
    """Writes the collector's own telemetry to standard output."""


class PushExporterConfig(ComponentConfig):
    """Where own telemetry is pushed to: exactly one."""

    otlp: OtlpExporterConfig | None = option(None, "Another collector.")
    otlp_http: OtlpHttpExporterConfig | None = option(None, "Another collector, over HTTP.")
    otlp_grpc: OtlpGrpcExporterConfig | None = option(None, "Another collector, over gRPC.")
    console: ConsoleExporterConfig | None = option(None, "Standard output.")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if [self.otlp, self.otlp_http, self.otlp_grpc, self.console].count(None) != 3:
            raise ValueError("name one exporter: otlp, otlp_http, otlp_grpc or console")
        return self


class LabelSelectionConfig(ComponentConfig):
    """Resource attributes by name; `*` matches any text."""

    included: list[str] = option([], "Attributes to take; none named means all.")
    excluded: list[str] = option([], "Attributes to leave out.")


class PrometheusReaderConfig(ComponentConfig):
    """Serves own metrics to Prometheus."""

    host: str = option("localhost", "Address to listen on.")
    port: int = option(8888, "Port to listen on; 0 picks one.", ge=0, le=65535)
    without_scope_info: bool = option(True, "Accepted for compatibility; series never name the instrumentation.")
    without_target_info: bool = option(False, "Accepted for compatibility; `target_info` is always served.")
    without_units: bool = option(
        True, "Accepted for compatibility; names have the units that the Go collector gives them by default."
    )
    without_type_suffix: bool = option(True, "Leave `_total` out of the names of counters.")
    translation_strategy: str = option("", "Accepted for compatibility; names are as in the Go collector by default.")
    with_resource_constant_labels: LabelSelectionConfig | None = option(
        None, "Accepted for compatibility; the resource is in `target_info` only."
    )


class PullExporterConfig(ComponentConfig):
    """What own metrics are read by."""

    prometheus: PrometheusReaderConfig | None = option(None, "An endpoint for Prometheus to scrape.")
    prometheus_development: PrometheusReaderConfig | None = option(
        None, "The same, by its name in version 1 of the declarative configuration.", alias="prometheus/development"
    )

    @property
    def served(self) -> PrometheusReaderConfig | None:
        """The endpoint for Prometheus, by whichever name it was written."""
        return self.prometheus or self.prometheus_development


class PullReaderConfig(ComponentConfig):
    """Serves own metrics to who asks for them."""

    exporter: PullExporterConfig = option(PullExporterConfig, "The form in which they are served.")
    producers: list[dict[str, Any]] = option([], "Accepted for compatibility; has no effect.")


class PeriodicReaderConfig(ComponentConfig):
    """Pushes own metrics from time to time."""

    exporter: PushExporterConfig = option(description="Where to.")
    interval: Milliseconds = option(60_000, "Milliseconds from one export to the next.")
    timeout: Milliseconds = option(30_000, "Milliseconds that one export may take.")
    producers: list[dict[str, Any]] = option([], "Accepted for compatibility; has no effect.")


class ReaderConfig(ComponentConfig):
    """One way out for own metrics: exactly one of the two."""

    pull: PullReaderConfig | None = option(None, "Serve them to who asks.")
    periodic: PeriodicReaderConfig | None = option(
        None, "Accepted for compatibility; own metrics are served, not pushed."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.pull is None) == (self.periodic is None):
            raise ValueError("name one reader: pull or periodic")
        return self


def _default_readers() -> list[ReaderConfig]:
    prometheus = PullExporterConfig(prometheus=PrometheusReaderConfig())
    return [ReaderConfig(pull=PullReaderConfig(exporter=prometheus))]


class MetricsConfig(ComponentConfig):
    """The collector's own metrics."""

    level: Level = option("normal", "`none` switches own metrics off; the other levels measure the same.")
    readers: list[ReaderConfig] = option(
        _default_readers(), "Where they can be read; by default Prometheus on localhost:8888."
    )
    address: str | None = option(
        None,
        "Where to serve them to Prometheus, `host:port`.",
        deprecated="write readers: [{pull: {exporter: {prometheus: {host, port}}}}]",
    )
    views: list[dict[str, Any]] | None = option(None, "Accepted for compatibility; needs the level `detailed`.")

    @field_validator("address")
    @classmethod
    def _check_address(cls, value: str | None) -> str | None:
        host, _, port = (value or ":0").rpartition(":")
        if not (port.isascii() and port.isdigit()) or (":" in host and not host.startswith("[")):
            raise ValueError(f'"{value}" is not an address: write host:port, such as localhost:8888')
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.level != "none" and not self.readers:
            raise ValueError("readers must not be empty unless the level is none")
        if self.views is not None and self.level != "detailed":
            raise ValueError("views need the level detailed")
        return self


class BatchProcessorConfig(ComponentConfig):
    """Collects own log records or spans before it exports them."""

    exporter: PushExporterConfig = option(description="Where to.")
    schedule_delay: Milliseconds = option(5_000, "Milliseconds from one export to the next.")
    export_timeout: Milliseconds = option(30_000, "Milliseconds that one export may take.")
    max_queue_size: int = option(2048, "How many may wait.", ge=1)
    max_export_batch_size: int = option(512, "How many one export takes at most.", ge=1)


class SimpleProcessorConfig(ComponentConfig):
    """Exports each own log record or span by itself."""

    exporter: PushExporterConfig = option(description="Where to.")


class ProcessorConfig(ComponentConfig):
    """One way out for own log records or spans: exactly one of the two."""

    batch: BatchProcessorConfig | None = option(None, "Export many together.")
    simple: SimpleProcessorConfig | None = option(None, "Export each by itself.")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.batch is None) == (self.simple is None):
            raise ValueError("name one processor: batch or simple")
        return self


class LogsSamplingConfig(ComponentConfig):
    """Keeps a log that repeats itself short."""

    tick: Duration = option(10.0, "The period in which the other two options count.")
    initial: int = option(10, "How many equal messages are written at first.", ge=0)
    thereafter: int = option(100, "Of those that follow in the period, every how many-th is written; 0 for none.", ge=0)


class LogsConfig(ComponentConfig):
    """The collector's own logs."""

    level: LogLevel = option("info", "The lowest level that is written.")
    encoding: Literal["console", "json"] = option("console", "How lines are written: for people or for machines.")
    output_paths: list[str] = option(["stderr"], "Where lines go: `stderr`, `stdout` or files, which are added to.")
    error_output_paths: list[str] = option(
        ["stderr"], "Accepted for compatibility; the logger has no errors of its own."
    )
    development: bool = option(False, "Accepted for compatibility; has no effect.")
    sampling: LogsSamplingConfig | None = option(
        LogsSamplingConfig, "Leaves out repetitions of a message; `enabled: false` writes all."
    )
    initial_fields: dict[str, Any] = option({}, "Fields that every line has.")
    disable_caller: bool = option(False, "Accepted for compatibility; lines never tell the place in the code.")
    disable_stacktrace: bool = option(False, "Accepted for compatibility; stack traces are written for defects only.")
    disable_zap_resource: bool = option(False, "Accepted for compatibility; lines never have the resource.")
    processors: list[ProcessorConfig] = option([], "Accepted for compatibility; own logs are written, not exported.")


_NO_SPANS = "Accepted for compatibility; the collector makes no spans of its own."


class TracesConfig(ComponentConfig):
    """The collector's own spans."""

    level: Level = option("normal", _NO_SPANS)
    propagators: list[Literal["tracecontext", "b3"]] = option([], _NO_SPANS)
    processors: list[ProcessorConfig] = option([], _NO_SPANS)
    limits: dict[str, Any] | None = option(None, _NO_SPANS)
    sampler: dict[str, Any] | None = option(None, _NO_SPANS)


Attribute = str | bool | int | float | list[Any] | None


class TelemetryConfig(ComponentConfig):
    """What the collector tells about itself."""

    logs: LogsConfig = option(LogsConfig, "The collector's own logs.")
    metrics: MetricsConfig = option(MetricsConfig, "The collector's own metrics.")
    traces: TracesConfig = option(TracesConfig, "The collector's own spans.")
    resource: dict[str, Attribute] = option(
        {},
        "Attributes of the collector itself: a map (null leaves out one that is set by itself), or a list "
        "under `attributes`.",
    )

    @field_validator("resource", mode="before", json_schema_input_type=dict[str, Any] | list[Any])
    @classmethod
    def _flatten(cls, value: Any) -> Any:
        """Return a map of attributes for the form of the declarative configuration."""
        if isinstance(value, dict) and isinstance(value.get("attributes"), list | dict):
            return _named_values(value["attributes"])
        return _named_values(value)
