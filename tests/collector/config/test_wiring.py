import pytest


def config(pipelines: str, **sections: str) -> str:
    parts = {"receivers": "source: , spans: ", "exporters": "nop: ", **sections}
    text = "".join(f"{name}: {{{entries}}}\n" for name, entries in parts.items())
    return f"{text}service:\n  pipelines:\n{pipelines}"


def without_place(found: list[str]) -> list[str]:
    return [line.partition(": ")[2] for line in found]


@pytest.mark.parametrize(
    ("pipelines", "sections", "expected"),
    [
        (
            "    traces: {receivers: [sourc], exporters: [nop]}",
            {},
            'traces.receivers[0]: references receiver "sourc" which is not configured: did you mean "source"?',
        ),
        (
            "    traces: {receivers: [source], processors: [x], exporters: [nop]}",
            {},
            'traces.processors[0]: references processor "x" which is not configured',
        ),
        (
            "    traces: {receivers: [source], exporters: [nop, source]}",
            {},
            'traces.exporters[1]: references exporter "source" which is not configured: known are nop',
        ),
        ("    traces: {exporters: [nop]}", {}, "traces: must have at least one receiver"),
        ("    traces: {receivers: [source]}", {}, "traces: must have at least one exporter"),
        (
            "    traces: {receivers: [source], processors: [sampler, sampler], exporters: [nop]}",
            {"processors": "sampler: "},
            'traces.processors[1]: references processor "sampler" multiple times: declare a second one, sampler/2',
        ),
        (
            "    logs: {receivers: [spans], exporters: [nop]}",
            {},
            "logs.receivers[0]: telemetry type is not supported: receiver spans handles traces, not logs",
        ),
        (
            "    metrics: {receivers: [source], processors: [sampler], exporters: [nop]}",
            {"processors": "sampler: "},
            "metrics.processors[0]: telemetry type is not supported: processor sampler handles traces, not metrics",
        ),
        (
            "    traces: {receivers: [source], exporters: [join]}",
            {"connectors": "join: "},
            (
                'traces.exporters: connector "join" used as exporter in [traces] pipeline but not used in any supported '
                "receiver pipeline"
            ),
        ),
        (
            "    traces: {receivers: [join], exporters: [nop]}",
            {"connectors": "join: "},
            (
                'traces.receivers: connector "join" used as receiver in [traces] pipeline but not used in any supported '
                "exporter pipeline"
            ),
        ),
        (
            "    traces: {receivers: [join], exporters: [join]}",
            {"connectors": "join: "},
            "traces: cycle detected: pipeline traces -> connector join -> pipeline traces",
        ),
    ],
)
def test_what_does_not_fit_is_told(errors, pipelines, sections, expected):
    assert without_place(errors(config(pipelines, **sections))) == [f"service.pipelines.{expected}"]


def test_both_ends_of_a_connector_must_fit_in_their_signals(errors):
    text = config(
        "    traces: {receivers: [source], exporters: [join, count]}\n"
        "    metrics: {receivers: [join, count], exporters: [nop]}\n"
        "    logs: {receivers: [source], exporters: [count]}\n",
        connectors="join: , count: ",
    )

    assert without_place(errors(text)) == [
        (
            'service.pipelines.traces.exporters: connector "join" used as exporter in [traces] pipeline but not used in any '
            "supported receiver pipeline"
        ),
        (
            'service.pipelines.metrics.receivers: connector "join" used as receiver in [metrics] pipeline but not used in any '
            "supported exporter pipeline"
        ),
        (
            'service.pipelines.logs.exporters: connector "count" used as exporter in [logs] pipeline but not used in any '
            "supported receiver pipeline"
        ),
    ]


def test_a_cycle_over_several_pipelines_is_told_once(errors):
    text = config(
        "    traces/in: {receivers: [source], exporters: [join/1]}\n"
        "    traces/a: {receivers: [join/1, join/2], exporters: [join/3, nop]}\n"
        "    traces/b: {receivers: [join/3], exporters: [join/2]}\n",
        connectors="join/1: , join/2: , join/3: ",
    )

    assert without_place(errors(text)) == [
        (
            "service.pipelines.traces/a: cycle detected: pipeline traces/a -> connector join/3 -> pipeline traces/b -> "
            "connector join/2 -> pipeline traces/a"
        )
    ]


def test_a_connector_between_signals_makes_no_cycle(errors):
    text = config(
        "    traces: {receivers: [source], exporters: [count]}\n    metrics: {receivers: [count], exporters: [nop]}\n",
        connectors="count: ",
    )

    assert errors(text) == []


def test_the_ids_of_connectors_are_their_own(errors, minimal):
    assert without_place(errors(minimal + "connectors: {join: }\n")) == []
    found = errors("receivers: {join: }\nexporters: {join: }\nconnectors: {join: }\nservice: {pipelines: {}}\n")

    assert [line for line in found if "ambiguous id" in line] == [
        f'c.yaml:3: connectors.join: ambiguous id: there is a {kind} "join" too, and pipelines name both alike: '
        'rename the connector, such as to "join/connector"'
        for kind in ("receiver", "exporter")
    ]


def test_sections_that_are_needed(errors):
    found = without_place(errors("connectors: {join: }\nservice: {extensions: [nope]}\n"))

    assert found == [
        "receivers: no receiver configuration specified in config: declare at least one",
        "exporters: no exporter configuration specified in config: declare at least one",
        "service.pipelines: service must have at least one pipeline",
        'service.extensions[0]: references extension "nope" which is not configured',
    ]


def test_a_component_of_unknown_type_is_not_missed_again(errors):
    found = errors(config("    traces: {receivers: [nosuch], exporters: [nop]}", receivers="nosuch: "))

    assert len(found) == 1
