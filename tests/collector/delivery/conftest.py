import pytest

from collector.data import NO_CLIENT, Batch, Signal
from collector.data.messages import REQUESTS


@pytest.fixture
def make_batch():
    """Return a function that makes a batch of spans, each named `<name>-<number>`."""

    def make(count=1, name="span", client=NO_CLIENT):
        request = REQUESTS[Signal.TRACES]()
        spans = request.resource_spans.add().scope_spans.add().spans
        for number in range(count):
            spans.add(name=f"{name}-{number}")
        return Batch(Signal.TRACES, request.SerializeToString(), client)

    return make


@pytest.fixture
def names():
    """Return a function that lists the names of the spans in batches."""

    def list_names(batches):
        requests = [REQUESTS[Signal.TRACES].FromString(batch.payload) for batch in batches]
        return [
            span.name
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    return list_names


class FakeExporter:
    """Ends each push as `outcomes` says, one after the other: an exception, a coroutine function, or None; then well.

    `attempts` are all batches that were pushed, `delivered` those that were taken.
    """

    def __init__(self, *outcomes):
        self.outcomes = list(outcomes)
        self.attempts = []
        self.delivered = []

    async def start(self, host): ...

    async def shutdown(self): ...

    async def push(self, batch):
        self.attempts.append(batch)
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is not None:
            await outcome()
        self.delivered.append(batch)

    def __repr__(self):
        return "FakeExporter(backend:4317)"


@pytest.fixture
def make_exporter():
    return FakeExporter
