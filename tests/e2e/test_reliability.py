"""What was acknowledged arrives, once, whatever backends and senders do; what is refused or dropped is counted."""

import asyncio
import re

import aiohttp
import grpc
import pytest
import pytest_asyncio
import structlog
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcSpans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from collector.api import TaskOwner
from collector.data import Signal, get_attribute, set_attribute
from collector.data.messages import SERVICES, LogRecord, Span
from collector.testing import make_batch, sample_batch
from collector.testing.backend import OtlpBackend
from collector.testing.process import CollectorProcess, free_port, scrape

QUICKLY = "retry_on_failure: {initial_interval: 20ms, max_interval: 100ms}"
# For backends that hang: an attempt that is given up and made again may arrive twice.
UNTIMED = "timeout: 0s"


@pytest_asyncio.fixture
async def tasks():
    owner = TaskOwner("test", structlog.get_logger())
    yield owner
    await owner.cancel()


class Collector:
    """A collector with an `otlp` receiver; `exporters` and `pipelines` are YAML in flow style."""

    def __init__(self, exporters, pipelines, *, more="", arguments=()):
        self.grpc, self.http, self.metrics = free_port(), free_port(), free_port()
        config = f"""
receivers:
  otlp:
    protocols: {{grpc: {{endpoint: "localhost:{self.grpc}"}}, http: {{endpoint: "localhost:{self.http}"}}}}
{more}
exporters: {{{exporters}}}
service:
  pipelines: {{{pipelines}}}
  telemetry: {{metrics: {{readers: [{{pull: {{exporter: {{prometheus: {{host: localhost, port: {self.metrics}}}}}}}}}]}}}}
"""
        self.process = CollectorProcess(config, arguments=arguments)

    async def __aenter__(self):
        await self.process.__aenter__()
        self._channel = grpc.aio.insecure_channel(f"localhost:{self.grpc}")
        return self

    async def __aexit__(self, *error):
        await self._channel.close()
        await self.process.__aexit__(*error)

    async def send(self, batch):
        """Send a batch; return the gRPC error, or None where it was acknowledged."""
        try:
            await self._channel.unary_unary(SERVICES[batch.signal])(batch.payload, timeout=30)
        except grpc.aio.AioRpcError as error:
            return error
        return None

    async def send_spans(self, batches, *, first=0, each=3):
        """Send so many batches of sample spans, all of which must be acknowledged; return the trace ids."""
        sent = [sample_batch(Signal.TRACES, each, number) for number in range(first, first + batches)]
        assert [None] * batches == [await self.send(batch) for batch in sent]
        return {(number + 1).to_bytes(16) for number in range(first, first + batches)}

    async def series(self, name):
        """Return a metric by the text of its labels."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://localhost:{self.metrics}/metrics") as answer,
        ):
            lines = re.findall(rf"^{name}(?:_total)?{{(.*)}} (\S+)$", await answer.text(), re.MULTILINE)
        return {labels: float(value) for labels, value in lines}


def otlp(endpoint, *options, name="otlp_grpc"):
    listed = ", ".join([f"endpoint: '{endpoint}'", "tls: {insecure: true}", *options])
    return f"{name}: {{{listed}}}"


def trace_ids(backend):
    """Return the ids of all traces, which must have come whole and once."""
    spans = [(span.trace_id, span.span_id) for span in backend.items(Signal.TRACES)]
    assert len(set(spans)) == len(spans)
    return {trace_id for trace_id, _ in spans}


TRACES = "traces: {receivers: [otlp], exporters: [otlp_grpc]}"


async def test_a_backend_that_comes_up_late_gets_everything_once():
    port = free_port()
    async with Collector(otlp(f"127.0.0.1:{port}", QUICKLY), TRACES) as collector:
        sent = await collector.send_spans(5)
        await collector.process.wait_for_log("cannot deliver, will try again")
        async with OtlpBackend(grpc_port=port) as backend:
            await backend.wait_for(15)
            assert 0 == await collector.process.stop()
            assert sent == trace_ids(backend)


@pytest.mark.parametrize("batching", ["", "sending_queue: {batch: {flush_timeout: 10ms, min_size: 4, max_size: 4}}"])
async def test_a_backend_that_refuses_for_a_while_gets_everything_once(backend, batching):
    backend.refusal = grpc.StatusCode.UNAVAILABLE
    options = [QUICKLY, batching] if batching else [QUICKLY]
    async with Collector(otlp(backend.grpc_endpoint, *options), TRACES) as collector:
        sent = await collector.send_spans(5)
        await backend.wait_until(lambda: backend.refused > 10)
        backend.refusal = None
        await backend.wait_for(15)
        assert 0 == await collector.process.stop()
    assert sent == trace_ids(backend)


async def test_a_backend_that_is_exhausted_is_given_the_time_that_it_asks_for(backend):
    backend.refusal, backend.retry_after = grpc.StatusCode.RESOURCE_EXHAUSTED, 0.7
    async with Collector(otlp(backend.grpc_endpoint, QUICKLY), TRACES) as collector:
        sent = await collector.send_spans(1)
        await backend.wait_until(lambda: backend.refused > 0)
        backend.refusal = None
        await backend.wait_for(3)
        assert "again_in=0.7s" in re.sub(r"\x1b\[[0-9;]*m|['\"]", "", collector.process.log).replace(": ", "=")
        assert 0 == await collector.process.stop()
    assert sent == trace_ids(backend)
    assert 1 == backend.refused


async def test_a_backend_that_hangs_does_not_delay_another(backend):
    """The other has everything while one has answered nothing; and that one gets everything once it answers."""
    async with OtlpBackend() as hanging:
        hanging.answering.clear()
        slow = otlp(hanging.grpc_endpoint, UNTIMED, name="otlp_grpc/hanging")
        exporters = ", ".join([otlp(backend.grpc_endpoint), slow])
        pipelines = "traces: {receivers: [otlp], exporters: [otlp_grpc, otlp_grpc/hanging]}"
        async with Collector(exporters, pipelines) as collector:
            sent = await collector.send_spans(30)
            await backend.wait_for(90)
            assert [] == hanging.batches
            hanging.answering.set()
            await hanging.wait_for(90)
            assert 0 == await collector.process.stop()
        assert sent == trace_ids(hanging) == trace_ids(backend)


@pytest.mark.parametrize("processors", ["[]", "[batch]"])
async def test_what_is_queued_at_the_end_is_delivered(backend, tasks, processors):
    """Also what the batch processor cannot hand on because the queue is full, as long as the backend takes it."""
    backend.answering.clear()
    exporter = otlp(backend.grpc_endpoint, UNTIMED, "sending_queue: {num_consumers: 1, queue_size: 20}")
    pipelines = f"traces: {{receivers: [otlp], processors: {processors}, exporters: [otlp_grpc]}}"
    more = "processors: {batch: {send_batch_size: 3, send_batch_max_size: 3, timeout: 10s}}"
    async with Collector(exporter, pipelines, more=more) as collector:
        sent = await collector.send_spans(20)
        if processors != "[]":  # one more waits in the processor, refused by the queue
            sent |= await collector.send_spans(2, first=20)
        stopping = tasks.start("stop", collector.process.stop())
        await collector.process.wait_for_log("draining")
        backend.answering.set()
        assert 0 == await stopping
    assert sent == trace_ids(backend)


async def test_what_cannot_be_delivered_at_the_end_is_told():
    """Without a backend the process ends, and its log says what is lost."""
    async with Collector(otlp(f"127.0.0.1:{free_port()}"), TRACES) as collector:
        await collector.send_spans(1)
        await collector.process.wait_for_log("cannot deliver, will try again")
        assert 0 == await collector.process.stop()
        assert "data could not be delivered and was dropped" in collector.process.log


async def test_a_full_queue_refuses_and_counts_and_keeps_what_it_took(backend):
    backend.answering.clear()
    exporter = otlp(backend.grpc_endpoint, UNTIMED, "sending_queue: {num_consumers: 1, queue_size: 3}")
    async with Collector(exporter, TRACES) as collector:
        sent = await collector.send_spans(3)
        refusals = [await collector.send(sample_batch(Signal.TRACES, 3, number)) for number in range(3, 5)]
        assert [grpc.StatusCode.UNAVAILABLE] * 2 == [error.code() for error in refusals]
        assert "sending_queue is full" in refusals[0].details()
        metrics = await scrape(collector.metrics)
        assert 6 == metrics["otelcol_exporter_enqueue_failed_spans"]
        assert 6 == metrics["otelcol_receiver_refused_spans"]
        assert 9 == metrics["otelcol_receiver_accepted_spans"]
        backend.answering.set()
        await backend.wait_for(9)
        assert 0 == await collector.process.stop()
    assert sent == trace_ids(backend)


async def test_receivers_and_pipelines_may_share_an_exporter(backend):
    other = free_port()
    more = f"  otlp/other: {{protocols: {{grpc: {{endpoint: 'localhost:{other}'}}}}}}"
    pipelines = (
        "traces/both: {receivers: [otlp, otlp/other], exporters: [otlp_grpc]}, "
        "traces/other: {receivers: [otlp/other], exporters: [otlp_grpc]}, "
        "logs: {receivers: [otlp], exporters: [otlp_grpc]}"
    )
    async with Collector(otlp(backend.grpc_endpoint), pipelines, more=more) as collector:
        await collector.send_spans(2)
        assert None is await collector.send(sample_batch(Signal.LOGS, 5))
        async with grpc.aio.insecure_channel(f"localhost:{other}") as channel:
            await channel.unary_unary(SERVICES[Signal.TRACES])(sample_batch(Signal.TRACES, 3, 7).payload, timeout=30)
        assert 0 == await collector.process.stop()
    assert {Signal.TRACES: 6 + 2 * 3, Signal.LOGS: 5} == backend.counts()


async def test_pipelines_that_share_a_receiver_do_not_see_each_others_edits(backend):
    """Each pipeline edits in its own way, all at once, and one leaves the bytes as they came."""
    exporters = ", ".join(
        otlp(backend.grpc_endpoint, f"headers: {{x-from: {name}}}", name=f"otlp_grpc/{name}") for name in "abcde"
    )
    more = """
processors:
  attributes/gone: {actions: [{key: user.email, action: delete}]}
  attributes/hash: {actions: [{key: user.email, action: hash}]}
  attributes/more: {actions: [{key: more, value: 1, action: insert}]}
  resource: {attributes: [{key: service.name, value: other, action: update}]}
connectors: {forward: }
"""
    chains = {
        "a": ("attributes/gone, resource", "forward, "),
        "b": ("resource, attributes/hash, attributes/more", ""),
        "c": ("resource", ""),
        "d": ("", ""),
    }
    pipelines = "traces/e: {receivers: [forward], processors: [attributes/more], exporters: [otlp_grpc/e]}, "
    pipelines += ", ".join(
        f"traces/{name}: {{receivers: [otlp], processors: [{chain}], exporters: [{ends}otlp_grpc/{name}]}}"
        for name, (chain, ends) in chains.items()
    )
    span = Span(name="order")
    set_attribute(span.attributes, "user.email", "a@example.com")
    batch = make_batch(Signal.TRACES, [span] * 50, {"service.name": "shop"})
    async with Collector(exporters, pipelines, more=more) as collector:
        for _ in range(20):
            assert None is await collector.send(batch)
        assert 0 == await collector.process.stop()
    seen = {}
    for came in backend.batches:
        name = came.client.metadata["x-from"][0]
        (resource, scope), *_ = came.open().scopes()
        attributes = scope.message(49).attributes
        service = get_attribute(resource.resource.attributes, "service.name")
        email = get_attribute(attributes, "user.email")
        seen.setdefault(name, set()).add((service, email and len(email), get_attribute(attributes, "more")))
        assert name != "d" or batch.payload == came.payload
    expected = {"a": ("other", None, None), "b": ("other", 64, 1), "c": ("other", 13, None), "d": ("shop", 13, None)}
    expected["e"] = ("other", None, 1)
    assert {name: {value} for name, value in expected.items()} == seen
    assert {Signal.TRACES: 5 * 20 * 50} == backend.counts()


ALL_PROCESSORS = """
processors:
  memory_limiter: {check_interval: 1s, limit_mib: 4000}
  attributes: {actions: [{key: shop, value: a, action: upsert}]}
  resource: {attributes: [{key: zone, value: b, action: insert}]}
  redaction: {allow_all_keys: true, blocked_values: ["GET"]}
  span_limits: {max_attributes: 1}
  span_name: {max_names: 1}
  python: {file: DIRECTORY/mine.py}
  probabilistic_sampler: {sampling_percentage: 50}
  batch: {timeout: 10ms}
"""


async def test_what_comes_in_goes_out_or_is_counted_as_dropped(backend, tmp_path):
    """In a pipeline of all processors, one of which drops by choice and one by the user's word, nothing else is lost."""
    (tmp_path / "mine.py").write_text("def span(span):\n    return None if span.span_id.endswith('3') else span\n")
    chain = (
        "memory_limiter, attributes, resource, redaction, span_limits, span_name, python, probabilistic_sampler, batch"
    )
    pipelines = f"traces: {{receivers: [otlp], processors: [{chain}], exporters: [otlp_grpc]}}"
    more = ALL_PROCESSORS.replace("DIRECTORY", str(tmp_path))
    async with Collector(otlp(backend.grpc_endpoint), pipelines, more=more) as collector:
        await collector.send_spans(200)
        sampled = await collector.series("otelcol_processor_probabilistic_sampler_count_traces_sampled")
        kept, dropped = (
            sum(n for labels, n in sampled.items() if f'sampled="{word}"' in labels) for word in ("true", "false")
        )
        await backend.wait_for(int(kept))
        metrics = await scrape(collector.metrics)
        items = await collector.series("otelcol_processor_outgoing_items")
        assert 0 == await collector.process.stop()
    assert 600 == metrics["otelcol_receiver_accepted_spans"]
    assert 200 == metrics["otelcol_processor_python_dropped"]
    assert 400 == kept + dropped
    assert 100 < kept < 300
    assert {Signal.TRACES: kept} == backend.counts()
    outgoing = {re.search('processor="(.*?)"', labels)[1]: value for labels, value in items.items()}
    unchanged = dict.fromkeys(
        ["memory_limiter", "attributes", "resource", "redaction", "span_limits", "span_name"], 600
    )
    assert unchanged | {"python": 400, "probabilistic_sampler": kept, "batch": kept} == outgoing


class Spans:
    """An SDK that sends one span a request and comes again as the SDK does."""

    def __init__(self, port):
        self._provider = TracerProvider(resource=Resource.create({"service.name": "shop"}))
        exporter = GrpcSpans(endpoint=f"localhost:{port}", insecure=True, timeout=60)
        self._provider.add_span_processor(SimpleSpanProcessor(exporter))

    def send(self):
        with self._provider.get_tracer("e2e").start_as_current_span("order") as span:
            pass
        self._provider.shutdown()
        return span.get_span_context().trace_id.to_bytes(16)


def retry_delay_of(error):
    """Return the milliseconds after which a refused sender is to come back."""
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    info = RetryInfo()
    assert any(detail.Unpack(info) for detail in Status.FromString(details).details)
    return info.retry_delay.ToMilliseconds()


async def refused_traces(collector):
    """Return how many requests with traces the memory limiter has refused."""
    series = await collector.series("otelcol_processor_memory_limiter_refused_requests")
    return sum(count for labels, count in series.items() if 'signal="traces"' in labels)


async def test_the_memory_limiter_sends_senders_away_and_they_come_back(backend, tasks):
    """Above the limit gRPC gets UNAVAILABLE with a RetryInfo and HTTP 503 with Retry-After; the SDK then loses nothing."""
    pipelines = ", ".join(
        f"{signal}: {{receivers: [otlp], processors: [memory_limiter], exporters: [otlp_grpc]}}"
        for signal in ("traces", "logs")
    )
    exporter = otlp(backend.grpc_endpoint, "compression: none", UNTIMED)
    limits = "check_interval: 50ms, limit_mib: LIMIT, spike_limit_mib: 1, min_gc_interval_when_soft_limited: 50ms"
    limits += ", max_gc_interval_when_soft_limited: 0s, max_gc_interval_when_hard_limited: 0s"
    more = f"processors: {{memory_limiter: {{{limits}}}}}"
    async with Collector(exporter, pipelines, more=more.replace("LIMIT", "4000")) as collector:
        await collector.send_spans(1)
        usual = round(collector.process.rss_mib)
    await backend.wait_for(3)
    backend.batches.clear()

    large = make_batch(Signal.LOGS, [LogRecord(body={"string_value": "x" * 3_000_000})])
    backend.answering.clear()
    async with Collector(exporter, pipelines, more=more.replace("LIMIT", str(usual + 60))) as collector:
        accepted, refusals = 0, asyncio.Queue(1)

        async def press():
            """Fill the memory, and again whatever becomes free, until the backend takes what is there."""
            nonlocal accepted
            while not backend.answering.is_set():
                if (error := await collector.send(large)) is None:
                    accepted += 1
                elif refusals.empty():
                    refusals.put_nowait(error)

        pressing = tasks.start("press", press())
        error = await refusals.get()
        assert grpc.StatusCode.UNAVAILABLE is error.code()
        assert 50 == retry_delay_of(error)
        url, headers = f"http://localhost:{collector.http}/v1/traces", {"Content-Type": "application/x-protobuf"}
        status = 200
        async with aiohttp.ClientSession() as session:
            while status == 200:
                async with session.post(url, data=b"", headers=headers) as answer:
                    status, delay = answer.status, answer.headers.get("Retry-After")
        assert (503, "1") == (status, delay)

        before, sending = await refused_traces(collector), []
        while await refused_traces(collector) == before:
            if all(task.done() for task in sending):  # in a moment of free memory the last one was accepted at once
                sending.append(tasks.start("send", asyncio.to_thread(Spans(collector.grpc).send)))
        backend.answering.set()
        sent = [await task for task in sending]
        await pressing
        await backend.wait_for(accepted, Signal.LOGS)
        await backend.wait_for(len(sent))
        assert 0 == await collector.process.stop()
    assert sorted(sent) == sorted(span.trace_id for span in backend.items(Signal.TRACES))
    assert {Signal.LOGS: accepted, Signal.TRACES: len(sent)} == backend.counts()
