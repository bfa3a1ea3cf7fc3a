"""What stands around an exporter: queue, batching, retries and timeouts, composed in one place (`Delivery`)."""

from collector.delivery.config import BatchConfig, DeliveryConfig, PartitionConfig, QueueConfig, RetryConfig
from collector.delivery.delivery import Delivery

__all__ = [
    "BatchConfig",
    "Delivery",
    "DeliveryConfig",
    "PartitionConfig",
    "QueueConfig",
    "RetryConfig",
]
