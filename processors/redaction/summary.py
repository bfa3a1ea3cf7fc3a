"""What processor `redaction` tells about its work: attributes beside those that it changed."""

from dataclasses import dataclass, field

from collector.data import find_attribute, set_attribute
from collector.data.messages import ProtoMessage

_ATTRIBUTES = "redaction."
_BODY = "redaction.body."
_KINDS = ("redacted", "masked", "allowed", "ignored")

# A second processor down the line must let them through.
SUMMARY_KEYS = frozenset(
    f"{prefix}{kind}.{detail}"
    for prefix in (_ATTRIBUTES, _BODY)
    for kind in _KINDS
    for detail in ("keys", "count")
    if (kind, detail) != ("ignored", "keys")
)


@dataclass(slots=True)
class Findings:
    """The keys of one attribute list, or the paths in one log body, by what became of them."""

    redacted: list[str] = field(default_factory=list)
    masked: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    @property
    def changed(self) -> bool:
        """Whether anything was removed or masked."""
        return bool(self.redacted or self.masked)


class Summary:
    """Writes findings as attributes: counts at level `info`, keys too at `debug`, nothing at others."""

    def __init__(self, level: str) -> None:
        self.is_silent = level not in ("info", "debug")
        self._with_keys = level == "debug"

    def write(self, attributes: ProtoMessage, findings: Findings, *, body: bool = False) -> bool:
        """Add findings to the summary that a list of attributes may already have; return whether there were any."""
        if self.is_silent:
            return False
        prefix = _BODY if body else _ATTRIBUTES
        written = False
        for kind in _KINDS:
            keys: list[str] = getattr(findings, kind)
            if keys:
                self._add(attributes, f"{prefix}{kind}", keys)
                written = True
        return written

    def _add(self, attributes: ProtoMessage, name: str, keys: list[str]) -> None:
        if self._with_keys and f"{name}.keys" in SUMMARY_KEYS:
            before = _existing(attributes, f"{name}.keys", "string_value")
            listed = sorted([*keys, *before.split(",")] if before else keys)
            set_attribute(attributes, f"{name}.keys", ",".join(listed))
        count = len(keys) + (_existing(attributes, f"{name}.count", "int_value") or 0)
        set_attribute(attributes, f"{name}.count", count)


def _existing(attributes: ProtoMessage, key: str, kind: str) -> ProtoMessage:
    """Return what a key holds where it is of this kind, its empty value where it is of another."""
    index = find_attribute(attributes, key)
    return None if index < 0 else getattr(attributes[index].value, kind)
