"""OTLP over HTTP against the cases of the collector written in Go."""

import gzip
import json
import zlib
from typing import Any

import aiohttp
import grpc
import pytest
import pytest_asyncio

from collector.api import PermanentError, RetryableError, StatusCode
from collector.data import Signal
from collector.data.messages import REQUESTS, SERVICES
from collector.data.zstandard import zstd
from collector.net.compressor import compressor
from collector.testing import FakeHost, Sink, make_settings
from collector.testing.cases import parameters, table
from receivers.otlp import FACTORY, JSON, Config

pytestmark = pytest.mark.conformance

TRACE = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"one"}]}]}]}'
COMPRESS = {
    "": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zlib": zlib.compress,
    "zstd": zstd.compress,
    "snappy": compressor("snappy"),
    "lz4": compressor("lz4"),
}


def rows(file: str, name: str) -> list[Any]:
    return parameters(table(f"otlp/{file}").get(name, ()), lambda index, _: str(index))


class Target:
    def __init__(self, receiver: Any, sink: Sink) -> None:
        self.sink = sink
        self.url = "http://{}:{}".format(*receiver.http.address)
        self.grpc = "{}:{}".format(*receiver.grpc.address)

    async def request(self, method: str, path: str, body: bytes, **headers: str) -> tuple[int, str, bytes]:
        """Return the status, the content type and the body of the answer."""
        async with (
            aiohttp.ClientSession(skip_auto_headers=["Content-Type"]) as session,
            session.request(
                method,
                self.url + path,
                data=body,
                headers={name.replace("_", "-"): value for name, value in headers.items() if value},
            ) as answer,
        ):
            return answer.status, answer.headers.get("Content-Type", ""), await answer.read()


@pytest_asyncio.fixture
async def target():
    sink = Sink()
    endpoint = {"endpoint": "127.0.0.1:0"}
    config = Config.model_validate({"protocols": {"grpc": endpoint, "http": endpoint}})
    receiver = FACTORY.create(config, make_settings("otlp"), sink)
    await receiver.start(FakeHost())
    yield Target(receiver, sink)
    await receiver.shutdown()


@pytest.mark.parametrize("case", rows("http_receiver_cases.json", "invalid_requests"))
async def test_invalid_requests(target, case):
    status, content_type, body = await target.request(
        case["method"], case["path"], case["body"].encode(), Content_Type=case["content_type"]
    )
    assert (case["expected_status"], case["expected_content_type"]) == (status, content_type)
    if case["expected_body"] is not None:
        assert case["expected_body"] == body.decode()


@pytest.mark.parametrize("case", rows("http_receiver_cases.json", "accepted_encodings"))
async def test_accepted_encodings(target, case):
    body = TRACE
    if "json" not in case["content_type"].lower():
        body = REQUESTS[Signal.TRACES](
            resource_spans=[{"scope_spans": [{"spans": [{"name": "one"}]}]}]
        ).SerializeToString()
    status, _, _ = await target.request(
        "POST",
        "/v1/traces",
        COMPRESS[case["content_encoding"]](body),
        Content_Type=case["content_type"],
        Content_Encoding=case["content_encoding"],
    )
    assert case["expected_status"] == status
    assert 1 == target.sink.count


def error_of(case: dict[str, Any]) -> Exception:
    """Return our error for one that the cases describe in words."""
    if case["consumer_error"].startswith("plain (retryable)"):
        return RetryableError(case["message"])
    return PermanentError(case["message"], code=StatusCode(case["grpc_code_num"]))


@pytest.mark.parametrize("case", rows("http_receiver_cases.json", "error_mapping"))
async def test_error_mapping(target, case):
    target.sink.error = error_of(case)
    status, content_type, body = await target.request("POST", "/v1/traces", TRACE, Content_Type=JSON)
    assert (case["http_status"], JSON) == (status, content_type)
    answer = json.loads(body)
    assert (case["grpc_code_num"], case["message"]) == (answer["code"], answer.get("message", ""))

    request = REQUESTS[Signal.TRACES](resource_spans=[{"scope_spans": [{"spans": [{"name": "one"}]}]}])
    async with grpc.aio.insecure_channel(target.grpc) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(SERVICES[Signal.TRACES])(request.SerializeToString(), timeout=30)
    assert (case["grpc_code"], case["message"]) == (caught.value.code().name, caught.value.details())


@pytest.mark.parametrize("case", rows("json_decode_cases.json", "cases"))
async def test_json(target, case):
    status, _, body = await target.request("POST", f"/v1/{case['signal']}", case["body"].encode(), Content_Type=JSON)
    assert (400 if case["must_reject"] else 200) == status, (case["note"], body)
