"""Processor `batch`: joins what comes in small pieces into batches worth sending.

A batch leaves when it has `send_batch_size` items or is `timeout` old. Joining is a concatenation of bytes; only a
batch above `send_batch_max_size` is opened, to be cut.

A sender is answered once its data is in a batch, so that a slow backend does not hold it. What may happen afterwards:

- The next component says "not now": the batch is kept and offered again, after the time that it asks for or else with
  growing pauses, for as long as it takes. Meanwhile at most twice the largest batch is gathered behind it; then `consume`
  waits, and so do the senders. Memory is bounded and nothing is lost.
- It says "never": the batch is dropped, counted by reason, and told in the log.
- The collector stops: everything is sent. What gets "not now" then is offered for a few seconds more, as a queue that
  is full may be emptying; then it is dropped and counted.

With `timeout: 0` or `send_batch_size: 0` nothing is gathered. Each batch goes on at once, and the sender learns what
became of it; of a batch that is cut, every part goes on, whatever became of the others.

With `metadata_keys`, senders with other values of these headers have batches of their own.
"""

from collector.api import (
    ConsumeError,
    Consumer,
    Idle,
    PartialError,
    PermanentError,
    ProcessorFactory,
    RetryableError,
    Settings,
    TaskOwner,
)
from collector.data import NO_CLIENT, Batch, Client
from collector.data.split import split
from collector.processing.handing_on import lost_of
from processors.batch.config import Config
from processors.batch.shard import Instruments, Shard

__all__ = ["FACTORY", "Config"]


class BatchProcessor(Idle):
    """Finds the shard of each batch."""

    def __init__(self, config: Config, settings: Settings, next_consumer: Consumer) -> None:
        self._config = config
        self._settings = settings
        self._next = next_consumer
        self._instruments = Instruments(settings)
        self._tasks = TaskOwner(str(settings.id), settings.logger)
        self._shards: dict[tuple[tuple[str, ...] | None, ...], tuple[Client, Shard]] = {}
        self._stopped = False
        self._gathers = config.timeout > 0 and config.send_batch_size > 0

    async def consume(self, batch: Batch) -> None:
        """Put a batch to others, or hand it on where nothing is gathered."""
        count = batch.count
        if not count:
            return
        if not self._gathers:
            await self._pass_on(Batch(batch.signal, batch.payload, batch.client, count=count))
            return
        if self._stopped:
            raise RetryableError("the collector is stopping: send this again", reason="shutdown")
        try:
            client, shard = self._shard(batch.client)
        except PermanentError as error:
            self._instruments.refused.add(count, reason=error.reason)
            raise
        # An open batch is closed, which is smaller; and whoever takes it over could leave nothing of it to measure.
        await shard.add(Batch(batch.signal, batch.payload, client, count=count))

    async def _pass_on(self, batch: Batch) -> None:
        maximum = self._config.send_batch_max_size
        refusal, rejected = None, 0
        for part in split(batch, maximum) if maximum else [batch]:
            try:
                await self._next.consume(part)
            except RetryableError:
                raise  # the sender comes again with all of it
            except ConsumeError as error:
                refusal, rejected = error, rejected + lost_of(part, error)
            else:
                self._instruments.sent(part)
        if refusal is None:
            return
        if isinstance(refusal, PermanentError) and rejected == batch.count:
            raise refusal
        raise PartialError(str(refusal), rejected=rejected, reason=refusal.reason) from refusal

    def _shard(self, client: Client) -> tuple[Client, Shard]:
        keys = self._config.metadata_keys
        values = tuple([client.metadata.get(key) for key in keys]) if keys else ()
        found = self._shards.get(values)
        if found is None:
            limit = self._config.metadata_cardinality_limit
            if keys and 0 < limit <= len(self._shards):
                raise PermanentError(
                    f"too many combinations of metadata values: the batch processor allows {limit}",
                    reason="metadata_cardinality",
                )
            # Nothing else of the clients: a batch may be of many.
            shared = Client(metadata={k: v for k, v in zip(keys, values, strict=True) if v is not None})
            shard = Shard(self._config, self._settings, self._instruments, self._tasks, self._next)
            found = self._shards[values] = (shared if keys else NO_CLIENT, shard)
            self._instruments.cardinality.set(len(self._shards))
        return found

    async def shutdown(self) -> None:
        """Send everything that was gathered."""
        self._stopped = True
        for _, shard in self._shards.values():
            shard.close()
        try:
            await self._tasks.join()
        finally:
            await self._tasks.cancel()
            for _, shard in self._shards.values():
                shard.abandon()


def create(config: Config, settings: Settings, next_consumer: Consumer) -> BatchProcessor:
    """Build the processor."""
    return BatchProcessor(config, settings, next_consumer)


FACTORY = ProcessorFactory(type="batch", config=Config, create=create)
