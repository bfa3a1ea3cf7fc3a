"""Which components there are: an explicit list, entry points of installed packages, and files named in the YAML.

A built-in is one line here. Nothing is imported before a configuration names it, so unused components cost nothing.
"""

BUILT_IN = {
    "receivers": {
        "nop": "receivers.nop:FACTORY",
        "otlp": "receivers.otlp:FACTORY",
    },
    "processors": {
        "attributes": "processors.attributes:FACTORY",
        "batch": "processors.batch:FACTORY",
        "memory_limiter": "processors.memory_limiter:FACTORY",
        "probabilistic_sampler": "processors.probabilistic_sampler:FACTORY",
        "python": "processors.python:FACTORY",
        "redaction": "processors.redaction:FACTORY",
        "resource": "processors.resource:FACTORY",
        "span_limits": "processors.span_limits:FACTORY",
        "span_name": "processors.span_name:FACTORY",
    },
    "exporters": {
        "debug": "exporters.debug:FACTORY",
        "file": "exporters.file:FACTORY",
        "nop": "exporters.nop:FACTORY",
        "otlp_grpc": "exporters.otlp_grpc:FACTORY",
        "otlp_http": "exporters.otlp_http:FACTORY",
    },
    "connectors": {
        "forward": "connectors.forward:FACTORY",
    },
    "extensions": {
        "health_check": "extensions.health_check:FACTORY",
    },
}
