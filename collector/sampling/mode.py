"""The samplers that may also decide without waiting: one option, and one place that chooses the engine."""

from typing import Literal

from collector.api import Consumer, Processor, Settings, option
from collector.sampling.config import TailConfig
from collector.sampling.decision import Decider
from collector.sampling.head import HeadProcessor
from collector.sampling.tail import TailProcessor

_NOT_ABOUT_WAITING = frozenset({"explain", "dry_run"})


class ModeConfig(TailConfig):
    """What every sampler has that may wait for whole traces, or not. To inherit from."""

    mode: Literal["tail", "head"] = option(
        "tail",
        "`tail` waits for whole traces. `head` decides at once, by what each batch shows of a trace, and takes none of "
        "the options about waiting.",
    )


def sampler_of(config: ModeConfig, settings: Settings, next_consumer: Consumer, decider: Decider) -> Processor:
    """Build the processor of the mode that is configured."""
    if config.mode == "tail":
        return TailProcessor(config, settings, next_consumer, decider)
    about_waiting = TailConfig.model_fields.keys() - _NOT_ABOUT_WAITING
    if ignored := sorted(config.model_fields_set & about_waiting):
        settings.logger.warning(
            "options about waiting have no effect", options=ignored, advice="take them out, or use mode: tail"
        )
    return HeadProcessor(config, next_consumer, decider)
