"""The configuration blocks of what stands around an exporter, with the Go collector's keys and defaults."""

from typing import Any, Literal, Self

from pydantic import field_validator, model_validator

from collector.api import ComponentConfig, Duration, MetadataKeys, option
from collector.data import Batch

Sizer = Literal["requests", "items", "bytes"]


def measure(batch: Batch, sizer: Sizer) -> int:
    """Return the size of a batch in the sizer's unit; counting items opens the outer shell of the batch."""
    if sizer == "requests":
        return 1
    return batch.count if sizer == "items" else len(batch.payload)


class RetryConfig(ComponentConfig):
    """When to try again after a failure that may pass: after intervals that grow up to a limit."""

    initial_interval: Duration = option(5.0, "Time from the first failure to the second attempt.")
    max_interval: Duration = option(30.0, "The longest time between two attempts.")
    max_elapsed_time: Duration = option(300.0, "How long to try before the data is dropped; 0 for ever.")
    multiplier: float = option(1.5, "What the interval is multiplied by after each attempt.")
    randomization_factor: float = option(
        0.5, "How far an interval is moved at random, as a share of it: 0 not at all, 1 up to itself."
    )

    @field_validator("initial_interval", "max_interval", "max_elapsed_time", "multiplier")
    @classmethod
    def _check_sign(cls, value: float) -> float:
        if value < 0:
            raise ValueError("must be non-negative")
        return value

    @field_validator("randomization_factor")
    @classmethod
    def _check_factor(cls, value: float) -> float:
        if not 0 <= value <= 1:
            raise ValueError("randomization_factor value must be greater than or equal to 0 and at most 1")
        return value

    @model_validator(mode="after")
    def _check_elapsed_time(self) -> Self:
        for name in ("initial_interval", "max_interval"):
            if 0 < self.max_elapsed_time < getattr(self, name):
                raise ValueError(f"'max_elapsed_time' must not be less than '{name}': raise it, or 0 to try for ever")
        return self


class PartitionConfig(ComponentConfig):
    """Which requests may share a batch."""

    metadata_keys: MetadataKeys = option(
        [], "Merge only requests whose client metadata agrees in these keys; the receiver needs `include_metadata`."
    )


class BatchConfig(ComponentConfig):
    """Merges what the queue holds into batches of a good size."""

    flush_timeout: Duration = option(0.2, "Send a batch after this time even if it is small.")
    min_size: int = option(8192, "Send a batch as soon as it is this large, in the unit of the sizer.", ge=0)
    max_size: int = option(0, "Cut batches that are larger than this; 0 never cuts.", ge=0)
    sizer: Literal["items", "bytes"] | None = option(
        None, "What sizes count; null for the queue's sizer, or items where that is requests."
    )
    partition: PartitionConfig = option(PartitionConfig, "Which requests may share a batch.")

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        if self.flush_timeout <= 0:
            raise ValueError("`flush_timeout` must be positive")
        if 0 < self.max_size < self.min_size:
            raise ValueError(
                f"`max_size` ({self.max_size}) must be greater or equal to `min_size` ({self.min_size}), or 0"
            )
        return self


class QueueConfig(ComponentConfig):
    """Holds what the exporter has not delivered yet, so that senders need not wait for it."""

    num_consumers: int = option(10, "How many requests are sent at the same time.")
    queue_size: int = option(1000, "How much is held, what is being sent included, in the unit of `sizer`.")
    sizer: Sizer = option(
        "requests", "What `queue_size` counts: requests, items (spans, log records, data points) or bytes."
    )
    block_on_overflow: bool = option(False, "Where the queue is full, let senders wait instead of refusing their data.")
    wait_for_result: bool = option(False, "Let senders wait until their data was delivered or dropped.")
    storage: str | None = option(
        None, "Id of the storage extension that keeps the queue over a restart. Not built yet: leave it out."
    )
    batch: BatchConfig | None = option(None, "Merge what the queue holds before it is sent.")

    @model_validator(mode="before")
    @classmethod
    def _plain_batch(cls, data: Any) -> Any:
        # `batch:` with nothing in it does not take the queue's sizer over, as `batch: {}` does.
        bare = isinstance(data, dict) and "batch" in data and data["batch"] is None
        return {**data, "batch": {"sizer": "items"}} if bare else data

    @field_validator("num_consumers", "queue_size")
    @classmethod
    def _check_positive(cls, value: int) -> int:
        if value <= 0:
            raise ValueError("must be positive")
        return value

    @model_validator(mode="after")
    def _check_combinations(self) -> Self:
        if self.storage and self.wait_for_result:
            raise ValueError("`wait_for_result` is not supported with a persistent queue configured with `storage`")
        if self.batch is None:
            return self
        if self.batch.sizer is None and self.sizer == "requests" and "sizer" in self.model_fields_set:
            raise ValueError("`batch` supports only `items` or `bytes` sizer: set `batch.sizer` to one of them")
        if self.batch_sizer == self.sizer and self.batch.min_size > self.queue_size:
            raise ValueError("`min_size` must be less than or equal to `queue_size`: no batch could ever fill")
        return self

    @property
    def batch_sizer(self) -> Sizer:
        """What the sizes of `batch` count: its own sizer, else the queue's, else items."""
        if self.batch is not None and self.batch.sizer is not None:
            return self.batch.sizer
        return "bytes" if self.sizer == "bytes" else "items"


class DeliveryConfig(ComponentConfig):
    """How an exporter delivers: through a queue, with retries, each attempt within a timeout."""

    timeout: Duration = option(5.0, "How long one attempt may take; 0 for no limit.")
    retry_on_failure: RetryConfig | None = option(
        RetryConfig, "Try again after failures that may pass; on unless `enabled: false`."
    )
    sending_queue: QueueConfig | None = option(
        QueueConfig,
        "Hold data until it is delivered; on unless `enabled: false`, which makes senders wait for the delivery.",
    )

    @field_validator("timeout")
    @classmethod
    def _check_timeout(cls, value: float) -> float:
        if value < 0:
            raise ValueError("'timeout' must be non-negative")
        return value
