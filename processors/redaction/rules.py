"""The rules of processor `redaction`, applied to attributes and log bodies."""

import enum

from collector.data import value_of
from collector.data.messages import ProtoMessage
from collector.processing.hashing import replacement
from collector.processing.patterns import Pattern, PatternSet, compile_patterns, quote
from collector.processing.urls import sanitize_url
from collector.processing.values import as_text
from processors.redaction.config import Config
from processors.redaction.summary import SUMMARY_KEYS, Findings

# Keys and short values repeat from message to message; the bounds are for senders that make them up.
_REMEMBERED_KEYS = 10_000
_REMEMBERED_VALUES = 10_000
_LONGEST_REMEMBERED = 128  # characters of a value or key


class Verdict(enum.Enum):
    """What becomes of an attribute, as far as its key says."""

    IGNORE = enum.auto()
    REMOVE = enum.auto()
    MASK = enum.auto()
    CHECK = enum.auto()


class Rules:
    """Decides about keys and values: ignored keys first, then keys that are not allowed, then what is blocked.

    An allowed value is left as it is, and in attributes also under a blocked key.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._allowed_keys = frozenset(config.allowed_keys) | SUMMARY_KEYS
        self._ignored_keys = frozenset(config.ignored_keys)
        self._ignored_key_patterns = compile_patterns(config.ignored_key_patterns)
        self._blocked_key_patterns = compile_patterns(config.blocked_key_patterns)
        self._blocked_values = compile_patterns(config.blocked_values)
        self._allowed_values = compile_patterns(config.allowed_values)
        self._has_allowed_values = bool(config.allowed_values)
        self._checks_empty = self._blocked_values.matches("") or self._allowed_values.matches("")
        self._replace = replacement(config.hash_function, config.hmac_key.get_secret_value())
        urls = config.url_sanitizer
        self._url_keys = frozenset(urls.attributes if urls.enabled else ())
        self._urls_in_bodies = urls.enabled and urls.sanitize_log_body
        self._verdicts: dict[str, Verdict] = {}
        # Values that are neither blocked nor allowed. Others are not remembered: what is sensitive is not kept.
        self._harmless: set[str] = set()

    def telltale(self, *, summary: bool) -> PatternSet | None:
        """Return patterns that match in the bytes of every message that is not left as it is, or None.

        With a summary, what is allowed or ignored counts as well. There are none such where attributes may change
        without a pattern (allowed keys, URLs), where numbers are matched by their text, or where what stands around a
        value would matter to a pattern.
        """
        config = self._config
        if not config.allow_all_keys or config.redact_all_types or config.url_sanitizer.enabled:
            return None
        patterns = [*self._blocked_values.patterns, *self._blocked_key_patterns.patterns]
        if summary:
            patterns += [*self._allowed_values.patterns, *self._ignored_key_patterns.patterns]
            patterns += [Pattern(quote(key)) for key in config.ignored_keys]
        result = PatternSet(patterns)
        return result if result.scans_messages else None

    def scrub(self, attributes: ProtoMessage) -> Findings:
        """Apply the rules to a list of attributes."""
        findings = Findings()
        removed = []
        for index, pair in enumerate(attributes):
            key = pair.key
            verdict = self._verdict(key)
            if verdict is Verdict.CHECK:
                self._check_attribute(key, pair.value, findings)
            elif verdict is Verdict.IGNORE:
                findings.ignored.append(key)
            elif verdict is Verdict.MASK:
                self._mask_attribute(key, pair.value, findings)
            else:
                findings.redacted.append(key)
                removed.append(index)
        for index in reversed(removed):
            del attributes[index]
        return findings

    def scrub_body(self, body: ProtoMessage) -> Findings:
        """Apply the rules to a log body. Findings name paths in it, such as `user.cards.[0]`, or `body` itself."""
        findings = Findings()
        if body.WhichOneof("value") in ("kvlist_value", "array_value"):
            self._scrub_value("", body, findings)
        elif self._check_text(body, as_text(value_of(body)), urls=self._urls_in_bodies) is Verdict.MASK:
            findings.masked.append("body")
        return findings

    def allows(self, text: str) -> bool:
        """Return whether a text is an allowed value."""
        return self._has_allowed_values and self._allowed_values.matches(text)

    def _verdict(self, key: str) -> Verdict:
        verdict = self._verdicts.get(key)
        if verdict is None:
            verdict = self._judge(key)
            if len(key) <= _LONGEST_REMEMBERED:
                if len(self._verdicts) >= _REMEMBERED_KEYS:
                    self._verdicts.clear()
                self._verdicts[key] = verdict
        return verdict

    def _judge(self, key: str) -> Verdict:
        if key in self._ignored_keys or self._ignored_key_patterns.matches(key):
            return Verdict.IGNORE
        if not self._config.allow_all_keys and key not in self._allowed_keys:
            return Verdict.REMOVE
        return Verdict.MASK if self._blocked_key_patterns.matches(key) else Verdict.CHECK

    def _attribute_text(self, value: ProtoMessage) -> str:
        """Return the text that patterns see: that of texts only, or of all types."""
        if self._config.redact_all_types:
            return as_text(value_of(value))
        text: str = value.string_value
        return text

    def _check_attribute(self, key: str, value: ProtoMessage, findings: Findings) -> None:
        text = self._attribute_text(value)
        urls = key in self._url_keys
        if (not urls and text in self._harmless) or not (text or self._checks_empty):
            return
        verdict = self._check_text(value, text, urls=urls)
        if verdict is Verdict.MASK:
            findings.masked.append(key)
        elif verdict is Verdict.IGNORE:
            findings.allowed.append(key)
        elif not urls:
            self._remember(text)

    def _remember(self, harmless: str) -> None:
        if len(harmless) <= _LONGEST_REMEMBERED:
            if len(self._harmless) >= _REMEMBERED_VALUES:
                self._harmless.clear()
            self._harmless.add(harmless)

    def _mask_attribute(self, key: str, value: ProtoMessage, findings: Findings) -> None:
        text = self._attribute_text(value)
        if self.allows(text):
            findings.allowed.append(key)
            return
        value.string_value = self._replace(text)
        findings.masked.append(key)

    def _check_text(self, value: ProtoMessage, text: str, *, urls: bool) -> Verdict:
        """Mask what is blocked in the text of a value; return IGNORE for an allowed value, MASK where it changed."""
        if self.allows(text):
            return Verdict.IGNORE
        clean = self._blocked_values.replace(text, self._replace)
        if urls and clean:
            clean = sanitize_url(clean)
        if clean == text:
            return Verdict.CHECK
        value.string_value = clean
        return Verdict.MASK

    def _scrub_value(self, path: str, value: ProtoMessage, findings: Findings) -> None:
        """Apply the rules to a value inside a log body; scalars are checked by their text."""
        prefix = f"{path}." if path else ""
        match value.WhichOneof("value"):
            case "kvlist_value":
                self._scrub_map(prefix, value.kvlist_value.values, findings)
            case "array_value":
                for index, member in enumerate(value.array_value.values):
                    self._scrub_value(f"{prefix}[{index}]", member, findings)
            case _:
                verdict = self._check_text(value, as_text(value_of(value)), urls=self._urls_in_bodies)
                if verdict is Verdict.MASK:
                    findings.masked.append(path)
                elif verdict is Verdict.IGNORE:
                    findings.allowed.append(path)

    def _scrub_map(self, prefix: str, pairs: ProtoMessage, findings: Findings) -> None:
        removed = []
        for index, pair in enumerate(pairs):
            path = f"{prefix}{pair.key}"
            match self._verdict(pair.key):
                case Verdict.CHECK:
                    self._scrub_value(path, pair.value, findings)
                case Verdict.IGNORE:
                    findings.ignored.append(path)
                case Verdict.REMOVE:
                    findings.redacted.append(path)
                    removed.append(index)
                case Verdict.MASK:
                    pair.value.string_value = self._replace(pair.value.string_value)
                    findings.masked.append(path)
        for index in reversed(removed):
            del pairs[index]
