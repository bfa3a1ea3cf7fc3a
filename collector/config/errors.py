"""What is wrong with a configuration, and where."""

from collections.abc import Sequence
from dataclasses import dataclass

from collector.config.nodes import Origin


@dataclass(frozen=True, slots=True)
class Finding:
    """A remark about one place: `gateway.yaml:12: exporters.otlp.endpoint: is required`."""

    path: str
    message: str
    origin: Origin | None = None

    def __str__(self) -> str:
        place = "" if self.origin is None else str(self.origin)
        return ": ".join(part for part in (place, self.path, self.message) if part)


class ConfigError(Finding):
    """A reason why the configuration cannot run."""


class ConfigWarning(Finding):
    """Something that runs, but probably not as meant."""


class ConfigErrors(Exception):  # noqa: N818 - it holds many
    """Every reason why a configuration cannot run, in the order of the file.

    `warnings` may tell where the errors come from, such as that a variable is not set.
    """

    def __init__(self, errors: Sequence[ConfigError], warnings: Sequence[ConfigWarning] = ()) -> None:
        super().__init__("\n".join(map(str, errors)))
        self.errors = list(errors)
        self.warnings = list(warnings)
