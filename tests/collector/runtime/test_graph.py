"""The plan: instances, edges and the order of starting."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.api import ComponentId, Kind
from collector.config import bind, load
from collector.data import Signal
from collector.runtime.graph import Key, plan

BASICS = """
receivers: {witness/a: , witness/b: }
processors: {witness/p: , witness/q: }
exporters: {witness/x: , witness/y: , witness/unused: }
"""


def planned(config):
    return {f"{node.key}{'@' if node.key.instance else ''}{node.key.instance}": node for node in plan(config)}


def names(keys):
    return [f"{key}@{key.instance}" if key.instance else str(key) for key in keys]


def test_a_chain(configured):
    """Receiver, processors in their order, exporters; what no pipeline names is not planned."""
    nodes = planned(
        configured(
            BASICS + "service: {pipelines: {traces: {receivers: [witness/a], processors: [witness/p, witness/q],"
            " exporters: [witness/x, witness/y]}}}"
        )
    )
    edges = {name: {signal: names(keys) for signal, keys in node.next.items()} for name, node in nodes.items()}
    assert {
        "receiver/witness/a": {Signal.TRACES: ["processor/witness/p@traces"]},
        "processor/witness/p@traces": {Signal.TRACES: ["processor/witness/q@traces"]},
        "processor/witness/q@traces": {Signal.TRACES: ["exporter/witness/x", "exporter/witness/y"]},
        "exporter/witness/x": {},
        "exporter/witness/y": {},
    } == edges


def test_receivers_and_exporters_are_shared_and_processors_are_not(configured):
    """One receiver and one exporter serve both signals; the processor has an instance in each pipeline."""
    nodes = planned(
        configured(
            BASICS
            + """
service:
  pipelines:
    traces: {receivers: [witness/a], processors: [witness/p], exporters: [witness/x]}
    traces/direct: {receivers: [witness/a], exporters: [witness/x]}
    logs: {receivers: [witness/a], processors: [witness/p], exporters: [witness/x]}
"""
        )
    )
    assert {
        "receiver/witness/a",
        "processor/witness/p@traces",
        "processor/witness/p@logs",
        "exporter/witness/x",
    } == set(nodes)
    receiver = nodes["receiver/witness/a"]
    assert frozenset({Signal.TRACES, Signal.LOGS}) == receiver.signals
    assert ["processor/witness/p@traces", "exporter/witness/x"] == names(receiver.next[Signal.TRACES])
    assert ["processor/witness/p@logs"] == names(receiver.next[Signal.LOGS])
    assert frozenset({Signal.TRACES, Signal.LOGS}) == nodes["exporter/witness/x"].signals


def test_a_connector_has_an_instance_for_each_signal_that_it_takes(configured):
    """It hands on to the pipelines of the signals that it makes of it."""
    nodes = planned(
        configured(
            """
receivers: {witness: }
exporters: {witness: }
connectors: {count: }
service:
  pipelines:
    traces: {receivers: [witness], exporters: [count]}
    logs: {receivers: [witness], exporters: [count, witness]}
    metrics: {receivers: [count], exporters: [witness]}
"""
        )
    )
    assert ["exporter/witness"] == names(nodes["connector/count@traces"].next[Signal.METRICS])
    assert ["exporter/witness"] == names(nodes["connector/count@logs"].next[Signal.METRICS])
    assert ["connector/count@logs", "exporter/witness"] == names(nodes["receiver/witness"].next[Signal.LOGS])


def test_keys_tell_instances_apart():
    """Messages name the component; the key knows the pipeline, too."""
    key = Key(Kind.PROCESSOR, ComponentId("batch", "2"), "traces")
    assert "processor/batch/2" == str(key)
    assert key != Key(Kind.PROCESSOR, ComponentId("batch", "2"), "logs")


@st.composite
def layered_configs(draw):
    """Return pipelines in layers, each fed by receivers and by connectors from the layers before."""
    pipelines, connectors, sources = {}, [], ["witness/a"]
    for number in range(draw(st.integers(1, 5))):
        receivers = draw(st.lists(st.sampled_from([*sources, "witness/b"]), min_size=1, unique=True))
        link = f"pass/{number}"
        connectors.append(link)
        processors = draw(st.lists(st.sampled_from(["witness/p", "witness/q"]), unique=True))
        pipelines[f"traces/{number}"] = {"receivers": receivers, "processors": processors, "exporters": [link]}
        sources.append(link)
    pipelines["traces/last"] = {"receivers": connectors, "exporters": ["witness/x"]}
    return {
        "connectors": dict.fromkeys(connectors),
        "service": {"pipelines": dict(reversed(pipelines.items()))},
    }


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(layered=layered_configs())
def test_whatever_feeds_starts_after_what_it_feeds(witnesses, layered):
    """In any order of the file, sinks start first and receivers last."""
    config = bind(load([f"yaml:{BASICS}", f"yaml:{json.dumps(layered)}"]), witnesses)
    nodes = plan(config)
    position = {node.key: index for index, node in enumerate(nodes)}
    for node in nodes:
        for keys in node.next.values():
            assert all(position[key] < position[node.key] for key in keys)
    kinds = [node.key.kind for node in nodes]
    assert kinds == sorted(kinds, key=lambda kind: kind is Kind.RECEIVER)
