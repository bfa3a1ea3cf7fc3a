"""The running collector: registry, graph, service and its own telemetry."""
