"""What becomes of a text: by the key that it stands under, and by what is found in it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from collector.processing.hashing import MASK
from collector.processing.patterns import Pattern, PatternSet, compile_patterns, quote
from collector.processing.remembering import LONGEST, remembering
from processors.scrub.config import Config
from processors.scrub.detectors import detectors_of
from processors.scrub.finding import Finder, Finding, without_overlaps
from processors.scrub.masks import Replace, hash_of, mask_of
from processors.scrub.secrets import SECRET_KEY, is_secret
from processors.scrub.sql import literals

_REMEMBERED_KEYS = 10_000
_REMEMBERED_TEXTS = 10_000
# Keys of four numbers that are no address: `service.version`, `browser.version`, `os.build_id`.
_VERSION_KEY = "(?i:version)"


@dataclass(slots=True, eq=False)
class KeyRule:
    """What a key says about its value.

    `harmless` are texts without a finding under such a key, for many repeat. Others are not remembered: what is
    sensitive is not kept.
    """

    is_allowed: bool = False
    is_secret: bool = False
    is_sql: bool = False
    is_version: bool = False
    harmless: set[str] = field(default_factory=set)


class Rules:
    """Scrubs texts, and adds the kind of each finding to a list of the caller's.

    What the caller is to drop comes back as None. Rules may be used in several threads at once.
    """

    def __init__(self, config: Config) -> None:
        self._actions = config.actions
        self._finder = Finder(detectors_of(config))
        self._replacements = {kind: _replacement(kind, config) for kind in self._actions}
        self._allowed_keys = _globs(config.allowed_keys)
        self._sql_keys = frozenset(config.sql_keys if "sql" in self._actions else ())
        self._secret_key = Pattern(SECRET_KEY)
        self._version_key = Pattern(_VERSION_KEY)
        self._rules: dict[tuple[bool, ...], KeyRule] = {}
        self.rule_of = remembering(self._rule_of, _REMEMBERED_KEYS)
        # What stands under no key: names and bodies.
        self.no_key = KeyRule()

    def find(self, raw: bytes, rule: KeyRule) -> list[Finding]:
        """Return what must go from bytes, of which any part may be UTF-8, in order and without overlaps."""
        if rule.is_secret and is_secret(raw):
            return [(0, len(raw), "secret")]
        found = self._finder.find(raw)
        if rule.is_sql:
            return without_overlaps([*literals(raw), *found])
        if rule.is_version:
            return [finding for finding in found if finding[2] != "ip"]
        return found

    def scrub_text(self, text: str, rule: KeyRule, kinds: list[str]) -> str | None:
        """Return a text without what must go, or None where it is to be dropped."""
        if text in rule.harmless:
            return text
        raw = text.encode()
        found = self.find(raw, rule)
        if not found:
            _remember(rule.harmless, text)
            return text
        clean = self._replaced(raw, found, kinds)
        return None if clean is None else clean.decode()

    def scrub_bytes(self, raw: bytes, rule: KeyRule, kinds: list[str]) -> bytes | None:
        """Return bytes, of which any part may be UTF-8, without what must go; None where they are to be dropped."""
        found = self.find(raw, rule)
        return self._replaced(raw, found, kinds) if found else raw

    def mask_text(self, text: str, kinds: list[str]) -> str:
        """Return a text without what must go; what is to be dropped is masked, for the text cannot be left out."""
        clean = self.scrub_text(text, self.no_key, kinds)
        return MASK if clean is None else clean

    def _replaced(self, raw: bytes, found: Iterable[Finding], kinds: list[str]) -> bytes | None:
        pieces, end, is_dropped = [], 0, False
        for start, stop, kind in found:
            kinds.append(kind)
            is_dropped |= self._actions[kind] == "drop"
            value = raw[start:stop].decode(errors="replace")
            pieces += [raw[end:start], self._replacements[kind](value).encode()]
            end = stop
        return None if is_dropped else b"".join([*pieces, raw[end:]])

    def _rule_of(self, key: str) -> KeyRule:
        flags = (
            self._allowed_keys.matches(key),
            "secret" in self._actions and self._secret_key.matches(key),
            key in self._sql_keys,
            self._version_key.matches(key),
        )
        return self._rules.setdefault(flags, KeyRule(*flags))


def _remember(texts: set[str], text: str) -> None:
    if len(text) <= LONGEST:
        if len(texts) >= _REMEMBERED_TEXTS:
            texts.clear()
        texts.add(text)


def _replacement(kind: str, config: Config) -> Replace:
    if config.actions[kind] == "hash":
        return hash_of(kind, config.hash_key.get_secret_value())
    return mask_of(kind, reveal=config.reveal)


def _globs(texts: Iterable[str]) -> PatternSet:
    return compile_patterns(f"^{'.*'.join(map(quote, text.split('*')))}$" for text in texts)
