"""Consumers that count what passes: components get the Go collector's basic metrics for free.

The work is done once a batch. `count` is asked for before the batch is handed on: afterwards it may be taken.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

from collector.api import ConsumeError, Consumer, Exporter, PartialError, Telemetry
from collector.data import Batch, Signal
from collector.runtime.fanout import Admission, admission


class ReceiverObserver:
    """Counts what a receiver handed on, by what became of it.

    Refused is what the pipelines did not take, for now or for good. Failed is what a defect stopped. Requests that are
    refused unread are counted by their server.
    """

    admit: Admission

    def __init__(self, telemetry: Telemetry, signals: frozenset[Signal], next_consumer: Consumer) -> None:
        self._next = next_consumer
        if (ask := admission(next_consumer)) is not None:
            self.admit = ask
        self._tallies = {signal: _Tally(telemetry, signal) for signal in signals}

    async def consume(self, batch: Batch) -> None:
        """Hand a batch on and count."""
        count, accepted, failed = batch.count, 0, 0
        try:
            await self._next.consume(batch)
            accepted = count
        except PartialError as error:
            # At most the whole: what was rejected may have been merged with others' data.
            accepted = max(count - error.rejected, 0)
            raise
        except ConsumeError:
            raise
        except Exception:
            failed = count
            raise
        finally:
            if (tally := self._tallies.get(batch.signal)) is not None:
                tally.add(batch.client.transport, accepted, count - accepted - failed, failed)


class _Tally:
    """The three outcomes of one signal."""

    def __init__(self, telemetry: Telemetry, signal: Signal) -> None:
        words = signal.items.replace("_", " ")
        self._counters = [
            telemetry.counter(
                f"otelcol_receiver_{outcome}_{signal.items}", f"Number of {words} {meaning}.", ("transport",)
            )
            for outcome, meaning in (
                ("accepted", "successfully pushed into the pipeline"),
                ("refused", "that could not be pushed into the pipeline"),
                ("failed", "that an internal error stopped"),
            )
        ]
        self._transports: set[str] = set()

    def add(self, transport: str, *amounts: int) -> None:
        # Zeros are counted the first time, so that all three series exist once there is one.
        is_first = transport not in self._transports
        self._transports.add(transport)
        for counter, amount in zip(self._counters, amounts, strict=True):
            if amount or is_first:
                counter.add(amount, transport=transport)


class ItemCounter:
    """Counts the items of each batch on its way: into a processor, or out of it."""

    admit: Admission

    def __init__(self, telemetry: Telemetry, direction: str, next_consumer: Consumer) -> None:
        self._next = next_consumer
        if (ask := admission(next_consumer)) is not None:
            self.admit = ask
        verb = "passed to" if direction == "incoming" else "emitted from"
        self._items = telemetry.counter(
            f"otelcol_processor_{direction}_items", f"Number of items {verb} the processor.", ("otel_signal",)
        )

    def consume(self, batch: Batch) -> Coroutine[Any, Any, None]:
        """Count and hand on; what is handed on to is awaited in our place, for a coroutine each would only add up."""
        self._items.add(batch.count, otel_signal=batch.signal.value)
        return self._next.consume(batch)


class DirectDelivery:
    """An exporter without queue and retries as a consumer, counting as `collector.delivery` does for the others."""

    def __init__(self, telemetry: Telemetry, signals: frozenset[Signal], exporter: Exporter) -> None:
        self._exporter = exporter
        self._counters = {
            signal: (
                telemetry.counter(f"otelcol_exporter_sent_{signal.items}", "Items delivered."),
                telemetry.counter(
                    f"otelcol_exporter_send_failed_{signal.items}", "Items that could not be delivered.", ("reason",)
                ),
            )
            for signal in signals
        }

    async def consume(self, batch: Batch) -> None:
        """Deliver a batch once."""
        sent, failed = self._counters[batch.signal]
        count = batch.count
        try:
            await self._exporter.push(batch)
        except PartialError as error:
            rejected = min(error.rejected, count)
            sent.add(count - rejected)
            failed.add(rejected, reason=error.reason)
            raise
        except ConsumeError as error:
            failed.add(count, reason=error.reason)
            raise
        except BaseException as error:
            failed.add(count, reason="cancelled" if isinstance(error, asyncio.CancelledError) else "exporter_error")
            raise
        sent.add(count)
