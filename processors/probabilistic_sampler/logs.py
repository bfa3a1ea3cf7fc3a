"""Sampling log records, which carry threshold and randomness in attributes."""

from collector.data.attributes import (
    delete_attribute,
    find_attribute,
    get_attribute,
    set_attribute,
    value_of,
)
from collector.data.messages import LogRecord, ProtoMessage
from collector.processing.probability import (
    MIN_PROBABILITY,
    NEVER,
    format_randomness,
    format_threshold,
    parse_randomness,
    parse_threshold,
    randomness_of,
    threshold_of,
)
from collector.processing.tracestate import OtelTraceState
from collector.processing.values import as_text
from processors.probabilistic_sampler.config import Config
from processors.probabilistic_sampler.hashing import randomness_of_data
from processors.probabilistic_sampler.rule import Fault, Rule, Subject
from processors.probabilistic_sampler.tally import Tally

THRESHOLD = "sampling.threshold"
RANDOMNESS = "sampling.randomness"
_NO_ID = bytes(16)


class LogSampler:
    """Decides about serialized log records."""

    def __init__(self, rule: Rule, tally: Tally, config: Config) -> None:
        self._rule = rule
        self._tally = tally
        self._by_trace_id = config.attribute_source != "record" or not rule.hashes
        self._attribute = config.from_attribute if rule.hashes else ""
        self._priority_attribute = config.sampling_priority

    def sample(self, records: list[bytes]) -> list[bytes]:
        """Return the records that are kept, as they came or with new attributes."""
        return [kept for raw in records if (kept := self._examine(raw)) is not None]

    def _examine(self, raw: bytes) -> bytes | None:
        record = LogRecord.FromString(raw)
        state = _read(record)
        before = (state.randomness, state.threshold) if isinstance(state, OtelTraceState) else None
        decision = self._rule.decide(Subject(state, *self._randomness(record), self._priority(record)))
        self._tally.note(decision)
        if not decision.sampled:
            return None
        if isinstance(state, Fault) or before == (state.randomness, state.threshold):
            return raw
        _write(record, RANDOMNESS, None if state.randomness is None else format_randomness(state.randomness))
        _write(record, THRESHOLD, None if state.threshold is None else format_threshold(state.threshold))
        encoded: bytes = record.SerializeToString()
        return encoded

    def _randomness(self, record: ProtoMessage) -> tuple[int | None, str]:
        """Return the randomness of a record and the word for where it is from."""
        trace_id = record.trace_id
        if self._by_trace_id and len(trace_id) == 16 and trace_id != _NO_ID:
            if self._rule.hashes:
                return randomness_of_data(trace_id, self._rule.hash_state), "trace_id_hash"
            return randomness_of(trace_id), "trace_id_w3c"
        if self._attribute and (index := find_attribute(record.attributes, self._attribute)) >= 0:
            value = value_of(record.attributes[index].value)
            data = value if isinstance(value, bytes) else as_text(value).encode()
            if data:
                return randomness_of_data(data, self._rule.hash_state), self._attribute
        return None, ""

    def _priority(self, record: ProtoMessage) -> int | None:
        """Return the threshold of the percentage that a record asks for."""
        if not self._priority_attribute:
            return None
        percentage = get_attribute(record.attributes, self._priority_attribute)
        if isinstance(percentage, bool) or not isinstance(percentage, int | float) or not percentage >= 0:
            return None
        probability = min(percentage / 100, 1.0)
        return NEVER if probability < MIN_PROBABILITY else threshold_of(probability, self._rule.precision)


def _read(record: ProtoMessage) -> OtelTraceState | Fault:
    """Return what earlier samplers wrote."""
    state = OtelTraceState()
    threshold = get_attribute(record.attributes, THRESHOLD)
    randomness = get_attribute(record.attributes, RANDOMNESS)
    try:
        if isinstance(threshold, str) and threshold:
            state.set_threshold(parse_threshold(threshold))
        if isinstance(randomness, str) and randomness:
            state.set_randomness(parse_randomness(randomness))
    except ValueError as error:
        return Fault("sampling_attributes", str(error))
    return state


def _write(record: ProtoMessage, key: str, value: str | None) -> None:
    if value is None:
        delete_attribute(record.attributes, key)
    else:
        set_attribute(record.attributes, key, value)
