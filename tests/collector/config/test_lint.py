from collector.config import bind, load
from collector.runtime.registry import Registry


def warnings(config) -> list[str]:
    return [str(warning) for warning in config.warnings]


def test_numbers_without_a_unit_count_nanoseconds(bound, minimal):
    text = minimal.replace("source:", "source: {protocols: {grpc: {timeout: 200}, http: {timeout: 0}}}")

    assert warnings(bound(text)) == [
        "c.yaml:2: receivers.source.protocols.grpc.timeout: 200 has no unit and counts nanoseconds: write 200s or 200ms"
    ]


def test_durations_in_lists_are_found(bound, minimal):
    text = minimal.replace("receivers: [source]", "receivers: [source]\n      processors: [limit]")

    config = bound(text + "processors:\n  limit: {limit: 1, rules: [{timeout: 5}, {timeout: 5s}]}\n")

    assert [line.split(":")[2].strip() for line in warnings(config)] == ["processors.limit.rules[0].timeout"]


def test_deprecated_options(bound, minimal):
    text = minimal.replace("nop:", "sink: {endpoint: x, address: y}").replace("[nop]", "[sink]")

    assert warnings(bound(text)) == ['c.yaml:4: exporters.sink.address: is deprecated: use "endpoint"']


def test_components_that_run_nowhere(bound, minimal):
    text = (
        minimal.replace("source:", "source:\n  spans:") + "extensions: {health: }\nprocessors: {limit/x: {limit: 1}}\n"
    )

    assert warnings(bound(text)) == [
        "c.yaml:3: receivers.spans: is not used: no pipeline names it",
        "c.yaml:11: extensions.health: is not used: service.extensions does not list it",
        "c.yaml:12: processors.limit/x: is not used: no pipeline names it",
    ]


def test_unset_variables(bound, minimal):
    config = bound(minimal.replace("source:", "source: {protocols: {grpc: {endpoint: '${env:NOPE}'}}}"))

    assert "environment variable NOPE is not set" in warnings(config)[0]


def test_telemetry_is_looked_at_too(bound, minimal):
    config = bound(minimal + "  telemetry: {logs: {sampling: {tick: 5}}, metrics: {address: 'x:1'}}\n")

    assert [line.split(": ")[1] for line in warnings(config)] == [
        "service.telemetry.logs.sampling.tick",
        "service.telemetry.metrics.address",
    ]


def test_options_without_effect(bound, minimal):
    config = bound(minimal + "  telemetry: {traces: {propagators: [b3]}}\n")

    assert warnings(config) == [
        (
            "c.yaml:10: service.telemetry.traces.propagators: accepted for compatibility; the collector makes no spans of "
            "its own."
        )
    ]


def test_values_that_are_not_what_they_seem(bound, minimal):
    """Also in lists, and only where the value is set."""
    text = minimal.replace("source:", "source: {protocols: {grpc: {origins: [a, '*']}, http: {origins: [b]}}}")

    assert warnings(bound(text)) == ["c.yaml:2: receivers.source.protocols.grpc.origins[1]: lets everybody in"]


def test_a_broken_address_to_listen_on(tmp_path):
    source = tmp_path / "c.yaml"
    source.write_text("""\
receivers:
  otlp: {protocols: {grpc: {endpoint: localhost}, http: {endpoint: /run/otlp.sock, transport: unix}}}
exporters: {nop: }
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [nop]}
""")
    [found] = warnings(bind(load([str(source)]), Registry()))

    assert 'grpc.endpoint: the collector will not start: "localhost" is not an endpoint' in found
