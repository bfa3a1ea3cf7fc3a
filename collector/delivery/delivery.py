"""What stands around an exporter."""

from collector.api import Exporter, Host, PermanentError, Settings, TaskOwner
from collector.data import Batch
from collector.data.messages import DecodeError
from collector.delivery.config import DeliveryConfig
from collector.delivery.line import Line
from collector.delivery.meter import Meter
from collector.delivery.sender import Sender


class Delivery:
    """Carries the batches of one signal to an exporter: queue, batch, divide, retry, timeout, push.

    The order is this because

    - the queue stands first: whoever hands over a batch is answered at once, or refused at once where it is full,
      whatever the backend is doing;
    - batching stands behind the queue, so that requests are merged when a worker is free to send them; while the
      backend is slow they wait in the queue, where they are counted against its size;
    - dividing, where the exporter does (`collector.api.Dividing`), stands between batching and retrying, so that only
      the parts that were not taken are sent again;
    - retrying stands behind batching, so that the same bytes are sent again and a backend may recognize them;
    - the timeout stands inside of retrying, so that it bounds each attempt: a backend that hangs costs one timeout,
      not the whole time that retries may take.

    Without a queue (`sending_queue.enabled: false`) `consume` returns, or raises, when the delivery has ended.

    The exporter's own life is the runtime's business: it starts before its deliveries and stops after them.
    """

    def __init__(self, exporter: Exporter, config: DeliveryConfig, settings: Settings) -> None:
        self._tasks = TaskOwner(str(settings.id), settings.logger)
        self._meter = Meter(settings)
        self._sender = Sender(exporter, config, settings, self._tasks, self._meter)
        self._line = (
            None
            if config.sending_queue is None
            else Line(config.sending_queue, settings, self._tasks, self._meter, self._sender)
        )

    async def start(self, host: Host) -> None:  # noqa: ARG002 - the contract's arguments
        """Start the workers."""
        if self._line is not None:
            self._line.start()

    async def consume(self, batch: Batch) -> None:
        """Put a batch into the queue, or deliver it where there is none.

        Raises:
            PermanentError: it is malformed or larger than the queue. Without a queue or with `wait_for_result`: the
                backend will never take it.
            RetryableError: the queue is full or closed. Without a queue or with `wait_for_result`: as an exporter.
            PartialError: without a queue or with `wait_for_result`, the backend refused a part.

        """
        _close(batch)
        if self._line is None:
            await self._sender.send(batch)
        else:
            await self._line.put(batch)

    async def shutdown(self) -> None:
        """Take no more, deliver what is held, with one attempt for each batch, and count as dropped what was not."""
        self._sender.stop()
        try:
            if self._line is not None:
                await self._line.drain()
        finally:
            await self._tasks.cancel()
            if self._line is not None:
                self._line.abandon()

    def __repr__(self) -> str:
        return f"Delivery({self._line!r})"


def _close(batch: Batch) -> None:
    """Settle on the bytes of a batch, for an exporter may take an open one over at its first attempt, and count it."""
    try:
        _ = batch.payload, batch.count
    except DecodeError as error:
        raise PermanentError(f"the batch is not an OTLP request: {error}", reason="malformed") from error
