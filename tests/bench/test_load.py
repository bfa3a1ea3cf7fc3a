"""The load generator speaks to its own backend: what is sent arrives, and is counted alike on both sides."""

import asyncio
import shutil
from collections import Counter

import pytest

from bench.load import FALLBACK, Load, load_command
from bench.payloads import SPANS_A_TRACE, TRACES_THAT_DIFFER, write_requests
from bench.shapes import Shape
from collector.data import Signal
from collector.testing.backend import OtlpBackend


@pytest.fixture(
    params=[
        "Python",
        pytest.param(
            "Go",
            marks=[
                pytest.mark.interop,
                pytest.mark.skipif(shutil.which("go") is None, reason="needs a Go toolchain"),
            ],
        ),
    ]
)
def load(request):
    command = FALLBACK if request.param == "Python" else load_command()[1]
    with Load(command) as generator:
        yield generator


@pytest.mark.parametrize("compression", ["plain", "gzip"])
@pytest.mark.parametrize("connections", [1, 20])
def test_what_is_sent_arrives(load, tmp_path, compression, connections):
    """Whole rounds of requests, so that the spans are known: 8 requests of 512, beyond the windows of flow control."""
    write_requests(tmp_path / "requests", Shape(spans=512))
    load.open(Shape(compression=compression, connections=connections), load.sink_port, tmp_path / "requests")
    sent = load.run(60.0, 16)
    load.close()
    assert (16, 0, 16 * 512, "") == (sent.answered, sent.refused, sent.spans, sent.error)
    assert 16 * 512 == load.spans_arrived()


async def test_whole_traces_are_others_each_time(load, tmp_path):
    """Two rounds through all requests: twice as many traces, and each of them whole."""
    shape = Shape(work="tail", spans=500)
    write_requests(tmp_path / "requests", shape)
    rounds = 2 * TRACES_THAT_DIFFER * SPANS_A_TRACE // shape.spans
    async with OtlpBackend() as backend:
        port = int(backend.grpc_endpoint.rpartition(":")[2])
        await asyncio.to_thread(load.open, shape, port, tmp_path / "requests")
        sent = await asyncio.to_thread(load.run, 60.0, rounds)
        await asyncio.to_thread(load.close)
        spans = Counter(span.trace_id for span in backend.items(Signal.TRACES))
    assert (rounds, 0, "") == (sent.answered, sent.refused, sent.error)
    assert 2 * TRACES_THAT_DIFFER == len(spans)
    assert {SPANS_A_TRACE} == set(spans.values())


def test_compressed_requests_cannot_have_other_ids(load, tmp_path):
    shape = Shape(work="tail", compression="gzip", spans=500)
    write_requests(tmp_path / "requests", shape)
    with pytest.raises(RuntimeError, match="load generator"):
        load.open(shape, load.sink_port, tmp_path / "requests")


def test_time_ends_a_run(load, tmp_path):
    write_requests(tmp_path / "requests", Shape(spans=64))
    load.open(Shape(), load.sink_port, tmp_path / "requests")
    sent = load.run(0.2)
    assert sent.answered > 0
    assert sent.spans == load.spans_arrived()


def test_a_refusal_is_counted_and_told(load, tmp_path):
    """The backend does not speak HTTP/1.1."""
    write_requests(tmp_path / "requests", Shape(spans=64))
    load.open(Shape(transport="http"), load.sink_port, tmp_path / "requests")
    sent = load.run(0.2)
    assert (0, True, True) == (sent.answered, sent.refused > 0, bool(sent.error))


def test_what_cannot_be_done_is_an_error(load, tmp_path):
    with pytest.raises(RuntimeError, match="load generator"):
        load.open(Shape(), load.sink_port, tmp_path / "nowhere")
