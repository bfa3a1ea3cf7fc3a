import pytest

from collector.api import ComponentId, Kind
from collector.config import ConfigErrors, PipelineId, bind, load
from collector.data import Signal


def test_a_configuration_in_which_everything_fits(bound, tmp_path):
    config = bound("""\
receivers:
  source / in:
    protocols: {grpc: , http: {endpoint: "localhost:1", origins: 'a,b'}}
processors:
  limit: {limit: 5}
exporters:
  sink: {endpoint: there}
connectors:
  count:
extensions:
  health:
service:
  extensions: [health]
  pipelines:
    traces: {receivers: [source/in], processors: [limit], exporters: [count]}
    metrics/counted: {receivers: [count], exporters: [sink]}
""")

    (receiver,) = config.receivers.values()
    assert str(receiver.id) == "source/in"
    assert receiver.factory.type == "source"
    assert receiver.directory == tmp_path
    assert receiver.config.protocols.grpc.endpoint == "localhost:4317"
    assert receiver.config.protocols.http.origins == ["a", "b"]
    assert config.processors[ComponentId("limit")].config.limit == 5
    assert config.of_kind(Kind.EXPORTER) is config.exporters
    assert list(config.service.pipelines) == [PipelineId(Signal.TRACES), PipelineId(Signal.METRICS, "counted")]
    assert config.warnings == ()


def test_a_component_belongs_to_the_file_that_declares_it_first(bound, tmp_path, minimal):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "more.yaml").write_text("receivers: {source: {protocols: {grpc: }}, source/2: }\n")

    config = bound(minimal.replace("source:", "source: {}"), "sub/more.yaml")

    assert config.receivers[ComponentId("source")].directory == tmp_path
    assert config.receivers[ComponentId("source", "2")].directory == tmp_path / "sub"


@pytest.mark.parametrize("text", ["", "service: {pipelines: {}}", "receivers:\nexporters: {}"])
def test_a_configuration_without_components_is_empty(errors, text):
    (error,) = errors(text)

    assert error.startswith("c.yaml: empty configuration")


def test_a_misspelled_section_is_told_where_nothing_else_is(errors):
    assert errors("reciever: {}\nexporters: \n") == [
        "c.yaml: empty configuration: declare receivers, exporters, and the service.pipelines that connect them",
        'c.yaml:1: reciever: unknown key "reciever": did you mean "receivers"?',
    ]


def test_every_error_is_told_at_once_in_the_order_of_the_file(errors):
    assert errors("""\
recievers: {}
receivers:
  source:
    protocols:
      grcp:
  sorce:
  source/ a:
  source /a:
  1x:
processors:
  tail:
  limit: {limit: 1, spike: 2}
  sumologic:
  taill:
exporters:
  broken:
  sink: {endpoint: x, level: detaild, headers: 5}
connectors: 5
service:
  extensions: [nope]
  pipelines:
    spans: {}
    traces: {receivers: [source], processors: [tail, tail], exporters: [sink, broken]}
  telemetry:
    logs: {level: loud}
plugins: missing.py
""") == [
        'c.yaml:1: recievers: unknown key "recievers": did you mean "receivers"?',
        'c.yaml:5: receivers.source.protocols.grcp: unknown key "grcp": did you mean "grpc"?',
        'c.yaml:6: receivers.sorce: unknown type: "sorce" for id: "sorce": did you mean "source"?',
        'c.yaml:8: receivers.source /a: duplicate name "source /a": without blanks it is source/a, declared at c.yaml:7',
        'c.yaml:9: receivers.1x: "1x" is not a component id: a type has letters, digits and _ and starts with a letter',
        "c.yaml:11: processors.tail: the tail processor is planned but not built yet",
        "c.yaml:12: processors.limit: spike must not be above limit: lower spike",
        (
            "c.yaml:13: processors.sumologic: the sumologic processor is part of the OpenTelemetry Collector, "
            "Spanmill does not have it: leave it in a Collector, and let the two speak OTLP"
        ),
        'c.yaml:14: processors.taill: unknown type: "taill" for id: "taill": did you mean "tail"?',
        "c.yaml:16: exporters.broken: the broken exporter needs the package xyz, which is not installed",
        'c.yaml:17: exporters.sink.level: expected "basic" or "detailed", got the text "detaild": did you mean "detailed"?',
        "c.yaml:17: exporters.sink.headers: expected a map, got another value",
        "c.yaml:18: connectors: expected a map, got the number 5",
        'c.yaml:22: service.pipelines.spans: "spans" is not a pipeline id: unknown signal "spans", known are traces, metrics, logs',
        'c.yaml:25: service.telemetry.logs.level: expected "debug", "info", "warn", "error" or "fatal", got the text "loud"',
        "c.yaml:26: plugins: expected a Python file that exists, such as ./mine.py, got 'missing.py'",
    ]


def test_pipelines_are_checked_where_only_telemetry_is_wrong(errors, minimal):
    found = errors(minimal.replace("[nop]", "[nope]") + "  telemetry: {log: }\n")

    assert [
        'c.yaml:9: service.pipelines.traces.exporters[0]: references exporter "nope" which is not configured: did you mean "nop"?',
        'c.yaml:10: service.telemetry.log: unknown key "log": did you mean "logs"?',
    ] == found


def test_a_service_section_is_needed(errors):
    assert errors("receivers: {source: }\nexporters: {nop: }\n") == [
        "c.yaml: service.pipelines: service must have at least one pipeline"
    ]


def test_an_old_name_is_accepted_with_a_warning(bound, minimal):
    config = bound(minimal.replace("nop:", "oldsink: {endpoint: x}").replace("[nop]", "[oldsink]"))

    assert config.exporters[ComponentId("oldsink")].factory.type == "sink"
    assert ['c.yaml:4: exporters.oldsink: "oldsink" is the old name of the exporter: write "sink"'] == [
        str(warning) for warning in config.warnings
    ]


def test_references_and_sets_take_part(bound, minimal):
    config = bound(
        minimal,
        sets=["receivers.source.protocols.grpc.max_size=9"],
        env={"HOST": "example"},
    )

    assert config.receivers[ComponentId("source")].config.protocols.grpc.max_size == 9


def test_errors_in_sets_say_so(errors, minimal):
    assert errors(minimal, sets=["receivers.source.protocols.grpc.max_size=big"]) == [
        '--set: receivers.source.protocols.grpc.max_size: expected a whole number, got the text "big"'
    ]


def test_errors_carry_path_message_and_origin(catalog):
    with pytest.raises(ConfigErrors) as caught:
        bind(load(["yaml:receivers::nosuch:"], env={}), catalog)

    (error,) = [error for error in caught.value.errors if error.path == "receivers.nosuch"]
    assert str(error.origin) == "yaml"
    assert error.message.startswith('unknown type: "nosuch" for id: "nosuch"')
