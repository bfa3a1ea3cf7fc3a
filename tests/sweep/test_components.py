"""Every built-in component keeps to the contract: the conformance kit over the registry."""

import importlib

import pytest

from collector.runtime.registry import BUILT_IN
from collector.testing.conformance import ConformanceError, check
from collector.testing.process import free_port

COMPONENTS = [(section, component) for section, components in BUILT_IN.items() for component in components]

# The least configuration under which each component does its work, and drops nothing. `{port}` is a free port of
# localhost, `{directory}` a folder of the test's own with `mine.py` and `strategies.json` in it.
OPTIONS = {
    ("receivers", "jaeger"): {
        "protocols": {
            name: {"endpoint": "localhost:{port}"}
            for name in ("grpc", "thrift_http", "thrift_compact", "thrift_binary")
        }
    },
    ("receivers", "nop"): {},
    ("receivers", "otlp"): {
        "protocols": {"grpc": {"endpoint": "localhost:{port}"}, "http": {"endpoint": "localhost:{port}"}}
    },
    ("receivers", "zipkin"): {"endpoint": "localhost:{port}"},
    ("processors", "adaptive_sampler"): {"percentage": 100},
    ("processors", "attributes"): {"actions": [{"key": "team", "value": "shop", "action": "upsert"}]},
    ("processors", "batch"): {},
    ("processors", "memory_limiter"): {"check_interval": "1s", "limit_mib": 100_000},
    ("processors", "priority_sampler"): {"rules": [{"name": "everything", "keep": "100%"}]},
    ("processors", "probabilistic_sampler"): {"sampling_percentage": 100},
    ("processors", "python"): {"file": "mine.py"},
    ("processors", "redaction"): {"allow_all_keys": True, "blocked_values": ["GET"]},
    ("processors", "resource"): {"attributes": [{"key": "team", "value": "shop", "action": "upsert"}]},
    ("processors", "scrub"): {},
    ("processors", "span_limits"): {"max_attributes": 1, "max_name_length": 3},
    ("processors", "span_name"): {"rules": [{"pattern": "orders", "replace": "{{things}}"}]},
    ("processors", "tail_sampling"): {"policies": [{"name": "everything", "type": "always_sample"}]},
    ("exporters", "debug"): {"verbosity": "detailed"},
    ("exporters", "file"): {"path": "{directory}/out.json"},
    ("exporters", "jaeger"): {"endpoint": "localhost:{port}", "protocol": "grpc_v2", "tls": {"insecure": True}},
    ("exporters", "jaeger_thrift"): {"endpoint": "http://localhost:{port}/api/traces"},
    ("exporters", "nop"): {},
    ("exporters", "otlp_grpc"): {"endpoint": "localhost:{port}", "tls": {"insecure": True}},
    ("exporters", "otlp_http"): {"endpoint": "http://localhost:{port}"},
    ("exporters", "tempo"): {"endpoint": "localhost:{port}", "tls": {"insecure": True}, "tenant_from_resource": "team"},
    ("exporters", "zipkin"): {"endpoint": "http://localhost:{port}/api/v2/spans"},
    ("connectors", "forward"): {},
    ("extensions", "health_check"): {"endpoint": "localhost:{port}"},
    ("extensions", "jaegerremotesampling"): {
        "source": {"file": "{directory}/strategies.json", "reload_interval": "10s"},
        "http": {"endpoint": "localhost:{port}"},
        "grpc": {"endpoint": "localhost:{port}"},
    },
}

# Components that do not pass yet, each with the reason.
WAIVERS: dict[tuple[str, str], str] = {}


def filled(value, directory):
    """Return options with a port and a directory in their places."""
    match value:
        case dict():
            return {key: filled(member, directory) for key, member in value.items()}
        case list():
            return [filled(member, directory) for member in value]
        case str():
            return value.format(port=free_port() if "{port}" in value else 0, directory=directory)
    return value


def name_of(component):
    return "/".join(component)


@pytest.mark.parametrize("component", COMPONENTS, ids=name_of)
async def test_the_component_conforms(component, tmp_path):
    section, name = component
    module, _, attribute = BUILT_IN[section][name].partition(":")
    factory = getattr(importlib.import_module(module), attribute)
    assert component in OPTIONS, "add the least configuration of the new component to OPTIONS"
    (tmp_path / "mine.py").write_text("def process(record):\n    return record\n")
    (tmp_path / "strategies.json").write_text("{}")
    try:
        await check(factory, filled(OPTIONS[component], tmp_path), directory=tmp_path)
    except ConformanceError as error:
        if component not in WAIVERS:
            raise
        pytest.xfail(f"{WAIVERS[component]}: {error}")
    assert component not in WAIVERS, "it passes: remove the waiver"


@pytest.mark.parametrize("component", sorted({*OPTIONS, *WAIVERS}), ids=name_of)
def test_every_entry_here_is_a_component(component):
    assert component in COMPONENTS, "the registry has no such component: remove its entry"
