"""The extension over real sockets: strategies of a file, of a URL and of another server."""

import json
from contextlib import asynccontextmanager
from types import SimpleNamespace

import aiohttp
import grpc
import pytest
from aiohttp import web

from collector.api import StartError
from collector.sampling.learned import ServiceRates
from collector.testing import FakeHost, ManualClock, make_settings, settle
from collector.testing.component import RecordingTelemetry
from collector.testing.process import free_port
from extensions.jaegerremotesampling import FACTORY, Config
from extensions.jaegerremotesampling.messages import METHOD, RATE_LIMITING, Parameters, Strategy, as_json
from extensions.jaegerremotesampling.strategies import Strategies

FILE = {
    "service_strategies": [
        {
            "service": "foo",
            "type": "probabilistic",
            "param": 0.8,
            "operation_strategies": [
                {"operation": "op1", "type": "probabilistic", "param": 0.2},
                {"operation": "op2", "type": "ratelimiting", "param": 4},
                {"operation": "/health", "type": "probabilistic", "param": 1},
            ],
        },
        {"service": "bar", "type": "ratelimiting", "param": 5},
    ],
    "default_strategy": {
        "type": "probabilistic",
        "param": 0.5,
        "operation_strategies": [{"operation": "/health", "type": "probabilistic", "param": 0}],
    },
}


def share(operation, rate):
    return {"operation": operation, "probabilisticSampling": {"samplingRate": rate}}


def operations(probability, *shares):
    return {
        "defaultSamplingProbability": probability,
        "defaultLowerBoundTracesPerSecond": 0,
        "perOperationStrategies": list(shares),
        "defaultUpperBoundTracesPerSecond": 0,
    }


def probabilistic(rate, **more):
    return {"strategyType": "PROBABILISTIC", "probabilisticSampling": {"samplingRate": rate}, **more}


EXPECTED = {
    "foo": probabilistic(0.8, operationSampling=operations(0.8, share("op1", 0.2), share("/health", 1))),
    "bar": {
        "strategyType": "RATE_LIMITING",
        "rateLimitingSampling": {"maxTracesPerSecond": 5},
        "operationSampling": operations(0.001, share("/health", 0)),
    },
    "other": probabilistic(0.5, operationSampling=operations(0.5, share("/health", 0))),
}


class Subject:
    def __init__(self, extension, clock, telemetry):
        self.extension = extension
        self.clock = clock
        self.telemetry = telemetry

    async def get(self, path, method="GET"):
        url = "http://{}:{}{}".format(*self.extension.http.address, path)
        async with aiohttp.ClientSession() as session, session.request(method, url) as answer:
            return answer.status, await answer.text()

    async def strategy(self, service):
        status, text = await self.get(f"/sampling?service={service}")
        assert 200 == status, text
        return json.loads(text)

    async def call(self, request):
        async with grpc.aio.insecure_channel("{}:{}".format(*self.extension.grpc.address)) as channel:
            return await channel.unary_unary(METHOD)(request)


@asynccontextmanager
async def serving(source, **options):
    clock, telemetry = ManualClock(), RecordingTelemetry()
    servers = {name: {"endpoint": "127.0.0.1:0"} for name in ("http", "grpc")} | options
    config = Config.model_validate({"source": source, **servers})
    extension = FACTORY.create(config, make_settings("jaegerremotesampling", clock=clock, telemetry=telemetry))
    await extension.start(FakeHost())
    try:
        yield Subject(extension, clock, telemetry)
    finally:
        await extension.shutdown()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "strategies.json"
    path.write_text(json.dumps(FILE))
    return path


@pytest.mark.parametrize("service", EXPECTED)
async def test_strategies_of_a_file(file, service):
    async with serving({"file": str(file)}) as subject:
        assert EXPECTED[service] == await subject.strategy(service)
        answer = Strategy.FromString(await subject.call(Parameters(serviceName=service).SerializeToString()))
    assert EXPECTED[service] == json.loads(as_json(answer))


async def test_the_oldest_clients_want_numbers(file):
    async with serving({"file": str(file)}) as subject:
        assert RATE_LIMITING == json.loads((await subject.get("/?service=bar"))[1])["strategyType"]


@pytest.mark.parametrize(
    ("path", "method", "status", "text"),
    [
        ("/sampling", "GET", 400, "'service' parameter must be provided"),
        ("/sampling?service=", "GET", 400, "'service' parameter must be provided"),
        ("/sampling?service=foo", "POST", 405, "supported: [GET]"),
        ("/other?service=foo", "GET", 404, ""),
    ],
)
async def test_refusals(file, path, method, status, text):
    async with serving({"file": str(file)}) as subject:
        answered, said = await subject.get(path, method)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await subject.call(b"\xff")
    assert (status, grpc.StatusCode.INVALID_ARGUMENT) == (answered, caught.value.code())
    assert text in said


async def test_a_file_is_loaded_again(file):
    async with serving({"file": str(file), "reload_interval": "10s"}) as subject:
        file.write_text('{"default_strategy": {"type": "probabilistic", "param": 1}}')
        assert EXPECTED["other"] == await subject.strategy("other")
        await turn(subject)
        assert probabilistic(1) == await subject.strategy("other")


@pytest.mark.parametrize("text", ["{", '{"default_strategy": {"param": "1"}}', None])
async def test_what_is_wrong_with_a_newer_file_leaves_the_older_one(file, text):
    async with serving({"file": str(file), "reload_interval": "10s"}) as subject:
        file.unlink() if text is None else file.write_text(text)
        await turn(subject)
        assert 1 == subject.telemetry["otelcol_jaegerremotesampling_failed_reloads"].total
        assert EXPECTED["bar"] == await subject.strategy("bar")
        file.write_text("null")
        await turn(subject)
        assert probabilistic(0.001) == await subject.strategy("bar")


async def turn(subject):
    """Let the file be looked at once."""
    await settle()
    sleepers = subject.clock.sleeping
    await subject.clock.advance(10)
    await subject.clock.wait_for_sleepers(sleepers)  # whoever looks sleeps again when it is done
    await settle()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("[]", "the file: Input should be a valid dictionary"),
        ('{"service_strategies": [{"type": "probabilistic"}]}', "service_strategies.0.service: Field required"),
        ('{"default_strategy": {"param": -1}}', "default_strategy.param: Input should be greater"),
        ('{"default_strategy": {"param": NaN}}', "default_strategy.param"),
        ('{"default_strategy": {"type": "ratelimiting", "param": 1e12}}', "default_strategy.param"),
    ],
)
async def test_a_file_that_is_none(file, text, message):
    with pytest.raises(ValueError, match=message):
        Strategies.parse(text.encode())
    file.write_text(text)
    with pytest.raises(StartError, match=f"source.file: .*{message}"):
        async with serving({"file": str(file)}):
            pass


def test_what_samplers_cannot_be_told():
    """It stands for the default, as in Jaeger; whoever wrote it is told."""
    odd = {"operation": "op", "type": "const", "param": 1}
    rate = {"operation": "rate", "type": "ratelimiting", "param": 1}
    found = Strategies.parse(
        json.dumps({"default_strategy": {"type": "const", "param": 1, "operation_strategies": [odd, rate]}}).encode()
    )
    expected = probabilistic(0.001, operationSampling=operations(0.001, share("op", 0.001)))
    assert expected == json.loads(as_json(found.default))
    assert [
        'default_strategy: "const" is no type of sampling: write probabilistic or ratelimiting',
        'default_strategy, op: "const" is no type of sampling: write probabilistic or ratelimiting',
        "default_strategy, rate: operations are sampled by share only, the rate is left out",
    ] == found.remarks


async def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(StartError, match="No such file"):
        async with serving({"file": str(tmp_path / "absent.json")}):
            pass


async def test_a_url():
    async def answer(_request):
        return web.json_response(FILE)

    application = web.Application()
    application.router.add_get("/strategies", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with serving({"file": f"{url}/strategies"}) as subject:
            assert EXPECTED["foo"] == await subject.strategy("foo")
        with pytest.raises(StartError, match="404"):
            async with serving({"file": f"{url}/absent"}):
                pass
    finally:
        await runner.cleanup()


async def test_another_server(file):
    """Its answers are remembered for a while."""
    async with serving({"file": str(file), "reload_interval": "1s"}) as other:
        remote = {"endpoint": "{}:{}".format(*other.extension.grpc.address), "tls": {"insecure": True}}
        async with serving({"remote": remote, "reload_interval": "10s"}) as subject:
            assert EXPECTED["foo"] == await subject.strategy("foo")
            file.write_text("{}")
            await turn(other)
            assert EXPECTED["foo"] == await subject.strategy("foo")
            await subject.clock.advance(10)
            assert probabilistic(0.001) == await subject.strategy("foo")


async def test_another_server_that_is_away():
    remote = {"endpoint": f"127.0.0.1:{free_port()}", "tls": {"insecure": True}}
    async with serving({"remote": remote}) as subject:
        assert 503 == (await subject.get("/sampling?service=foo"))[0]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await subject.call(b"")
    assert grpc.StatusCode.UNAVAILABLE is caught.value.code()


async def test_only_one_server(file):
    async with serving({"file": str(file)}, grpc={"enabled": False}) as subject:
        assert subject.extension.grpc is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "source"),
        ({"source": {}}, "no sources specified, has to be either 'file' or 'remote'"),
        ({"source": {"file": "a", "remote": {"endpoint": "b:1"}}}, "too many sources specified"),
        ({"source": {"remote": {}}}, 'requires a non-empty "endpoint"'),
        ({"source": {"file": "a", "adaptive": None}}, "too many sources specified: take out 'file' and 'remote'"),
        ({"source": {"adaptive": {"initial_percentage": 101}}}, "less than or equal to 100"),
        (
            {"source": {"file": "a"}, "http": {"enabled": False}, "grpc": {"enabled": False}},
            "no protocols selected to serve the strategies",
        ),
    ],
)
def test_configurations_that_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Config.model_validate(options)


async def test_what_samplers_have_learned():
    """The first that knows a service is believed; of one that none knows the initial percentage is said."""
    async with serving({"adaptive": {"initial_percentage": 30}}) as subject:
        for rates in (
            {"foo": ServiceRates(0.5, {"op": 0.25}, 0.125)},
            {"foo": ServiceRates(1, {}), "bar": ServiceRates(0.75, {})},
        ):
            subject.extension.serve(SimpleNamespace(rates_of=rates.get))
        expected = {**operations(0.5, share("op", 0.25)), "defaultLowerBoundTracesPerSecond": 0.125}
        assert probabilistic(0.5, operationSampling=expected) == await subject.strategy("foo")
        assert probabilistic(0.75) == await subject.strategy("bar")
        assert probabilistic(0.3) == await subject.strategy("other")


async def test_who_serves_a_file_serves_nothing_else(file):
    async with serving({"file": str(file)}) as subject:
        with pytest.raises(StartError, match="jaegerremotesampling serves strategies of a file or another server"):
            subject.extension.serve(SimpleNamespace(rates_of=dict))


def test_defaults():
    config = Config.model_validate({"source": {"file": "a"}})
    assert ("localhost:5778", "localhost:14250", 0) == (
        config.http.endpoint,
        config.grpc.endpoint,
        config.source.reload_interval,
    )
