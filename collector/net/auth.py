"""Who may send: the `auth` block of a server and the extension that it names."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias, runtime_checkable

from pydantic import field_validator

from collector.api import ComponentConfig, ComponentId, Host, StartError, option

# Request headers: names in lower case, every value that a name has.
Headers: TypeAlias = Mapping[str, tuple[str, ...]]


class AuthConfig(ComponentConfig):
    """Lets an extension decide who may send."""

    authenticator: str = option(description="The id of the extension, such as `basicauth/server`.")

    @field_validator("authenticator")
    @classmethod
    def _check_id(cls, value: str) -> str:
        ComponentId.parse(value)
        return value


@runtime_checkable
class ServerAuthenticator(Protocol):
    """What an extension has that servers can ask."""

    async def authenticate(self, headers: Headers) -> None:
        """Let a request pass, told by its headers.

        Raises:
            PermanentError: it may not pass; the code is UNAUTHENTICATED or PERMISSION_DENIED.
            RetryableError: that cannot be said now.

        """


def find_authenticator(config: AuthConfig | None, host: Host) -> ServerAuthenticator | None:
    """Return the extension that an `auth` block names, or None without such a block.

    Raises:
        StartError: it does not run, or it is not an authenticator of servers.

    """
    authenticator: ServerAuthenticator | None = find_extension(
        config, host, ServerAuthenticator, "authenticate requests"
    )
    return authenticator


def find_extension(config: AuthConfig | None, host: Host, protocol: type[Any], work: str) -> Any:
    """Return the extension that an `auth` block names, which has what a protocol asks for, or None without a block.

    `work` says what such an extension does, for the message where the one that is named cannot.

    Raises:
        StartError: it does not run, or it has not what the protocol asks for.

    """
    if config is None:
        return None
    extension = host.extension(ComponentId.parse(config.authenticator))
    if extension is None:
        raise StartError(
            f'auth: authenticator: no extension "{config.authenticator}" runs; declare it under extensions and name it '
            "in service.extensions"
        )
    if not isinstance(extension, protocol):
        raise StartError(f'auth: authenticator: the extension "{config.authenticator}" cannot {work}')
    return extension
