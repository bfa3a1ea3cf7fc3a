"""A small shop that is instrumented with the OpenTelemetry SDK: checkout calls payment and inventory."""

import logging
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter as GrpcLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpanExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind, StatusCode

SLOW_SECONDS = 1.0


class Service:
    """One service with its own resource and SDK; checkout speaks gRPC, the others HTTP for their spans."""

    def __init__(self, name: str, grpc: str, http: str) -> None:
        resource = Resource.create({"service.name": name, "service.namespace": "shop", "service.version": "1.4.2"})
        exporter: SpanExporter
        if name == "checkout":
            exporter = GrpcSpanExporter(endpoint=grpc, insecure=True)
        else:
            exporter = HttpSpanExporter(endpoint=f"http://{http}/v1/traces")
        self._tracers = TracerProvider(resource=resource)
        self._tracers.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=200))
        reader = PeriodicExportingMetricReader(GrpcMetricExporter(endpoint=grpc, insecure=True), 1_000)
        self._meters = MeterProvider([reader], resource)
        self._loggers = LoggerProvider(resource)
        self._loggers.add_log_record_processor(BatchLogRecordProcessor(GrpcLogExporter(endpoint=grpc, insecure=True)))
        self.tracer = self._tracers.get_tracer("shop")
        self.requests = self._meters.get_meter("shop").create_counter("shop.requests", "1", "Requests served")
        self.logger = self._loggers.get_logger("shop")

    def log(self, text: str, severity: SeverityNumber = SeverityNumber.INFO, **attributes: str) -> None:
        """Emit a log record in the current span."""
        self.logger.emit(body=text, severity_number=severity, attributes=attributes)

    @contextmanager
    def request(self, name: str, kind: SpanKind, start: int, seconds: float) -> Iterator[trace.Span]:
        """Open a span that lasted so many seconds from a moment in the past."""
        span = self.tracer.start_span(name, kind=kind, start_time=start)
        with trace.use_span(span):
            yield span
        span.end(start + int(seconds * 1e9))
        self.requests.add(1, {"http.route": name.rsplit(" ", maxsplit=1)[-1]})

    def flush(self) -> None:
        """Send everything and end the SDK."""
        self._tracers.shutdown()
        self._meters.shutdown()
        self._loggers.shutdown()


class Shop:
    """Checkout, payment and inventory under one roof."""

    def __init__(self, grpc: str, http: str, seed: int = 7) -> None:
        logging.getLogger("opentelemetry").setLevel(logging.ERROR)
        self._random = random.Random(seed)
        self.checkout, self.payment, self.inventory = (
            Service(name, grpc, http) for name in ("checkout", "payment", "inventory")
        )
        self.orders = self.errors = self.slow = 0

    def order(self) -> None:
        """Serve one order: four spans in one trace, a log line or two; some fail, some are slow."""
        number = 10_000 + self.orders
        email = f"customer{number % 50}@example.com"
        card = f"4{self._random.randrange(10**14, 10**15)}"
        fails = self._random.random() < 0.08
        seconds = self._random.uniform(SLOW_SECONDS, 2.5) if self._random.random() < 0.05 else 0.12
        start = time.time_ns() - int(seconds * 1e9)

        with self.checkout.request(f"POST /api/orders/{number}", SpanKind.SERVER, start, seconds) as span:
            span.set_attributes({"user.email": email, "http.request.method": "POST", "cart.items": number % 7 + 1})
            self._reserve(number, start)
            self._pay(number, card, start, seconds, fails=fails)
            if fails:
                span.set_status(StatusCode.ERROR, "payment declined")
            self.checkout.log(f"order {number} placed", user_email=email)
        self.orders += 1
        self.errors += fails
        self.slow += seconds >= SLOW_SECONDS

    def _reserve(self, number: int, start: int) -> None:
        with self.inventory.request(f"GET /stock/{number}/items", SpanKind.SERVER, start, 0.03) as span:
            span.set_attributes({"db.system.name": "postgresql", "stock.left": number % 13})

    def _pay(self, number: int, card: str, start: int, seconds: float, *, fails: bool) -> None:
        with self.payment.request("POST /charge", SpanKind.SERVER, start, seconds * 0.8) as span:
            span.set_attributes({"credit_card": card, "payment.note": f"charged {card}", "order.id": number})
            with self.payment.request("acquirer call", SpanKind.CLIENT, start, seconds * 0.7):
                pass
            if fails:
                span.set_status(StatusCode.ERROR, "declined")
                self.payment.log(f"card {card} declined", SeverityNumber.ERROR)

    def close(self) -> None:
        """Send what is still held."""
        for service in (self.checkout, self.payment, self.inventory):
            service.flush()
