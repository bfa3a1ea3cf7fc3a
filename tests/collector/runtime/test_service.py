"""A service's life: order, failures, draining, and what components may ask."""

import asyncio

import pytest
from structlog.testing import capture_logs

from collector.api import ComponentId, PermanentError, StartError
from collector.config import ConfigErrors
from collector.data import Batch, Client, Signal
from collector.data.messages import REQUESTS
from collector.runtime.instruments import OwnTelemetry
from collector.runtime.service import Service, Status
from collector.runtime.telemetry import NoTelemetry

CHAIN = """
receivers: {witness: }
processors: {witness/p: , witness/q: }
exporters: {witness: , queued: {retry_on_failure: {enabled: false}}}
extensions: {witness/e: }
service:
  extensions: [witness/e]
  pipelines:
    traces: {receivers: [witness], processors: [witness/p, witness/q], exporters: [witness, queued]}
    logs: {receivers: [witness], exporters: [witness]}
"""


def batch_of(signal=Signal.TRACES):
    request = REQUESTS[Signal.TRACES]()
    request.resource_spans.add().scope_spans.add().spans.add(name="a")
    return Batch(signal, request.SerializeToString() if signal is Signal.TRACES else b"", Client(transport="grpc"))


async def test_sinks_start_first_and_sources_stop_first(configured, journal):
    """Extensions stand around everything; the queue starts after its exporter and stops before it."""
    service = Service(configured(CHAIN), NoTelemetry())
    await service.start()
    assert [
        "extension/witness/e",
        "exporter/witness",
        "exporter/queued",
        "processor/witness/q",
        "processor/witness/p",
        "receiver/witness",
    ] == journal.started()
    await service.shutdown()
    assert journal.started()[::-1] == journal.stopped()
    assert {Status.STOPPED} == set(service.status.values())
    await service.shutdown()
    assert len(journal.started()) == len(journal.stopped())


async def test_a_batch_goes_through_to_every_exporter(configured, journal):
    """Processors in their order; the queue holds nothing back at the end."""
    service = Service(configured(CHAIN), OwnTelemetry())
    await service.start()
    await journal["receiver/witness"].next.consume(batch_of())
    await journal["receiver/witness"].next.consume(batch_of(Signal.LOGS))
    await service.shutdown()
    [first], [second] = journal["processor/witness/p"].batches, journal["processor/witness/q"].batches
    assert first is second
    assert [Signal.TRACES, Signal.LOGS] == [batch.signal for batch in journal["exporter/witness"].batches]
    assert [Signal.TRACES] == [batch.signal for batch in journal["exporter/queued"].batches]


async def test_components_are_counted(configured, journal):
    own = OwnTelemetry()
    service = Service(configured(CHAIN), own)
    await service.start()
    journal["processor/witness/q"].error = PermanentError("no", reason="bad")
    with pytest.raises(PermanentError):
        await journal["receiver/witness"].next.consume(batch_of())
    await service.shutdown()
    samples = {
        (sample.name, *sample.labels.values()): sample.value for family in own.collect() for sample in family.samples
    }
    assert 1 == samples["otelcol_receiver_refused_spans_total", "witness", "grpc"]
    assert 1 == samples["otelcol_processor_incoming_items_total", "witness/p", "traces"]
    assert 1 == samples["otelcol_processor_outgoing_items_total", "witness/p", "traces"]
    assert 1 == samples["otelcol_processor_incoming_items_total", "witness/q", "traces"]
    assert ("otelcol_processor_outgoing_items_total", "witness/q", "traces") not in samples


async def test_level_none_puts_nothing_in_between(configured, journal):
    Service(configured(CHAIN), NoTelemetry())
    assert journal["processor/witness/p"].next is journal["processor/witness/q"]


async def test_settings_tell_a_component_who_it_is(configured, journal):
    Service(configured(CHAIN), NoTelemetry())
    receiver, processor = journal["receiver/witness"].settings, journal["processor/witness/p"].settings
    assert (ComponentId("witness"), frozenset({Signal.TRACES, Signal.LOGS}), "") == (
        receiver.id,
        receiver.signals,
        receiver.instance,
    )
    assert (ComponentId("witness", "p"), frozenset({Signal.TRACES}), "traces") == (
        processor.id,
        processor.signals,
        processor.instance,
    )
    with capture_logs() as lines:
        processor.logger.info("hello")
    assert [("processor/witness/p", "traces")] == [(line["component"], line["pipeline"]) for line in lines]


async def test_connectors_join_pipelines(configured, journal):
    """One instance for each signal that it takes."""
    text = """
receivers: {witness: }
exporters: {witness: }
connectors: {count: }
service:
  pipelines:
    traces: {receivers: [witness], exporters: [count]}
    logs: {receivers: [witness], exporters: [count]}
    metrics: {receivers: [count], exporters: [witness]}
"""
    service = Service(configured(text), NoTelemetry())
    await service.start()
    traces, logs = sorted(journal.built["connector/count"], key=lambda part: Signal.TRACES not in part.settings.signals)
    await traces.next.consume(batch_of(Signal.METRICS))
    await logs.next.consume(batch_of(Signal.METRICS))
    assert 2 == len(journal["exporter/witness"].batches)
    with pytest.raises(PermanentError, match="no pipeline takes traces"):
        await traces.next.consume(batch_of())
    await service.shutdown()


def test_every_component_that_cannot_be_built_is_named(configured):
    """With the place of its declaration."""
    text = CHAIN.replace("processors: {witness/p: ,", "processors: {witness/p: {fail_to_build: bad},").replace(
        "receivers: {witness: }", "receivers: {witness: {fail_to_build: worse}}"
    )
    with pytest.raises(ConfigErrors) as raised:
        Service(configured(text), NoTelemetry())
    assert {("processors.witness/p", "bad"), ("receivers.witness", "worse")} == {
        (error.path, error.message) for error in raised.value.errors
    }
    assert all(error.origin is not None for error in raised.value.errors)


def test_a_defect_at_building_says_that_it_is_one(configured, journal):
    """Whatever a third party's component raises, the command ends with a readable line."""
    config = configured(CHAIN)
    journal.built = None
    with pytest.raises(ConfigErrors, match="cannot be built, which is its defect: AttributeError"):
        Service(config, NoTelemetry())


async def test_a_component_that_cannot_start_is_named(configured, journal):
    """What started before it is stopped again; nothing after it has started."""
    service = Service(configured(CHAIN.replace("witness/p: ,", "witness/p: {fail_to_start: no port},")), NoTelemetry())
    with pytest.raises(StartError, match=r"^processor/witness/p cannot start: no port$"):
        await service.start()
    assert not service.ready()
    assert "receiver/witness" not in journal.started()
    await service.shutdown()
    assert set(journal.started()) <= set(journal.stopped())


async def test_a_defect_at_start_leaves_its_traceback(configured, journal):
    service = Service(configured(CHAIN), NoTelemetry())

    async def start(host):
        raise ZeroDivisionError("a defect")

    journal["processor/witness/p"].start = start
    with (
        capture_logs() as lines,
        pytest.raises(StartError, match="processor/witness/p cannot start: ZeroDivisionError"),
    ):
        await service.start()
    assert ["processor/witness/p"] == [line["starting"] for line in lines if line["exc_info"]]
    await service.shutdown()


async def test_ready_is_between_start_and_shutdown(configured, journal):
    service = Service(configured(CHAIN), NoTelemetry())
    assert not service.ready()
    await service.start()
    assert service.ready()
    ready_at_stop = []

    async def shutdown():
        ready_at_stop.append(service.ready())

    journal["extension/witness/e"].shutdown = shutdown
    journal["receiver/witness"].shutdown = shutdown
    await service.shutdown()
    assert [False, False] == ready_at_stop


async def test_extensions_are_found_by_id(configured, journal):
    service = Service(configured(CHAIN), NoTelemetry())
    await service.start()
    host = journal["receiver/witness"].host
    assert journal["extension/witness/e"] is host.extension(ComponentId("witness", "e"))
    assert host.extension(ComponentId("witness")) is None
    await service.shutdown()


async def test_a_component_that_fails_ends_the_service(configured, journal):
    service = Service(configured(CHAIN), NoTelemetry())
    await service.start()
    assert not service.ending.is_set()
    with capture_logs() as lines:
        journal["receiver/witness"].host.fail(ComponentId("witness"), OSError("the disk is gone"))
    assert service.ending.is_set()
    assert service.failed
    assert ["the disk is gone"] == [line["error"] for line in lines]
    await service.shutdown()


async def test_draining_ends_in_time(configured, journal):
    """Who hangs is cut short and named; the rest is stopped all the same."""
    service = Service(configured(CHAIN), NoTelemetry())
    await service.start()
    hung = asyncio.Event()
    journal["processor/witness/p"].shutdown = hung.wait
    with capture_logs() as lines:
        await service.shutdown(timeout=0.01)
    [line] = lines
    assert ["processor/witness/p"] == line["components"]
    assert "exporter/witness" in journal.stopped()
    assert "extension/witness/e" in journal.stopped()


async def test_a_component_that_fails_to_stop_does_not_keep_the_others(configured, journal):
    service = Service(configured(CHAIN), NoTelemetry())
    await service.start()

    async def shutdown():
        raise ZeroDivisionError("a defect")

    journal["receiver/witness"].shutdown = shutdown
    with capture_logs() as lines:
        await service.shutdown(timeout=10)
    assert [("a component failed to stop", "receiver/witness")] == [(line["event"], line["stopping"]) for line in lines]
    assert "exporter/witness" in journal.stopped()
