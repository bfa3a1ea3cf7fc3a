"""What the metrics show of a governor: the target, what is offered, and the largest keys."""

import heapq

from collector.api import Settings
from processors.adaptive_sampler.config import Config
from processors.adaptive_sampler.governor import Governor
from processors.adaptive_sampler.learning import Key

_PREFIX = "otelcol_processor_adaptive_sampler"


class Report:
    """Sets the gauges.

    Series cannot be taken back, so there are never more than `max_key_metrics` of them: a key that has one keeps it,
    and the places that are left go to the largest of the others.
    """

    def __init__(self, config: Config, settings: Settings) -> None:
        telemetry = settings.telemetry
        self._most = config.max_key_metrics
        self._shown: dict[str, None] = {}
        self._allowed = telemetry.gauge(f"{_PREFIX}_target_rate", "What may be kept in a second, in the target's unit")
        self._offered = telemetry.gauge(f"{_PREFIX}_offered_rate", "What is offered in a second, in the target's unit")
        self._keys = telemetry.gauge(f"{_PREFIX}_keys", "Keys that are known")
        self._key_rate = telemetry.gauge(f"{_PREFIX}_key_rate", "What a large key offers in a second", ("key",))
        self._key_percentage = telemetry.gauge(
            f"{_PREFIX}_key_percentage", "How much of a large key is kept, in percent", ("key",)
        )

    def __call__(self, governor: Governor) -> None:
        """Show how things are."""
        self._allowed.set(governor.allowed)
        self._offered.set(governor.offered)
        self._keys.set(len(governor.keys) - 1)
        if not self._most:
            return
        by_text = {key.text: key for key in governor.keys.values()}
        if room := self._most - len(self._shown):
            others = (key for text, key in by_text.items() if key.rate and text not in self._shown)
            self._shown |= {key.text: None for key in heapq.nlargest(room, others, key=_rate)}
        for text in self._shown:
            key = by_text.get(text)
            self._key_rate.set(0.0 if key is None else key.population, key=text)
            self._key_percentage.set(0.0 if key is None else 100 * governor.probability(key), key=text)


def _rate(key: Key) -> float:
    return key.rate
