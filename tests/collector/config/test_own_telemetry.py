import pytest
from pydantic import ValidationError

from collector.config import TelemetryConfig


def telemetry(**sections) -> TelemetryConfig:
    return TelemetryConfig.model_validate(sections)


def test_defaults_are_those_of_the_go_collector():
    config = telemetry()

    assert (config.logs.level, config.logs.encoding, config.logs.output_paths) == ("info", "console", ["stderr"])
    assert (config.logs.sampling.tick, config.logs.sampling.initial, config.logs.sampling.thereafter) == (10.0, 10, 100)
    (reader,) = config.metrics.readers
    prometheus = reader.pull.exporter.prometheus
    assert (config.metrics.level, prometheus.host, prometheus.port) == ("normal", "localhost", 8888)
    assert prometheus.without_scope_info
    assert prometheus.without_units
    assert prometheus.without_type_suffix


@pytest.mark.parametrize(
    ("written", "level"), [("INFO", "info"), ("Debug", "debug"), ("warning", "warn"), ("dpanic", "error"), ("", "info")]
)
def test_log_levels_as_zap_reads_them(written, level):
    assert telemetry(logs={"level": written}).logs.level == level


def test_log_sampling_can_be_turned_off():
    assert telemetry(logs={"sampling": {"enabled": False}}).logs.sampling is None


def test_metrics_levels_in_any_case():
    assert telemetry(metrics={"level": "Detailed"}).metrics.level == "detailed"


@pytest.mark.parametrize("headers", [{"k": "v"}, [{"name": "k", "value": "v"}]])
def test_headers_are_a_map_or_a_list(headers):
    otlp = {"endpoint": "http://localhost:4318", "headers": headers}
    config = telemetry(metrics={"readers": [{"periodic": {"exporter": {"otlp": otlp}}}]})

    assert config.metrics.readers[0].periodic.exporter.otlp.headers["k"].get_secret_value() == "v"


@pytest.mark.parametrize(
    "resource",
    [
        {"a": "x", "b": None},
        [{"name": "a", "value": "x"}, {"name": "b"}],
        {"attributes": [{"name": "a", "value": "x"}, {"name": "b", "value": None}]},
        {"attributes": {"a": "x", "b": None}},
    ],
)
def test_the_resource_is_a_map_or_a_list_of_attributes(resource):
    assert telemetry(resource=resource).resource == {"a": "x", "b": None}


def test_an_attribute_may_be_called_attributes():
    assert telemetry(resource={"attributes": "x"}).resource == {"attributes": "x"}


@pytest.mark.parametrize("exporter", [{"otlp_http": None}, {"otlp_grpc": {"tls": {"insecure": True}}}, {"console": {}}])
def test_exporters_of_the_newer_declarative_configuration(exporter):
    config = telemetry(logs={"processors": [{"simple": {"exporter": exporter}}]})

    (name,) = exporter
    assert getattr(config.logs.processors[0].simple.exporter, name) is not None


PROMETHEUS = {"pull": {"exporter": {"prometheus": {"port": 1}}}}


@pytest.mark.parametrize(
    ("metrics", "message"),
    [
        ({"readers": []}, "readers must not be empty unless the level is none"),
        ({"views": []}, "views need the level detailed"),
        ({"readers": [{}]}, "name one reader: pull or periodic"),
        ({"readers": [{**PROMETHEUS, "periodic": {"exporter": {"console": {}}}}]}, "name one reader"),
        ({"readers": [{"periodic": {"exporter": {}}}]}, "name one exporter: otlp, otlp_http, otlp_grpc or console"),
    ],
)
def test_what_contradicts_itself_is_refused(metrics, message):
    with pytest.raises(ValidationError, match=message):
        telemetry(metrics=metrics)


@pytest.mark.parametrize(
    "processor", [{}, {"batch": {"exporter": {"console": {}}}, "simple": {"exporter": {"console": {}}}}]
)
def test_a_processor_is_exactly_one(processor):
    with pytest.raises(ValidationError, match="name one processor"):
        telemetry(logs={"processors": [processor]})


def test_intervals_are_not_negative():
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        telemetry(metrics={"readers": [{"periodic": {"interval": -1, "exporter": {"console": None}}}]})


def test_level_none_needs_no_reader():
    assert telemetry(metrics={"level": "none", "readers": []}).metrics.readers == []


@pytest.mark.parametrize("name", ["prometheus", "prometheus/development"])
def test_the_endpoint_for_prometheus_by_both_its_names(name):
    config = telemetry(metrics={"readers": [{"pull": {"exporter": {name: {"port": 9}}}}]})

    assert config.metrics.readers[0].pull.exporter.served.port == 9


@pytest.mark.parametrize("address", ["1212:212121:2121", "localhost", "localhost:http"])
def test_the_old_address_has_a_host_and_a_port(address):
    with pytest.raises(ValidationError, match="is not an address: write host:port"):
        telemetry(metrics={"address": address})


@pytest.mark.parametrize("address", [":8888", "0.0.0.0:8888", "[::1]:8888"])
def test_the_old_address_may_leave_out_the_host(address):
    assert dict(telemetry(metrics={"address": address}).metrics)["address"] == address


def test_unknown_propagators_are_refused():
    with pytest.raises(ValidationError, match="'tracecontext' or 'b3'"):
        telemetry(traces={"propagators": ["jaeger"]})
