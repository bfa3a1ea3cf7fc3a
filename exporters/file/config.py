"""The options of the `file` exporter, with the Go collector's keys and defaults."""

from typing import Any, Literal, Self

from pydantic import field_validator, model_validator

from collector.api import ComponentConfig, Duration, option


class RotationConfig(ComponentConfig):
    """Begins a new file when one is large enough, and keeps so many old ones."""

    max_megabytes: int = option(100, "Size in MiB that a file may reach; 0 for 100.", ge=0)
    max_days: int = option(0, "Delete old files after this many days of 24 hours; 0 for never.", ge=0)
    max_backups: int = option(100, "How many old files to keep; 0 for all.", ge=0)
    localtime: bool = option(False, "Name old files by the local time instead of UTC.")

    @property
    def max_bytes(self) -> int:
        """The size that a file may reach."""
        return (self.max_megabytes or 100) * 2**20


class GroupByConfig(ComponentConfig):
    """Writes to several files, chosen by an attribute of the resource."""

    enabled: bool = option(False, "Write to one file for each value of the attribute.")
    resource_attribute: str = option(
        "fileexporter.path_segment", "The resource attribute whose value replaces the `*` in `path`."
    )
    max_open_files: int = option(100, "How many files are kept open at one time.", gt=0)


class CompressionParams(ComponentConfig):
    """How hard to compress."""

    level: int = option(3, "The level of zstd, 1 to 22: higher is smaller and slower.", ge=1, le=22)


class Config(ComponentConfig):
    """Writes batches to files, as lines of OTLP/JSON or as records of OTLP.

    ```yaml
    path: ./telemetry.jsonl
    rotation:
      max_megabytes: 100
      max_backups: 5
    ```
    """

    path: str = option("", "The file to write to, relative to the working directory; it replaces what is there.")
    append: bool = option(
        False, "Add to the file instead of replacing it. Rotated and grouped files are always added to."
    )
    format: Literal["json", "proto"] = option("json", "What batches are written as: OTLP/JSON or protobuf.")
    compression: Literal["", "none", "zstd"] = option("", "Compress each batch by itself; empty and `none` do not.")
    compression_params: CompressionParams = option(CompressionParams, "How hard to compress.")
    encoding: str | None = option(None, "Not supported: there are no encoding extensions.")
    flush_interval: Duration = option(
        1.0, "Accepted for compatibility; nothing is held back, each batch is in the file when it is acknowledged."
    )
    rotation: RotationConfig | None = option(None, "Begin a new file when one is large enough.")
    group_by: GroupByConfig = option(GroupByConfig, "Write to several files, chosen by an attribute of the resource.")
    create_directory: bool = option(False, "Create the directory of the file where it is missing.")
    directory_permissions: str = option("", 'Permissions of created directories, an octal text; empty for "0755".')

    @field_validator("format", mode="before")
    @classmethod
    def _check_format(cls, value: Any) -> Any:
        if value not in ("json", "proto"):
            raise ValueError("format type is not supported: use json or proto")
        return value

    @field_validator("compression", mode="before")
    @classmethod
    def _check_compression(cls, value: Any) -> Any:
        if value not in ("", "none", "zstd"):
            raise ValueError("compression is not supported: use zstd or none")
        return value

    @field_validator("encoding")
    @classmethod
    def _check_encoding(cls, value: str | None) -> str | None:
        if value is not None:
            raise ValueError(
                "encoding extensions are not supported: remove `encoding` and set `format` to json or proto"
            )
        return value

    @field_validator("flush_interval")
    @classmethod
    def _check_flush_interval(cls, value: float) -> float:
        if value < 0:
            raise ValueError("flush_interval must be larger than zero")
        return value

    @field_validator("directory_permissions")
    @classmethod
    def _check_permissions(cls, value: str) -> str:
        try:
            permissions = int(value or "0", 8)
        except ValueError:
            raise ValueError(
                'directory_permissions value must be a valid octal representation, such as "0755"'
            ) from None
        if not 0 <= permissions <= 0o777:
            raise ValueError("directory_permissions contain invalid bits for file access: use 0000 to 0777")
        return value

    @model_validator(mode="after")
    def _check_combinations(self) -> Self:
        if not self.path:
            raise ValueError("path must be non-empty: name the file to write to")
        if self.append and self.compressed:
            raise ValueError("append and compression enabled at the same time is not supported")
        if self.append and self.rotation is not None:
            raise ValueError(
                "append and rotation enabled at the same time is not supported: rotated files are added to"
            )
        if self.directory_permissions and not self.create_directory:
            raise ValueError("directory_permissions requires create_directory to be true")
        if self.group_by.enabled:
            self._check_group_by()
        return self

    def _check_group_by(self) -> None:
        if self.path.count("*") != 1:
            raise ValueError("path must contain exactly one * when group_by is enabled")
        if self.path.startswith("*"):
            raise ValueError("path must not start with * when group_by is enabled")
        if not self.group_by.resource_attribute:
            raise ValueError("resource_attribute must not be empty when group_by is enabled")

    @property
    def compressed(self) -> bool:
        """Whether batches are compressed."""
        return self.compression == "zstd"

    @property
    def directory_mode(self) -> int:
        """The permissions of created directories."""
        return int(self.directory_permissions or "0755", 8)
