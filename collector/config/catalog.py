"""What binding a configuration needs to know about components."""

from typing import Protocol

from collector.api import AnyFactory, Kind


class CatalogError(Exception):
    """A component is known but cannot be used; the message says why and what to do."""


class Catalog(Protocol):
    """The components there are. `collector.runtime.registry` has the one that is used outside tests."""

    def find(self, kind: Kind, type: str) -> AnyFactory | None:  # noqa: A002 - the word in configuration files
        """Return the factory for a type or for one of its older spellings, or None.

        Raises:
            CatalogError: the type is known but cannot be used.

        """

    def planned(self, kind: Kind, type: str) -> bool:  # noqa: A002
        """Return whether a component of this type is announced but not built yet."""

    def foreign(self, kind: Kind, type: str) -> bool:  # noqa: A002
        """Return whether only the OpenTelemetry Collector has a component of this type."""

    def known(self, kind: Kind) -> list[str]:
        """Return every type and older spelling that may be meant by a misspelled one, also where it cannot be used."""

    def types(self, kind: Kind) -> list[str]:
        """Return the types that can be used now."""
