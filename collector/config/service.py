"""The options under `service`: which components run, and how pipelines connect them."""

from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

from collector.api import ComponentConfig, ComponentId, option
from collector.config.own_telemetry import TelemetryConfig
from collector.data import Signal


@dataclass(frozen=True, slots=True)
class PipelineId:
    """`signal` or `signal/name`, as configuration files write it."""

    signal: Signal
    name: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the id that a text spells.

        Raises:
            ValueError: the text is not `signal` or `signal/name`.

        """
        word, slash, name = text.partition("/")
        word, name = word.strip(), name.strip()
        if slash and not name:
            raise ValueError(f'"{text}" is not a pipeline id: the part after / should not be empty')
        try:
            return cls(Signal(word), name)
        except ValueError:
            signals = ", ".join(signal.value for signal in Signal)
            raise ValueError(f'"{text}" is not a pipeline id: unknown signal "{word}", known are {signals}') from None

    def __str__(self) -> str:
        return f"{self.signal.value}/{self.name}" if self.name else self.signal.value


def _component_id(value: Any) -> Any:
    return ComponentId.parse(value) if isinstance(value, str) else value


Reference = Annotated[
    ComponentId,
    BeforeValidator(_component_id),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "title": "Component id", "examples": ["otlp", "otlp/backend"]}),
]


def _pipeline_id(value: Any) -> Any:
    return PipelineId.parse(value) if isinstance(value, str) else value


PipelineKey = Annotated[
    PipelineId,
    BeforeValidator(_pipeline_id),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "title": "Pipeline id"}),
]


def _once(references: list[ComponentId]) -> list[ComponentId]:
    return list(dict.fromkeys(references))


# To name a component twice is the same as naming it once, except for processors.
References = Annotated[list[Reference], AfterValidator(_once)]


class PipelineConfig(ComponentConfig):
    """A way of telemetry through the collector."""

    receivers: References = option([], "Receivers, and connectors that end other pipelines, to take from.")
    processors: list[Reference] = option([], "Processors, in the order that telemetry passes them.")
    exporters: References = option([], "Exporters, and connectors that begin other pipelines, to hand on to.")


class ServiceConfig(ComponentConfig):
    """What runs."""

    extensions: References = option([], "Extensions to start, in this order.")
    pipelines: dict[PipelineKey, PipelineConfig] = option(
        {}, "Pipelines by id, which is a signal and perhaps a name: `traces`, `metrics/internal`."
    )
    telemetry: TelemetryConfig = option(TelemetryConfig, "What the collector tells about itself.")
