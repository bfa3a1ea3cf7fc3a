"""The batch: OTLP bytes with the signal that they carry and the client that sent them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self

from collector.data.opened import OpenBatch
from collector.data.shell import count_items, count_points
from collector.data.signal import Signal

_NO_METADATA: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Client:
    """Who sent a batch.

    `metadata` holds request headers, keys in lower case, only where the receiver was told to keep them
    (`include_metadata`); `transport` is the word that own metrics show (`grpc`, `http`).
    """

    address: str = ""
    transport: str = ""
    metadata: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: _NO_METADATA)


NO_CLIENT = Client()


class Batch:
    """Telemetry of one signal as a serialized OTLP export request.

    A batch never changes once a consumer has it: whoever edits makes a new one, so pipelines may share one freely.
    Between two processors that edit, the new batch may still be an open message; `payload` closes it, `open` takes it
    over. A chain of edits therefore decodes and encodes once.
    """

    __slots__ = ("_count", "_opened", "_payload", "client", "signal")

    def __init__(self, signal: Signal, payload: bytes, client: Client = NO_CLIENT, *, count: int | None = None) -> None:
        self.signal = signal
        self.client = client
        self._payload: bytes | None = payload
        self._opened: OpenBatch | None = None
        self._count = count

    @classmethod
    def of_opened(cls, opened: OpenBatch, client: Client = NO_CLIENT) -> Self:
        """Return a batch of an open one, which the caller must not touch again."""
        batch = cls(opened.signal, b"", client)
        batch._payload = None
        batch._opened = opened
        return batch

    @property
    def payload(self) -> bytes:
        """The serialized export request; the bytes that came in, where nothing was edited."""
        if self._payload is None:
            self._payload = self._take().encode()
        return self._payload

    @property
    def count(self) -> int:
        """How many spans, log records or metric data points the batch holds; counted once."""
        if self._count is None:
            if self._opened is not None:
                self._count = self._opened.count()
            else:
                count = count_points if self.signal is Signal.METRICS else count_items
                self._count = count(self.payload)
        return self._count

    def open(self) -> OpenBatch:
        """Return the batch opened for reading and editing; what is done to it never shows in this batch.

        A batch that is still open from the edit before is handed over and cannot be used again. Whoever gives one
        batch to two consumers therefore asks for its `payload` first, as the graph's fan-out does.
        """
        return self._take() if self._payload is None else OpenBatch(self.signal, self._payload, self._count)

    def _take(self) -> OpenBatch:
        opened, self._opened = self._opened, None
        if opened is None:
            raise RuntimeError(
                "this batch was opened by a consumer and handed on; ask for its payload before sharing it"
            )
        return opened

    def __repr__(self) -> str:
        if self._payload is not None:
            state = f"{len(self._payload)} bytes"
        else:
            state = "handed on" if self._opened is None else "open"
        return f"Batch({self.signal.value}, {state})"


def merge(batches: Iterable[Batch], client: Client = NO_CLIENT) -> Batch:
    """Return one batch of several of the same signal: the concatenation of their bytes, as protobuf defines merging."""
    members = list(batches)
    signals = {batch.signal for batch in members}
    if len(signals) != 1:
        raise ValueError(f"merge needs batches of one signal, not {sorted(signal.value for signal in signals)}")
    return Batch(
        signals.pop(),
        b"".join([batch.payload for batch in members]),
        client,
        count=sum(batch.count for batch in members),
    )
