"""Extension `pidfile`: a file with the number of the collector's process, as long as it runs."""

import os
from pathlib import Path

from collector.api import ComponentConfig, ExtensionFactory, Host, Settings, StartError, option


class Config(ComponentConfig):
    """Writes the number of the collector's process to a file."""

    path: str = option("spanmill.pid", "the file; a relative path starts at the configuration file")


class PidFile:
    """Writes the file and removes it."""

    def __init__(self, config: Config, settings: Settings) -> None:
        self._path = settings.directory / Path(config.path)

    async def start(self, host: Host) -> None:
        """Write the file."""
        try:
            self._path.write_text(f"{os.getpid()}\n")
        except OSError as error:
            raise StartError(f"path: {self._path} cannot be written: {error.strerror}") from error

    async def shutdown(self) -> None:
        """Remove the file."""
        self._path.unlink(missing_ok=True)


FACTORY = ExtensionFactory(type="pidfile", config=Config, create=PidFile)
