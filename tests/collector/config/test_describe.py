import json

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.api import ComponentId
from collector.config import bind, load
from collector.config.describe import render_config

TEXT = """\
receivers:
  source:
    protocols:
      grpc:
        timeout: 1m
exporters:
  sink / out:
    endpoint: ${env:HOST}:1
    headers: {api-key: s3cret, cookie: "${KEY}"}
    retry: {enabled: false}
    labels: {price: "$${x} $$5", cost: "$$$$", coin: $5, list: [1, {a: b}]}
service:
  pipelines:
    traces: {receivers: [source], exporters: [sink/out]}
  telemetry:
    resource: [{name: a, value: b}]
"""
ENV = {"HOST": "there", "KEY": "k3y"}


@pytest.fixture
def config(bound):
    return bound(TEXT, sets=["exporters.sink / out.ratio=0.5"], env=ENV)


def test_every_value_has_its_place(config):
    lines = [line.strip() for line in render_config(config).splitlines()]

    assert "timeout: 1m  # c.yaml:5" in lines
    assert "max_size: 4  # default" in lines
    assert "endpoint: there:1  # c.yaml:8 (environment HOST)" in lines
    assert "ratio: 0.5  # --set" in lines
    assert "a: b  # c.yaml:16" in lines
    assert "- source  # c.yaml:14" in lines
    assert "enabled: false  # c.yaml:10" in lines


def test_secrets_are_hidden_unless_asked_for(config):
    hidden, shown = render_config(config), render_config(config, redact=False)

    assert "s3cret" not in hidden
    assert "k3y" not in hidden
    assert 'api-key: "[REDACTED]"  # c.yaml:9' in hidden
    assert "api-key: s3cret" in shown
    assert "cookie: k3y" in shown


def test_an_empty_secret_is_shown_as_empty(bound, minimal):
    text = minimal.replace("nop:", "sink: {endpoint: x, headers: {k: ''}}").replace("[nop]", "[sink]")

    assert 'k: ""' in render_config(bound(text), origins=False)


def test_unredacted_output_loads_as_the_same_configuration(config, catalog):
    text = render_config(config, redact=False)

    again = bind(load([f"yaml:{text}"], env={}), catalog)

    assert again.exporters[ComponentId("sink", "out")].config == config.exporters[ComponentId("sink", "out")].config
    assert again.exporters[ComponentId("sink", "out")].config.retry is None
    assert again.receivers[ComponentId("source")].config == config.receivers[ComponentId("source")].config
    assert again.service == config.service


def test_other_readers_of_yaml_agree(config):
    assert yaml.safe_load(render_config(config))["exporters"]["sink/out"]["labels"]["list"] == [1, {"a": "b"}]


def test_json_has_the_values_as_they_are(config):
    rendered = json.loads(render_config(config, format="json"))

    sink = rendered["exporters"]["sink/out"]
    assert (sink["labels"]["price"], sink["labels"]["cost"]) == ("${x} $5", "$$")
    assert sink["headers"] == {"api-key": "[REDACTED]", "cookie": "[REDACTED]"}
    assert rendered["receivers"]["source"]["protocols"] == {
        "grpc": {"endpoint": "localhost:4317", "max_size": 4, "timeout": "1m", "origins": []}
    }
    assert rendered["service"]["pipelines"]["traces"]["receivers"] == ["source"]


def test_without_origins_there_are_no_comments(config):
    assert "#" not in render_config(config, origins=False)


def test_only_a_dollar_that_would_be_read_is_doubled(config):
    text = render_config(config, origins=False)

    assert 'price: "$${x} $$5"' in text
    assert 'cost: "$$$$"' in text
    assert 'coin: "$5"' in text


def test_plugins_are_told(bound, tmp_path, minimal):
    (tmp_path / "mine.py").write_text("")

    assert "plugins:\n- ./mine.py\n" in render_config(bound(minimal + "plugins: [./mine.py]\n"), origins=False).replace(
        "  -", "-"
    )


# YAML reads a key up to 1024 characters, and one that is escaped has ten for each.
KEYS = st.text(max_size=90)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
        max_leaves=8,
    )
)
def test_any_value_survives_being_rendered_and_loaded(catalog, value):
    document = json.dumps({"a": value}).replace("$", "$$")
    if "\\ud" in document:
        return  # characters beyond the basic plane are written in JSON in a way that YAML does not know
    text = (
        "{receivers: {spans: }, exporters: {sink: {endpoint: x, labels: " + document + "}}, "
        "service: {pipelines: {traces: {receivers: [spans], exporters: [sink]}}}}"
    )
    config = bind(load([f"yaml:{text}"], env={}), catalog)

    again = bind(load([f"yaml:{render_config(config, redact=False)}"], env={}), catalog)

    sink = ComponentId("sink")
    assert config.exporters[sink].config == again.exporters[sink].config
