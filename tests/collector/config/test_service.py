import pytest

from collector.api import ComponentId
from collector.config import PipelineId, ServiceConfig
from collector.data import Signal


@pytest.mark.parametrize(
    ("text", "pipeline_id"),
    [
        ("traces", PipelineId(Signal.TRACES)),
        ("logs/a", PipelineId(Signal.LOGS, "a")),
        (" metrics / a/b ", PipelineId(Signal.METRICS, "a/b")),
    ],
)
def test_pipeline_ids(text, pipeline_id):
    assert pipeline_id == PipelineId.parse(text)
    assert pipeline_id == PipelineId.parse(str(pipeline_id))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("traces/", "the part after / should not be empty"),
        ("spans", 'unknown signal "spans", known are traces, metrics, logs'),
        ("", 'unknown signal ""'),
    ],
)
def test_what_is_no_pipeline_id(text, message):
    with pytest.raises(ValueError, match=message):
        PipelineId.parse(text)


def test_ids_are_parsed_and_written_back():
    config = ServiceConfig.model_validate(
        {"extensions": ["a / b"], "pipelines": {"traces": {"receivers": ["r"], "exporters": ["e/1"]}}}
    )

    assert config.extensions == [ComponentId("a", "b")]
    assert config.pipelines[PipelineId(Signal.TRACES)].exporters == [ComponentId("e", "1")]
    dumped = config.model_dump()
    assert (dumped["extensions"], dumped["pipelines"]["traces"]["exporters"]) == (["a/b"], ["e/1"])


def test_naming_a_component_twice_is_naming_it_once_except_for_processors():
    pipeline = {name: ["a", "a", "b"] for name in ("receivers", "processors", "exporters")}

    config = ServiceConfig.model_validate({"extensions": ["a", "a"], "pipelines": {"traces": pipeline}})

    (found,) = config.pipelines.values()
    assert [1, 2, 3, 2] == [len(ids) for ids in (config.extensions, found.receivers, found.processors, found.exporters)]
