"""The options of processor `redaction`."""

from typing import Annotated, Any, Literal, Self

from pydantic import field_validator, model_validator

from collector.api import Caveat, ComponentConfig, SecretStr, option
from collector.processing.hashing import HMAC_KEY_SIZES, HashFunction
from collector.processing.patterns import Pattern


class UrlSanitizerConfig(ComponentConfig):
    """Which URLs lose what varies in them: ids in the path, query and fragment."""

    enabled: bool = option(False, "Replace ids in URLs by `*`.")
    attributes: list[str] = option([], "Attributes that hold URLs, such as `url.full`.")
    sanitize_span_name: bool = option(True, "Sanitize the names of client and server spans that look like HTTP, too.")
    sanitize_log_body: bool = option(True, "Sanitize the texts in log bodies, too.")


def _unbuilt(enabled: object) -> str | None:
    return "is not built yet: the collector will not start" if enabled is True else None


class DatabaseConfig(ComponentConfig):
    """Which commands of one kind of database lose their literals; not built yet."""

    enabled: Annotated[bool, Caveat(_unbuilt)] = option(
        False, "Replace literals in commands. Not built yet: must stay false."
    )
    attributes: list[str] = option([], "Attributes that hold commands.")


class DatabaseSanitizerConfig(ComponentConfig):
    """Which database commands lose their literals; not built yet."""

    sql: DatabaseConfig = option(DatabaseConfig, "Commands of SQL databases.")
    redis: DatabaseConfig = option(DatabaseConfig, "Commands of Redis.")
    valkey: DatabaseConfig = option(DatabaseConfig, "Commands of Valkey.")
    memcached: DatabaseConfig = option(DatabaseConfig, "Commands of Memcached.")
    mongo: DatabaseConfig = option(DatabaseConfig, "Commands of MongoDB.")
    opensearch: DatabaseConfig = option(DatabaseConfig, "Commands of OpenSearch.")
    es: DatabaseConfig = option(DatabaseConfig, "Commands of Elasticsearch.")
    sanitize_span_name: bool = option(True, "Sanitize the names of database spans, too.")

    @property
    def wanted(self) -> list[str]:
        """The databases whose commands are to be sanitized."""
        return [name for name, database in self if isinstance(database, DatabaseConfig) and database.enabled]


class Config(ComponentConfig):
    r"""Removes attributes that are not on a list, and masks or hashes values that must not leave.

    ```yaml
    allow_all_keys: true
    blocked_key_patterns: ['(?i).*(password|secret|token)$']
    blocked_values: ['\b4[0-9]{12}(?:[0-9]{3})?\b']
    summary: info
    ```
    """

    allow_all_keys: bool = option(False, "Keep attributes that are not in `allowed_keys`.")
    allowed_keys: list[str] = option(
        [], "Keys of the attributes to keep. Empty keeps none, unless `allow_all_keys` is true."
    )
    ignored_keys: list[str] = option([], "Keys of attributes that pass unchecked.")
    ignored_key_patterns: list[str] = option([], "RE2 patterns of keys of attributes that pass unchecked.")
    blocked_key_patterns: list[str] = option([], "RE2 patterns of keys whose values are masked, such as `.*token`.")
    blocked_values: list[str] = option(
        [], "RE2 patterns of what is masked inside values, such as `4[0-9]{12}` for card numbers."
    )
    allowed_values: list[str] = option([], "RE2 patterns of values that stay as they are, although blocked.")
    redact_all_types: bool = option(False, "Check values of every type by their text, not only texts.")
    hash_function: HashFunction = option(
        "", "Digest that takes the place of a masked text; empty or `none` for asterisks."
    )
    hmac_key: SecretStr = option(
        SecretStr(""), "Key of `hmac-sha256` (32 bytes or more) and `hmac-sha512` (64 or more)."
    )
    summary: Literal["", "silent", "info", "debug"] = option(
        "", "Attributes that tell what was done: counts (`info`), keys too (`debug`), or none."
    )
    url_sanitizer: UrlSanitizerConfig = option(UrlSanitizerConfig, "Removes ids from URLs.")
    db_sanitizer: DatabaseSanitizerConfig = option(
        DatabaseSanitizerConfig,
        "Accepted for compatibility while it enables nothing; literals in database commands are not removed yet.",
    )

    @field_validator("hash_function", mode="before")
    @classmethod
    def _any_case(cls, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value

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
