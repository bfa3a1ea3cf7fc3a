"""The tutorial on extending: its examples are the files in docs/examples, and they run."""

import ast
import re
from pathlib import Path

import aiohttp
import pytest
import structlog
from aiohttp import web

from collector.api import PermanentError, RetryableError
from collector.data import Signal, get_attribute
from collector.data.messages import Span
from collector.processing.user_code import load
from collector.testing import FakeHost, ManualClock, Sink, items_of, make_batch, make_settings, sample_batch
from collector.testing.conformance import check
from collector.testing.process import CollectorProcess, free_port
from processors.python import Config, PythonProcessor

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "docs/examples"
TUTORIAL = (ROOT / "docs/plugins.md").read_text()
SHOWN = dict(re.findall(r"<!-- docs/examples/(\S+) -->\n```\w+\n(.*?)```", TUTORIAL, re.DOTALL))
FILES = sorted(path.name for path in EXAMPLES.iterdir() if path.is_file())
PLUGINS = [name for name in FILES if name.endswith(".py") and name != "mine.py"]


def factory_of(name):
    return load(EXAMPLES / name).FACTORY


def build(name, *next_consumer, clock=None, **options):
    factory = factory_of(name)
    config = factory.config.model_validate(options)
    return factory.create(config, make_settings(factory.type, clock=clock), *next_consumer)


@pytest.fixture
async def hook():
    """A web server that remembers what was posted to it; `status` is what it answers with."""

    class Hook:
        def __init__(self):
            self.status = 200
            self.names = []

        async def handle(self, request):
            self.names += (await request.json())["spans"]
            return web.Response(status=self.status)

    received = Hook()
    application = web.Application()
    application.router.add_post("/spans", received.handle)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "localhost", port := free_port()).start()
    received.url = f"http://localhost:{port}/spans"
    yield received
    await runner.cleanup()


@pytest.mark.parametrize("name", FILES)
def test_the_tutorial_shows_the_file(name):
    assert (EXAMPLES / name).read_text() == SHOWN[name]


def test_the_tutorial_shows_nothing_else():
    assert set(FILES) == set(SHOWN)


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".py")])
def test_an_example_is_short(name):
    """Under 30 lines, less imports, descriptions and empty lines."""
    tree = ast.parse((EXAMPLES / name).read_text())
    skipped = {
        number
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        for number in range(node.lineno, node.end_lineno + 1)
    }
    lines = (EXAMPLES / name).read_text().splitlines()
    assert sum(bool(line.strip()) for number, line in enumerate(lines, 1) if number not in skipped) < 30


@pytest.mark.parametrize("name", PLUGINS)
async def test_a_plugin_conforms(name, tmp_path):
    options = {
        "stamp.py": {"key": "team", "value": "shop"},
        "webhook.py": {"url": f"http://localhost:{free_port()}/spans"},
    }
    with structlog.testing.capture_logs():
        await check(factory_of(name), options.get(name, {}), directory=tmp_path)


def test_the_function_drops_and_names():
    settings = make_settings("python", directory=EXAMPLES, signals=frozenset({Signal.TRACES}))
    process = PythonProcessor(Config(file="mine.py", options={"team": "checkout"}), settings)
    healthy = Span(name="GET /healthz")
    healthy.attributes.add(key="http.route").value.string_value = "/healthz"
    failing = Span()
    failing.CopyFrom(healthy)
    failing.status.code = 2
    spans = items_of(process(make_batch(Signal.TRACES, [healthy, failing, Span(name="GET /cart")])))
    assert [None, "checkout"] == [get_attribute(span.attributes, "team") for span in spans]


@pytest.mark.parametrize("signal", Signal)
async def test_the_processor_stamps_each_resource(signal):
    sink = Sink()
    await build("stamp.py", sink, key="team", value="shop").consume(sample_batch(signal))
    assert "shop" == get_attribute(sink.batches[0].open().resources[0].resource.attributes, "team")


async def test_the_receiver_beats():
    clock, sink = ManualClock(), Sink()
    receiver = build("heartbeat.py", sink, clock=clock, interval="10s")
    await receiver.start(FakeHost())
    await clock.wait_for_sleepers()
    await clock.advance(20)
    await receiver.shutdown()
    bodies = [record.body.string_value for batch in sink.batches for record in items_of(batch)]
    assert ["alive"] * 3 == bodies


async def test_the_receiver_survives_a_refusal():
    clock, sink = ManualClock(), Sink(RetryableError("full"))
    receiver = build("heartbeat.py", sink, clock=clock, interval="10s")
    await receiver.start(FakeHost())
    await clock.wait_for_sleepers()
    sink.error = None
    await clock.advance(10)
    await receiver.shutdown()
    assert 1 == sink.count


async def test_the_exporter_posts_names_and_tells_errors_apart(hook):
    exporter = build("webhook.py", url=hook.url)
    await exporter.start(FakeHost())
    await exporter.push(sample_batch(Signal.TRACES, 2))
    assert ["GET /orders"] * 2 == hook.names
    for hook.status, error in ((503, RetryableError), (400, PermanentError)):
        with pytest.raises(error, match=str(hook.status)):
            await exporter.push(sample_batch(Signal.TRACES))
    await exporter.shutdown()


async def test_the_connector_counts():
    sink = Sink()
    await build("span_count.py", sink).consume(sample_batch(Signal.TRACES, 5))
    assert [5] == [metric.sum.data_points[0].as_int for metric in items_of(sink.batches[0])]


async def test_the_extension_writes_and_removes_its_file(tmp_path):
    extension = build("pidfile.py", path=str(tmp_path / "my.pid"))
    await extension.start(FakeHost())
    assert (tmp_path / "my.pid").read_text().strip().isdigit()
    await extension.shutdown()
    assert not (tmp_path / "my.pid").exists()


async def test_spanmill_runs_them_all(hook, tmp_path):
    """`spanmill run` on the configuration of the tutorial: spans come in by OTLP, their names arrive at the hook."""
    environment = {
        "OTLP_ENDPOINT": f"localhost:{(port := free_port())}",
        "WEBHOOK_URL": hook.url,
        "PIDFILE": str(tmp_path / "spanmill.pid"),
    }
    arguments = ["--set", "service.telemetry.metrics.level=none"]
    async with CollectorProcess([EXAMPLES / "plugins.yaml"], env=environment, arguments=arguments) as collector:
        assert str(collector.process.pid) == (tmp_path / "spanmill.pid").read_text().strip()
        async with aiohttp.ClientSession(headers={"content-type": "application/x-protobuf"}) as session:
            payload = sample_batch(Signal.TRACES, 3).payload
            async with session.post(f"http://localhost:{port}/v1/traces", data=payload) as answer:
                assert 200 == answer.status
        assert 0 == await collector.stop()
    assert ["GET /orders"] * 3 == hook.names
    assert not (tmp_path / "spanmill.pid").exists()
