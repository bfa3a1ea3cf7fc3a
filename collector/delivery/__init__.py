"""What stands around an exporter: queue, retry, timeout, and later durability."""
