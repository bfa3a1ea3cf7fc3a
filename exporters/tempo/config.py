"""The configuration of the exporter `tempo`, and the blocks that it makes for the client of either protocol."""

import base64
import re
from collections.abc import Sequence
from typing import Final, Literal, Self

from pydantic import field_validator, model_validator

from collector.api import ComponentConfig, SecretStr, option
from collector.delivery import DeliveryConfig
from collector.net.compressor import check_level
from collector.net.grpc_client_config import GrpcClientConfig, require_endpoint, target_of
from collector.net.http_client_config import HttpClientConfig, check_url

TENANT_HEADER: Final = "x-scope-orgid"
# https://grafana.com/docs/tempo/latest/configuration/tenant-ids/
_TENANT = re.compile(r"(?!\.{1,2}$)[0-9A-Za-z!_.*'()-]{1,150}", re.ASCII)
# Options that clients of both protocols have with the same meaning; they stand beside `http`, not in it.
_COMMON = ("endpoint", "tls", "headers", "compression", "auth", "middlewares")
_ONLY_GRPC = sorted(GrpcClientConfig.model_fields.keys() - {*_COMMON})


def _changed(block: ComponentConfig, names: Sequence[str]) -> list[str]:
    """Return which of some options have other values than their defaults; `print-config` writes those out, too."""
    fields = type(block).model_fields
    return [name for name in names if getattr(block, name) != fields[name].get_default(call_default_factory=True)]


def is_tenant(text: str) -> bool:
    """Return whether Tempo takes a text as the name of a tenant."""
    return _TENANT.fullmatch(text) is not None


class BasicAuthConfig(ComponentConfig):
    """User and password, as HTTP's basic authentication has them."""

    username: str = option(description="The user; for Grafana Cloud the number of the Tempo instance.")
    password: SecretStr = option(description="The password; for Grafana Cloud a token that may write traces.")

    @field_validator("username")
    @classmethod
    def _check_username(cls, value: str) -> str:
        if not value or ":" in value:
            raise ValueError("must not be empty nor have a colon")
        return value


class Config(DeliveryConfig, GrpcClientConfig):
    """Sends traces to Grafana Tempo, as OTLP over gRPC or HTTP, for one tenant or many.

    ```yaml
    endpoint: tempo:4317
    tls:
      insecure: true
    tenant: shop
    ```
    """

    endpoint: str = option(
        "",
        "Where Tempo takes OTLP: `host:port`; with protocol `http` a URL, to which /v1/traces is added, such as "
        "`https://tempo.example.com:4318`.",
    )
    protocol: Literal["grpc", "http"] = option("grpc", "How requests are sent.")
    http: HttpClientConfig | None = option(
        None,
        "What only the HTTP client has, for protocol `http`. Write endpoint, tls, headers, compression, auth and "
        "middlewares beside it, not in it.",
    )
    tenant: str = option("", "The tenant (`X-Scope-OrgID`) of all spans, or of those for which no other is found.")
    tenant_from_resource: str = option(
        "", "A resource attribute that names the tenant; a batch is divided by it, and each part sent to its tenant."
    )
    tenant_from_metadata: str = option(
        "",
        "A header of incoming requests that names the tenant where no resource attribute does; the receiver needs "
        "`include_metadata`.",
    )
    basic_auth: BasicAuthConfig | None = option(None, "User and password to send with every request.")
    bearer_token: SecretStr = option(SecretStr(""), "Token to send with every request as `Authorization: Bearer`.")
    max_request_bytes: int = option(
        4_000_000,
        "Divide what is larger into several requests; 0 never divides. Tempo's OTLP receiver takes 4 MiB over gRPC "
        "(`max_recv_msg_size_mib`) and 20 MiB over HTTP unless it is told otherwise.",
        ge=0,
    )

    @field_validator("endpoint")
    @classmethod
    def _check_endpoint(cls, value: str) -> str:
        # In the place of the gRPC client's check: what is right depends on the protocol, see `_check_protocol`.
        return value

    @field_validator("tenant")
    @classmethod
    def _check_tenant(cls, value: str) -> str:
        if value and not is_tenant(value):
            raise ValueError("is no name of a tenant: use up to 150 letters, digits and !-_.*'(), but not . or ..")
        return value

    @field_validator("tenant_from_metadata")
    @classmethod
    def _lower(cls, value: str) -> str:
        return value.lower()

    @model_validator(mode="after")
    def _check_protocol(self) -> Self:
        require_endpoint(self)
        if self.protocol == "grpc":
            target_of(self.endpoint)
            if self.http is not None:
                raise ValueError("http: these options are for protocol http: set protocol: http, or remove them")
            return self
        check_url(self.endpoint)
        if alien := _changed(self, _ONLY_GRPC):
            raise ValueError(f"{alien[0]}: this option is for protocol grpc: remove it")
        if self.http is not None:
            if doubled := _changed(self.http, _COMMON):
                raise ValueError(f"http.{doubled[0]}: write {doubled[0]} beside http, not in it")
            check_level(self.compression, self.http.compression_params.level)
        return self

    @model_validator(mode="after")
    def _check_credentials(self) -> Self:
        headers = {name.lower() for name in self.headers}
        given = {
            "auth": self.auth is not None,
            "basic_auth": self.basic_auth is not None,
            "bearer_token": bool(self.bearer_token.get_secret_value()),
            "headers.authorization": "authorization" in headers,
        }
        if len(names := [name for name, is_given in given.items() if is_given]) > 1:
            raise ValueError(f"{' and '.join(names)} say who sends: keep one of them")
        if TENANT_HEADER in headers and (self.tenant or self.tenant_from_resource or self.tenant_from_metadata):
            raise ValueError("headers has X-Scope-OrgID, which names the tenant, too: remove it there")
        return self

    @model_validator(mode="after")
    def _check_partition(self) -> Self:
        batch = self.sending_queue.batch if self.sending_queue is not None else None
        key = self.tenant_from_metadata
        if key and batch is not None and key not in batch.partition.metadata_keys:
            raise ValueError(
                f"sending_queue.batch merges requests of all tenants: add {key} to its partition.metadata_keys"
            )
        return self

    def signed(self) -> Self:
        """Return the configuration with the credentials in `headers`."""
        headers = dict(self.headers)
        if token := self.bearer_token.get_secret_value():
            headers["Authorization"] = SecretStr(f"Bearer {token}")
        if self.basic_auth is not None:
            pair = f"{self.basic_auth.username}:{self.basic_auth.password.get_secret_value()}"
            headers["Authorization"] = SecretStr(f"Basic {base64.b64encode(pair.encode()).decode()}")
        return self.model_copy(update={"headers": headers})

    @property
    def http_client(self) -> HttpClientConfig:
        """The block of the HTTP client."""
        common = {name: getattr(self, name) for name in _COMMON}
        return (self.http or HttpClientConfig()).model_copy(update=common | {"endpoint": check_url(self.endpoint)})
