"""The options of processor `redaction`."""

from typing import Literal, Self

from pydantic import field_validator, model_validator

from collector.api import ComponentConfig, SecretStr, option
from collector.processing.hashing import HMAC_KEY_SIZES, HashFunction
from collector.processing.patterns import Pattern


class UrlSanitizerConfig(ComponentConfig):
    """Which URLs lose what varies in them: ids in the path, query and fragment."""

    enabled: bool = option(False, "replace ids in URLs by *")
    attributes: list[str] = option([], "attributes that hold URLs")
    sanitize_span_name: bool = option(True, "also the names of client and server spans that look like HTTP")
    sanitize_log_body: bool = option(True, "also the texts in log bodies")


class DatabaseConfig(ComponentConfig):
    """Which commands of one kind of database lose their literals; not built yet."""

    enabled: bool = option(False, "replace literals in commands; not built yet, must stay false")
    attributes: list[str] = option([], "attributes that hold commands")

    @field_validator("enabled")
    @classmethod
    def _not_built(cls, enabled: bool) -> bool:
        if enabled:
            raise ValueError("not built yet: set it to false and mask literals by blocked_values")
        return enabled


class DatabaseSanitizerConfig(ComponentConfig):
    """Which database commands lose their literals; not built yet."""

    sql: DatabaseConfig = option(DatabaseConfig, "SQL")
    redis: DatabaseConfig = option(DatabaseConfig, "Redis")
    valkey: DatabaseConfig = option(DatabaseConfig, "Valkey")
    memcached: DatabaseConfig = option(DatabaseConfig, "Memcached")
    mongo: DatabaseConfig = option(DatabaseConfig, "MongoDB")
    opensearch: DatabaseConfig = option(DatabaseConfig, "OpenSearch")
    es: DatabaseConfig = option(DatabaseConfig, "Elasticsearch")
    sanitize_span_name: bool = option(True, "also the names of database spans")


class Config(ComponentConfig):
    """Removes attributes that are not on a list, and masks or hashes values that must not leave."""

    allow_all_keys: bool = option(False, "keep attributes that are not in allowed_keys")
    allowed_keys: list[str] = option([], "keys of the attributes to keep; where it is empty, none stays")
    ignored_keys: list[str] = option([], "keys of attributes that pass unchecked")
    ignored_key_patterns: list[str] = option([], "RE2 patterns of keys of attributes that pass unchecked")
    blocked_key_patterns: list[str] = option([], "RE2 patterns of keys whose values are masked")
    blocked_values: list[str] = option([], "RE2 patterns of what is masked inside values")
    allowed_values: list[str] = option([], "RE2 patterns of values that stay as they are, although blocked")
    redact_all_types: bool = option(False, "check values of every type by their text, not only texts")
    hash_function: HashFunction = option("", "digest that takes the place of a masked text, instead of asterisks")
    hmac_key: SecretStr = option(SecretStr(""), "key of hmac-sha256 (32 bytes or more) and hmac-sha512 (64 or more)")
    summary: Literal["", "silent", "info", "debug"] = option(
        "", "attributes that tell what was done: counts (info), also keys (debug), or none"
    )
    url_sanitizer: UrlSanitizerConfig = option(UrlSanitizerConfig, "removal of ids from URLs")
    db_sanitizer: DatabaseSanitizerConfig = option(DatabaseSanitizerConfig, "removal of literals from commands")

    @field_validator("ignored_key_patterns", "blocked_key_patterns", "blocked_values", "allowed_values")
    @classmethod
    def _compilable(cls, texts: list[str]) -> list[str]:
        for text in texts:
            Pattern(text)
        return texts

    @model_validator(mode="after")
    def _keyed(self) -> Self:
        size = HMAC_KEY_SIZES.get(self.hash_function, 0)
        key = self.hmac_key.get_secret_value().encode()
        if size and not key:
            raise ValueError(f"hmac_key must not be empty when hash_function is {self.hash_function}")
        if len(key) < size:
            raise ValueError(
                f"hmac_key must be at least {size} bytes long when hash_function is {self.hash_function}, "
                f"but has {len(key)}"
            )
        return self
