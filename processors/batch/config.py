"""The options of the processor `batch`."""

from pydantic import field_validator, model_validator

from collector.api import ComponentConfig, Duration, MetadataKeys, option


class Config(ComponentConfig):
    """Joins small requests into batches of a size that is worth sending.

    ```yaml
    send_batch_size: 8192
    timeout: 200ms
    ```
    """

    send_batch_size: int = option(
        8192, "How many spans, log records or data points make a batch leave; 0 lets everything leave at once.", ge=0
    )
    timeout: Duration = option(0.2, "The age at which a batch leaves, however small; 0 lets everything leave at once.")
    send_batch_max_size: int = option(0, "Most items in a batch: larger ones are cut; 0 for no limit.", ge=0)
    metadata_keys: MetadataKeys = option(
        [], "Request headers by whose values batches are kept apart; the receiver needs `include_metadata`."
    )
    metadata_cardinality_limit: int = option(
        1000, "Most combinations of these values; data with further ones is refused; 0 for no limit.", ge=0
    )

    @field_validator("timeout")
    @classmethod
    def _check_timeout(cls, timeout: float) -> float:
        if timeout < 0:
            raise ValueError("timeout must be greater or equal to 0")
        return timeout

    @model_validator(mode="after")
    def _check_sizes(self) -> "Config":
        if 0 < self.send_batch_max_size < self.send_batch_size:
            raise ValueError("send_batch_max_size must be greater or equal to send_batch_size")
        return self
