"""Components of the OpenTelemetry Collector that Spanmill is going to have, under their old and new names.

A configuration that names one gets a better answer than "unknown type".
"""

PLANNED: dict[str, frozenset[str]] = {
    "receivers": frozenset({"jaeger", "kafka", "prometheus", "zipkin"}),
    "processors": frozenset(
        {
            "adaptive_sampler",
            "filter",
            "group_by_attrs",
            "group_by_trace",
            "groupbyattrs",
            "groupbytrace",
            "priority_sampler",
            "queue_batch",
            "queuebatch",
            "scrub",
            "span",
            "tail_sampling",
            "transform",
        }
    ),
    "exporters": frozenset(
        {
            "jaeger",
            "kafka",
            "load_balancing",
            "loadbalancing",
            "prometheus",
            "prometheus_remote_write",
            "prometheusremotewrite",
            "tempo",
            "zipkin",
        }
    ),
    "connectors": frozenset({"count", "routing", "service_graph", "servicegraph", "span_metrics", "spanmetrics"}),
    "extensions": frozenset(
        {
            "basic_auth",
            "basicauth",
            "bearer_token_auth",
            "bearertokenauth",
            "file_storage",
            "health_check_v2",
            "healthcheckv2",
            "pprof",
            "zpages",
        }
    ),
}
