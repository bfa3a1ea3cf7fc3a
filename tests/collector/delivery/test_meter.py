from dataclasses import replace

from collector.api import ComponentId, Kind
from collector.data import Signal
from collector.delivery.meter import Meter
from collector.runtime.instruments import OwnTelemetry
from collector.testing import make_settings


def test_series_carry_the_go_collectors_names_and_labels(make_batch):
    """The real registry takes every instrument with its labels, and two signals of one exporter beside each other."""
    own = OwnTelemetry()
    settings = make_settings("otlp", signals=frozenset({Signal.TRACES}))
    settings = replace(settings, telemetry=own.of(Kind.EXPORTER, ComponentId("otlp")))
    Meter(replace(settings, signals=frozenset({Signal.LOGS}))).queue(1, 10)
    meter = Meter(settings)
    meter.queue(3, 10)
    meter.sending(1)
    meter.shipped(make_batch(30))
    meter.retried("unavailable")
    meter.sent(Signal.TRACES, 5)
    meter.failed(Signal.TRACES, 6, "timeout")
    meter.refused(make_batch(7), "queue_full")

    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for metric in own.collect()
        for sample in metric.samples
    }

    def value(name, **labels):
        return samples[(name, *sorted({"exporter": "otlp", **labels}.items()))]

    assert 3 == value("otelcol_exporter_queue_size", data_type="traces")
    assert 1 == value("otelcol_exporter_queue_size", data_type="logs")
    assert 10 == value("otelcol_exporter_queue_capacity", data_type="traces")
    assert 1 == value("otelcol_exporter_in_flight_requests", data_type="traces")
    assert 30 == value("otelcol_exporter_queue_batch_send_size_sum", data_type="traces")
    assert 1 == value("otelcol_exporter_retries_total", data_type="traces", reason="unavailable")
    assert 5 == value("otelcol_exporter_sent_spans_total")
    assert 6 == value("otelcol_exporter_send_failed_spans_total", reason="timeout")
    assert 7 == value("otelcol_exporter_enqueue_failed_spans_total", reason="queue_full")
