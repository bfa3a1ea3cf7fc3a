"""What a sampler asks and is answered, as protobuf (`api_v2`) and as JSON.

https://github.com/jaegertracing/jaeger-idl/blob/main/proto/api_v2/sampling.proto
"""

import json
from typing import Any

from collector.data.messages import ProtoMessage
from collector.data.protobuf import declare

METHOD = "/jaeger.api_v2.SamplingManager/GetSamplingStrategy"
PROBABILISTIC, RATE_LIMITING = range(2)
_TYPES = ("PROBABILISTIC", "RATE_LIMITING")

_MESSAGES = declare(
    "spanmill.jaeger_sampling",
    {
        "Probabilistic": {"samplingRate": (1, "double")},
        "RateLimiting": {"maxTracesPerSecond": (1, "int32")},
        "Operation": {"operation": (1, "string"), "probabilisticSampling": (2, "Probabilistic")},
        "PerOperation": {
            "defaultSamplingProbability": (1, "double"),
            "defaultLowerBoundTracesPerSecond": (2, "double"),
            "perOperationStrategies": (3, "Operation*"),
            "defaultUpperBoundTracesPerSecond": (4, "double"),
        },
        "Strategy": {
            "strategyType": (1, "int32"),
            "probabilisticSampling": (2, "Probabilistic"),
            "rateLimitingSampling": (3, "RateLimiting"),
            "operationSampling": (4, "PerOperation"),
        },
        "Parameters": {"serviceName": (1, "string")},
    },
)
# `SamplingStrategyParameters` and `SamplingStrategyResponse`.
Parameters: ProtoMessage = _MESSAGES["Parameters"]
Strategy: ProtoMessage = _MESSAGES["Strategy"]


def as_json(strategy: ProtoMessage, *, numbered: bool = False) -> bytes:
    """Return a strategy as samplers read it over HTTP; `numbered` writes its type as the oldest of them want it."""
    members = _members(strategy)
    kind = strategy.strategyType
    members["strategyType"] = kind if numbered or kind >= len(_TYPES) else _TYPES[kind]
    return json.dumps(members, separators=(",", ":")).encode()


def _members(message: ProtoMessage) -> dict[str, Any]:
    """Return the members of a message: all scalars, also those that are zero, and the messages that are there."""
    members: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.message_type is None:
            members[field.name] = value
        elif field.is_repeated:
            members[field.name] = [_members(member) for member in value]
        elif message.HasField(field.name):
            members[field.name] = _members(value)
    return members
