"""The options of processor `scrub`."""

from typing import Literal, Self

from pydantic import field_validator, model_validator

from collector.api import ComponentConfig, SecretStr, option
from collector.processing.hashing import HMAC_KEY_SIZES
from collector.processing.patterns import Pattern

Action = Literal["mask", "hash", "drop", "keep"]

_KEY_SIZE = HMAC_KEY_SIZES["hmac-sha256"]


class KindsConfig(ComponentConfig):
    """What to do with each kind: `mask`, `hash`, `drop`, or `keep` for not looking for it; null means `action`."""

    email: Action | None = option(None, "E-mail addresses.")
    credit_card: Action | None = option(None, "Numbers of payment cards that pass Luhn's check.")
    iban: Action | None = option(None, "International bank account numbers with right check digits.")
    ip: Action | None = option(None, "IP addresses of version 4 and 6; `ip_addresses` says which.")
    phone: Action | None = option(None, "Telephone numbers: with `+` and country code, or as `(555) 234-5678`.")
    us_ssn: Action | None = option(None, "US social security numbers, with dashes.")
    jwt: Action | None = option(None, "JSON Web Tokens.")
    api_key: Action | None = option(None, "Keys and tokens in the shapes of well-known issuers.")
    private_key: Action | None = option(None, "Private keys in PEM blocks.")
    authorization: Action | None = option(None, "Credentials behind `Bearer` and `Basic`.")
    url_credentials: Action | None = option(None, "User and password in URLs and data source names.")
    secret: Action | None = option(
        None, 'Values behind telling names: `?token=`, `password=`, `"api_key":`, the attribute `db.password`.'
    )
    sql: Action | None = option(None, "Literals of SQL statements in the attributes of `sql_keys`.")


class CustomKind(ComponentConfig):
    """A kind of one's own."""

    name: str = option(..., "Name of the kind, as metrics show it.", pattern="^[a-z][a-z0-9_]{0,62}$")
    pattern: str = option(
        ..., "RE2 pattern of what must go. Matches anywhere in a text, so `\\b` at both ends is a good idea."
    )
    action: Action | None = option(None, "What to do with it; null means the `action` of all.")

    @field_validator("pattern")
    @classmethod
    def _is_usable(cls, text: str) -> str:
        if Pattern(text).matches(""):
            raise ValueError(
                f'"{text}" matches the empty text, so it would be found everywhere: let it match something'
            )
        return text


class Config(ComponentConfig):
    r"""Finds personal data and secrets by what they look like, and masks, hashes or drops them.

    ```yaml
    kinds: {ip: hash, us_ssn: keep}
    hash_key: ${env:SCRUB_KEY:-an-example-of-thirty-two-bytes-or-more}
    allowed_keys: [k8s.*, "*.version"]
    custom_kinds:
      - {name: employee, pattern: '\bE-[0-9]{6}\b'}
    ```
    """

    action: Action = option("mask", "What to do with every kind that says nothing else.")
    kinds: KindsConfig = option(KindsConfig, "Kinds that are treated differently.")
    custom_kinds: list[CustomKind] = option([], "Kinds of one's own, beside the built-in ones.")
    allowed_keys: list[str] = option(
        [], "Keys of attributes and map entries that are left as they are; `*` stands for any characters."
    )
    sql_keys: list[str] = option(["db.statement", "db.query.text"], "Keys of attributes that hold SQL statements.")
    ip_addresses: Literal["public", "all"] = option(
        "public", "Which IP addresses: `public` leaves those of private and local networks."
    )
    reveal: bool = option(
        False, "Leave a part readable when masking: an e-mail's domain, a card's last four digits, an IP's network."
    )
    hash_key: SecretStr = option(
        SecretStr(""), f"Key of the hashes (HMAC-SHA-256), {_KEY_SIZE} bytes or more; needed by `hash`."
    )
    report_attribute: str = option(
        "", "Attribute that lists the kinds that were found, on what they were found in; empty for none."
    )

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [*KindsConfig.model_fields, *(custom.name for custom in self.custom_kinds)]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f'custom_kinds: there is a kind "{name}" already: choose another name')
        return self

    @model_validator(mode="after")
    def _keyed(self) -> Self:
        size = len(self.hash_key.get_secret_value().encode())
        if "hash" in self.actions.values() and size < _KEY_SIZE:
            raise ValueError(f"hash_key must be at least {_KEY_SIZE} bytes long for the action hash, but has {size}")
        return self

    @property
    def actions(self) -> dict[str, Action]:
        """The kinds that are looked for, with what is done to each."""
        wanted = dict(self.kinds) | {custom.name: custom.action for custom in self.custom_kinds}
        chosen: dict[str, Action] = {name: action or self.action for name, action in wanted.items()}
        return {name: action for name, action in chosen.items() if action != "keep"}
