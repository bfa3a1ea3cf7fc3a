"""Walks a batch and applies the rules to everything in it that has attributes, and to log bodies."""

from collector.api import Consumer, Host, ProcessorFactory, Settings, StartError, TransformProcessor
from collector.data import Batch, OpenResource, OpenScope, Signal, attribute_lists
from collector.data.messages import ProtoMessage, Span
from collector.processing.urls import is_blank, sanitize_url
from processors.redaction.config import Config
from processors.redaction.rules import Rules
from processors.redaction.summary import Findings, Summary

# A span with one of these is an HTTP span, by the semantic conventions of today and of 1.25.
_HTTP_KEYS = frozenset(
    {
        "http.method",
        "http.request.method",
        "http.request.method_original",
        "http.response.status_code",
        "http.route",
        "http.scheme",
        "http.target",
        "http.url",
        "url.full",
    }
)


class RedactionProcessor:
    """Redacts resources, scopes, spans with their events, log records with their bodies, and data points."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self._rules = Rules(config)
        self._summary = Summary(config.summary)
        self._telltale = self._rules.telltale(summary=not self._summary.is_silent)
        self._sanitizes_names = config.url_sanitizer.enabled and config.url_sanitizer.sanitize_span_name
        self._redacted = settings.telemetry.counter(
            "otelcol_processor_redaction_attributes",
            "Attributes and parts of log bodies that the redaction processor removed (redacted) or masked.",
            ("change",),
        )

    def __call__(self, batch: Batch) -> Batch:
        """Return the batch with nothing in it that must not leave."""
        redact_item = {
            Signal.TRACES: self._redact_span,
            Signal.LOGS: self._redact_log_record,
            Signal.METRICS: self._redact_metric,
        }[batch.signal]
        opened = batch.open()
        for resource in opened.resources:
            self._redact_resource(resource)
            for scope in resource.scopes:
                self._redact_scope(scope)
                for index, raw in enumerate(scope.originals):
                    if self._may_change(scope, index, raw) and redact_item(scope.message(index)):
                        scope.touch(index)
        return Batch.of_opened(opened, batch.client)

    def _may_change(self, scope: OpenScope, index: int, raw: bytes | None) -> bool:
        """Return False where the bytes of an item show that nothing in it is to be redacted."""
        if self._telltale is None or raw is None or self._telltale.found_in(raw):
            return True
        # Numbers in a log body are matched by their text, which the bytes do not show.
        return scope.signal is Signal.LOGS and scope.message(index).body.WhichOneof("value") not in (
            None,
            "string_value",
        )

    def _redact_resource(self, resource: OpenResource) -> None:
        if self._telltale is not None and not self._telltale.found_in(resource.raw):
            return
        if self._redact(resource.resource.attributes):
            resource.touch()

    def _redact_scope(self, scope: OpenScope) -> None:
        message = scope.scope
        if message.attributes and self._redact(message.attributes):
            scope.set_scope(message)

    def _redact_span(self, span: ProtoMessage) -> bool:
        changed = self._redact(span.attributes)
        for event in span.events:
            changed |= self._redact(event.attributes)
        if self._sanitizes_names:
            changed |= self._sanitize_name(span)
        return changed

    def _redact_log_record(self, record: ProtoMessage) -> bool:
        changed = self._redact(record.attributes)
        if not record.HasField("body"):
            return changed
        findings = self._rules.scrub_body(record.body)
        self._count(findings)
        return self._summary.write(record.attributes, findings, body=True) or findings.changed or changed

    def _redact_metric(self, metric: ProtoMessage) -> bool:
        changed = False
        for attributes in attribute_lists(Signal.METRICS, metric):
            changed |= self._redact(attributes)
        return changed

    def _redact(self, attributes: ProtoMessage) -> bool:
        findings = self._rules.scrub(attributes)
        self._count(findings)
        return self._summary.write(attributes, findings) or findings.changed

    def _sanitize_name(self, span: ProtoMessage) -> bool:
        """Replace ids in the name of an HTTP span, unless nothing else would be left."""
        if span.kind not in (Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_SERVER):
            return False
        if "/" not in span.name and _HTTP_KEYS.isdisjoint(pair.key for pair in span.attributes):
            return False
        name = span.name if self._rules.allows(span.name) else sanitize_url(span.name)
        if name in (span.name, "") or is_blank(name):
            return False
        span.name = name
        return True

    def _count(self, findings: Findings) -> None:
        if findings.redacted:
            self._redacted.add(len(findings.redacted), change="redacted")
        if findings.masked:
            self._redacted.add(len(findings.masked), change="masked")


class GuardedProcessor(TransformProcessor):
    """Does not start, rather than let through what it cannot redact yet."""

    def __init__(self, config: Config, settings: Settings, next_consumer: Consumer) -> None:
        super().__init__(RedactionProcessor(config, settings), next_consumer)
        self._unbuilt = config.db_sanitizer.wanted

    async def start(self, host: Host) -> None:  # noqa: ARG002 - the contract's arguments
        """Check that there is everything that the configuration asks for.

        Raises:
            StartError: there is not.

        """
        if self._unbuilt:
            raise StartError(
                f"db_sanitizer: {', '.join(self._unbuilt)}: not built yet: set enabled to false, and mask literals by "
                "blocked_values"
            )


FACTORY = ProcessorFactory(type="redaction", config=Config, create=GuardedProcessor)
