"""Real senders and a real backend around a real collector process."""

import pytest_asyncio

from collector.testing.backend import OtlpBackend


@pytest_asyncio.fixture
async def backend():
    """Run an OTLP backend on loopback, over gRPC and HTTP."""
    async with OtlpBackend() as running:
        yield running
