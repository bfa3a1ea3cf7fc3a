"""What probes see."""

import ssl

import aiohttp
import pytest
from pydantic import ValidationError

from collector.testing import FakeHost, ManualClock, make_settings
from extensions.health_check import Config, create


@pytest.fixture
async def serve():
    """Return a function that starts the extension and returns a function to ask it."""
    running = []

    async def start(host=None, clock=None, **options):
        config = Config.model_validate({"endpoint": "localhost:0", **options})
        extension = create(config, make_settings("health_check", clock=clock or ManualClock()))
        running.append(extension)
        await extension.start(host or FakeHost())
        port = extension.address[1]

        async def ask(path="/", scheme="http", **how):
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"{scheme}://localhost:{port}{path}", **how) as answer,
            ):
                return answer.status, answer.headers["Content-Type"], await answer.text()

        return ask

    yield start
    for extension in running:
        await extension.shutdown()
        await extension.shutdown()


async def test_ready(serve):
    """The Go collector's answer."""
    clock = ManualClock(start=1_700_000_000)
    ask = await serve(clock=clock)
    await clock.advance(3723.5)
    status, content_type, body = await ask()
    assert (200, "application/json") == (status, content_type)
    assert '{"status":"Server available","upSince":"2023-11-14T22:13:20Z","uptime":"1h2m3.5s"}' == body


async def test_the_second_version(serve):
    """The Go collector's v2: another block says where; what there is not is accepted."""
    http = {"endpoint": "localhost:0", "status": {"path": "/alive"}, "config": {"enabled": True}}
    ask = await serve(use_v2=True, http=http, grpc=None, component_health={"recovery_duration": "5m"})

    assert 200 == (await ask("/alive"))[0]
    assert 404 == (await ask("/"))[0]


@pytest.mark.parametrize("options", [{"use_v2": True}, {"use_v2": True, "http": {"status": {"path": "alive"}}}])
def test_the_second_version_needs_a_place(options):
    with pytest.raises(ValidationError, match=r"add `http:`|must start with"):
        Config.model_validate(options)


async def test_not_ready(serve):
    """Before everything has started, and while it stops."""
    host = FakeHost()
    ask = await serve(host)
    host.is_ready = False
    status, _, body = await ask()
    assert 503 == status
    assert '{"status":"Server not available","upSince":"0001-01-01T00:00:00Z","uptime":""}' == body
    host.is_ready = True
    assert 200 == (await ask())[0]


async def test_a_path(serve):
    """One without a slash at its end is the only one; the default answers all."""
    ask = await serve(path="/health")
    assert 200 == (await ask("/health"))[0]
    assert 404 == (await ask("/"))[0]
    assert 404 == (await ask("/health/more"))[0]
    everywhere = await serve()
    assert 200 == (await everywhere("/anything"))[0]


async def test_bodies_of_one_s_own(serve):
    host = FakeHost()
    ask = await serve(host, response_body={"healthy": "fine", "unhealthy": "ill"})
    assert (200, "fine") == (await ask())[::2]
    host.is_ready = False
    assert (503, "ill") == (await ask())[::2]


async def test_tls(serve, certificates):
    ask = await serve(tls=certificates.server_files)
    context = ssl.create_default_context(cafile=certificates.ca)
    assert 200 == (await ask(scheme="https", ssl=context))[0]


async def test_it_is_safe_to_stop_what_never_started():
    await create(Config(), make_settings("health_check")).shutdown()


def test_the_old_pipeline_check_is_accepted():
    config = Config.model_validate({"check_collector_pipeline": {"enabled": True, "interval": "5m"}})
    assert "localhost:13133" == config.endpoint


def test_a_path_starts_with_a_slash():
    with pytest.raises(ValidationError, match='write "/health"'):
        Config(path="health")
