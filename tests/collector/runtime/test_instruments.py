"""Own instruments, and how they read."""

import pytest

from collector.api import ComponentId, Kind
from collector.runtime.exposition import ProcessMetrics, render
from collector.runtime.instruments import OwnTelemetry

OTLP = ComponentId("otlp")


@pytest.fixture
def own():
    return OwnTelemetry()


def text_of(own, **options):
    return render(own.collect(), **options)


def test_each_series_names_its_component(own):
    """As the Go collector has it, without _total."""
    counter = own.of(Kind.RECEIVER, OTLP).counter("otelcol_receiver_accepted_spans", "Spans.", ("transport",))
    counter.add(2, transport="grpc")
    counter.add(transport="grpc")
    own.of(Kind.RECEIVER, ComponentId("otlp", "2")).counter("otelcol_receiver_accepted_spans", "", ("transport",)).add(
        transport="http"
    )
    assert (
        "# HELP otelcol_receiver_accepted_spans Spans.\n"
        "# TYPE otelcol_receiver_accepted_spans counter\n"
        'otelcol_receiver_accepted_spans{receiver="otlp",transport="grpc"} 3\n'
        'otelcol_receiver_accepted_spans{receiver="otlp/2",transport="http"} 1\n'
    ) == text_of(own)


def test_a_reader_may_want_total(own):
    own.of(Kind.RECEIVER, OTLP).counter("hits", "Hits.").add()
    assert '# HELP hits_total Hits.\n# TYPE hits_total counter\nhits_total{receiver="otlp"} 1\n' == text_of(
        own, counter_suffix="_total"
    )


def test_gauges_and_histograms(own):
    telemetry = own.of(Kind.EXPORTER, OTLP)
    telemetry.gauge("size", "Size.").set(1.5)
    telemetry.histogram("seconds", "Time.", (10.0, 2.5e6)).record(11)
    assert (
        "# HELP seconds Time.\n"
        "# TYPE seconds histogram\n"
        'seconds_bucket{exporter="otlp",le="10"} 0\n'
        'seconds_bucket{exporter="otlp",le="2500000"} 1\n'
        'seconds_bucket{exporter="otlp",le="+Inf"} 1\n'
        'seconds_count{exporter="otlp"} 1\n'
        'seconds_sum{exporter="otlp"} 11\n'
        "# HELP size Size.\n"
        "# TYPE size gauge\n"
        'size{exporter="otlp"} 1.5\n'
    ) == text_of(own)


def test_asking_twice_gives_the_same_instrument(own):
    for _ in range(2):
        own.of(Kind.RECEIVER, OTLP).counter("hits", "Hits.").add()
    assert 'hits{receiver="otlp"} 2\n' in text_of(own)


def test_components_of_two_kinds_may_share_a_name(own):
    """Under one HELP and TYPE, as the format demands."""
    own.of(Kind.RECEIVER, OTLP).counter("hits", "Hits.").add()
    own.of(Kind.EXTENSION, ComponentId("health_check")).counter("hits", "Hits.").add()
    assert (
        '# HELP hits Hits.\n# TYPE hits counter\nhits{receiver="otlp"} 1\nhits{extension="health_check"} 1\n'
    ) == text_of(own)


def test_a_series_without_labels_starts_at_zero_and_one_with_labels_does_not_show(own):
    telemetry = own.of(Kind.RECEIVER, OTLP)
    telemetry.counter("plain", "")
    telemetry.counter("labelled", "", ("reason",))
    assert 'plain{receiver="otlp"} 0\n' in text_of(own)
    assert "labelled" not in text_of(own)


def test_the_order_of_labels_does_not_matter(own):
    counter = own.of(Kind.RECEIVER, OTLP).counter("hits", "", ("a", "b"))
    counter.add(a="1", b="2")
    counter.add(b="2", a="1")
    assert 'hits{receiver="otlp",a="1",b="2"} 2\n' in text_of(own)


def test_labels_are_those_announced(own):
    counter = own.of(Kind.RECEIVER, OTLP).counter("hits", "", ("reason",))
    with pytest.raises(ValueError, match=r"the labels are \('reason',\), not \('reason', 'extra'\)"):
        counter.add(reason="full", extra="x")
    with pytest.raises(ValueError, match=r"not \(\)"):
        counter.add()


def test_values_are_escaped(own):
    own.of(Kind.RECEIVER, OTLP).counter("hits", "a\\b\nc", ("reason",)).add(reason='say "no"\n\\')
    assert "# HELP hits a\\\\b\\nc\n" in text_of(own)
    assert 'reason="say \\"no\\"\\n\\\\"' in text_of(own)


@pytest.mark.parametrize(
    ("value", "text"), [(float("inf"), "+Inf"), (float("-inf"), "-Inf"), (float("nan"), "NaN"), (1e300, "1e+300")]
)
def test_odd_numbers(own, value, text):
    own.of(Kind.RECEIVER, OTLP).gauge("odd", "").set(value)
    assert f'odd{{receiver="otlp"}} {text}\n' in text_of(own)


def test_the_process_shows():
    text = render(ProcessMetrics({"service_name": "spanmill"}).collect())
    assert 'target_info{service_name="spanmill"} 1\n' in text
    values = {line.split(" ")[0]: float(line.split(" ")[1]) for line in text.splitlines() if line[0] == "o"}
    assert values["otelcol_process_memory_rss"] > 2**20
    assert values["otelcol_process_cpu_seconds"] > 0
    assert values["otelcol_process_uptime"] >= 0


def test_a_counter_only_grows(own):
    """A negative amount is a defect of who counts, and told there: not to whoever reads all metrics later."""
    counter = own.of(Kind.RECEIVER, ComponentId("otlp")).counter("otelcol_receiver_requests", "Requests.")
    with pytest.raises(ValueError, match="only grows: -1 cannot"):
        counter.add(-1)
