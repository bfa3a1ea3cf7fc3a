"""How much of a corpus is found, and how much of what is found is right."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from corpus import Sample

from processors.scrub.rules import Rules


@dataclass
class Score:
    """Counts by kind: what was planted and how much of it found whole, what was found and how much of it rightly."""

    planted: Counter[str] = field(default_factory=Counter)
    recalled: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    mistakes: list[str] = field(default_factory=list)

    @property
    def recall(self) -> float:
        """The share of what was planted that is found."""
        return self.recalled.total() / self.planted.total()

    @property
    def precision(self) -> float:
        """The share of what is found that was planted."""
        return self.right.total() / self.found.total()


def score(rules: Rules, samples: Iterable[Sample]) -> Score:
    """Return how well rules do on samples. What was planted counts as found where a finding of any kind covers it."""
    result = Score()
    for sample in samples:
        raw = sample.text.encode()
        found = [(raw[start:end].decode(), kind) for start, end, kind in rules.find(raw, rules.rule_of(sample.key))]
        for kind, secret in sample.planted:
            result.planted[kind] += 1
            if any(secret in text for text, _ in found):
                result.recalled[kind] += 1
            else:
                result.mistakes.append(f"missed {kind} {secret!r} in {sample.key}={sample.text!r}")
        for text, kind in found:
            result.found[kind] += 1
            if any(secret in text or text in secret for _, secret in sample.planted):
                result.right[kind] += 1
            else:
                result.mistakes.append(f"wrong {kind} {text!r} in {sample.key}={sample.text!r}")
    return result
