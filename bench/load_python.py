"""The load generator and the backend where there is no Go toolchain: the protocol of bench/loadgen, in Python.

It takes several times the CPU of the compiled one, and so decides the rate; figures per request stay comparable with
one another, not with those of runs with the other generator. bench/load.py starts it.
"""

import asyncio
import gzip
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from itertools import cycle, repeat
from pathlib import Path
from typing import Any

import aiohttp
import grpc

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.payloads import Renewable, read_requests
from collector.data import Batch, Signal
from collector.data.messages import RESPONSES, SERVICES

Send = Callable[[bytes], Awaitable[object]]
MAX_SECONDS = 600
PATIENCE = 30.0


class Sink:
    """A gRPC server that counts, answers and forgets."""

    def __init__(self) -> None:
        self.requests = self.spans = 0
        self._server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1)])

    async def start(self) -> int:
        """Listen; return the port."""
        answer: bytes = RESPONSES[Signal.TRACES]().SerializeToString()

        async def handle(request: bytes, context: object) -> bytes:  # noqa: ARG001 - grpc's arguments
            self.requests += 1
            self.spans += Batch(Signal.TRACES, request).count
            return answer

        service, method = SERVICES[Signal.TRACES][1:].rsplit("/", 1)
        handler = grpc.method_handlers_generic_handler(service, {method: grpc.unary_unary_rpc_method_handler(handle)})
        self._server.add_generic_rpc_handlers((handler,))
        port: int = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()
        return port

    async def stop(self) -> None:
        """End at once."""
        await self._server.stop(None)


class Generator:
    """Connections to a collector and the requests that go over them in a closed loop."""

    def __init__(self, arguments: dict[str, Any]) -> None:
        self._arguments = arguments
        self._stack = AsyncExitStack()
        requests = read_requests(Path(arguments["payloads"]))
        counts = [Batch(Signal.TRACES, request).count for request in requests]
        if arguments["fresh"] and arguments["gzip"]:
            raise ValueError("open: trace ids cannot change where requests are compressed")
        if self._arguments["gzip"] and self._arguments["transport"] == "http":
            requests = [gzip.compress(request, 6) for request in requests]
        bodies = _renewed(requests) if arguments["fresh"] else cycle(requests)
        self._requests = zip(bodies, cycle(counts), strict=False)
        self._senders: list[Send] = []

    async def open(self) -> None:
        """Connect."""
        connect = self._grpc if self._arguments["transport"] == "grpc" else self._http
        for _ in range(self._arguments["connections"]):
            self._senders.append(await connect(self._arguments["port"], compressed=self._arguments["gzip"]))

    async def close(self) -> None:
        """Close every connection."""
        await self._stack.aclose()

    async def run(self, seconds: float, requests: int) -> dict[str, Any]:
        """Keep the agreed number of requests under way until the time or the number is reached; count the answers."""
        start = time.monotonic()
        left = iter(range(requests)) if requests else repeat(0)
        end = start + min(seconds, MAX_SECONDS)
        total: dict[str, Any] = {"answered": 0, "refused": 0, "spans": 0}
        workers = self._arguments["in_flight"]

        async def work(number: int) -> None:
            for send in cycle(self._senders[number::workers] or [self._senders[number % len(self._senders)]]):
                if time.monotonic() >= end or next(left, None) is None:
                    return
                body, spans = next(self._requests)
                try:
                    await send(body)
                except (aiohttp.ClientError, grpc.aio.AioRpcError, TimeoutError) as error:
                    total["refused"] += 1
                    total.setdefault("error", str(error))
                else:
                    total["answered"] += 1
                    total["spans"] += spans

        async with asyncio.TaskGroup() as group:
            for number in range(workers):
                group.create_task(work(number))
        return total | {"seconds": time.monotonic() - start}

    async def _grpc(self, port: int, *, compressed: bool) -> Send:
        options = [("grpc.use_local_subchannel_pool", 1)]  # else channels to one address share a connection
        compression = grpc.Compression.Gzip if compressed else grpc.Compression.NoCompression
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options, compression=compression)
        await self._stack.enter_async_context(channel)
        call = channel.unary_unary(SERVICES[Signal.TRACES])

        async def send(body: bytes) -> None:
            await call(body, timeout=PATIENCE)

        return send

    async def _http(self, port: int, *, compressed: bool) -> Send:
        headers = {"Content-Type": "application/x-protobuf"} | ({"Content-Encoding": "gzip"} if compressed else {})
        session = await self._stack.enter_async_context(
            aiohttp.ClientSession(
                headers=headers,
                connector=aiohttp.TCPConnector(limit=1),
                timeout=aiohttp.ClientTimeout(total=PATIENCE),
            )
        )

        async def send(body: bytes) -> None:
            async with session.post(f"http://127.0.0.1:{port}/v1/traces", data=body) as answer:
                answer.raise_for_status()

        return send


def _renewed(requests: Sequence[bytes]) -> Iterator[bytes]:
    """Yield requests without end, each time that they are gone through with other trace ids."""
    renewable = [Renewable(request) for request in requests]
    while True:
        mask = random.getrandbits(128)
        for request in renewable:
            yield request.renewed(mask)


class Commands:
    """Does what the lines say."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._generator: Generator | None = None

    async def execute(self, line: str) -> dict[str, Any]:
        """Do one command; return its answer."""
        arguments = json.loads(line)
        match arguments["do"]:
            case "open":
                await self.close()
                self._generator = Generator(arguments)
                await self._generator.open()
                return {}
            case "run" if self._generator:
                return await self._generator.run(arguments["seconds"], arguments["requests"])
            case "close":
                await self.close()
                return {}
            case "counts":
                return {"requests": self._sink.requests, "spans": self._sink.spans}
        return {"error": f"cannot {arguments['do']}"}

    async def close(self) -> None:
        """Close what is open."""
        if self._generator:
            await self._generator.close()
            self._generator = None


async def main() -> None:
    """Answer lines until the input ends."""
    sink = Sink()
    print(json.dumps({"sink_port": await sink.start()}), flush=True)
    commands = Commands(sink)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await commands.execute(line)), flush=True)
    await commands.close()
    await sink.stop()


if __name__ == "__main__":
    asyncio.run(main())
