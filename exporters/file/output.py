"""One file that records are added to: whole or not at all, rotated by size, with old files deleted."""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from collector.api import Clock
from collector.data.framing import Framing
from exporters.file.config import RotationConfig

_STAMP = "%Y-%m-%dT%H-%M-%S"
_FILE_MODE = 0o600


class Output:
    """A file that is open for writing.

    There is no buffer: what `write` returned from survives the end of this process. Every method may raise `OSError`.
    """

    def __init__(
        self,
        path: Path,
        framing: Framing,
        rotation: RotationConfig | None,
        clock: Clock,
        logger: structlog.typing.FilteringBoundLogger,
    ) -> None:
        self._path = path
        self._framing = framing
        self._rotation = rotation
        self._clock = clock
        self._logger = logger
        self._file: int | None = None
        self._regular = True
        self._size = 0

    def open(self, *, append: bool) -> None:
        """Open the file, to add to what is there or to replace it."""
        if append and self._damaged():
            backup = self._move_aside()
            self._logger.warning("the file ends with a part of a record and was moved aside", backup=str(backup))
        self._open(0 if append else os.O_TRUNC)
        if self._rotation is not None:
            self._prune(self._rotation)

    def write(self, record: bytes) -> None:
        """Add a record; where that fails, the file is as it was before."""
        file = self._file_for(len(record))
        rest = memoryview(record)
        try:
            while rest:
                rest = rest[os.write(file, rest) :]
        except OSError as error:
            if self._regular:
                with suppress(OSError):
                    os.ftruncate(file, self._size)
            raise OSError(error.errno, error.strerror, str(self._path)) from error
        self._size += len(record)

    def close(self) -> None:
        """Close the file; more than once does no harm."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _open(self, flags: int = 0) -> int:
        file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | flags, _FILE_MODE)
        status = os.fstat(file)
        self._file, self._regular, self._size = file, stat.S_ISREG(status.st_mode), status.st_size
        return file

    def _file_for(self, size: int) -> int:
        """Return the file that a record of this size goes to, which may have to be a new one."""
        file = self._open() if self._file is None else self._file  # none: an attempt to rotate failed half-way
        if self._rotation is None or not self._size or self._size + size <= self._rotation.max_bytes:
            return file
        self.close()
        self._move_aside()
        file = self._open()
        self._prune(self._rotation)
        return file

    def _damaged(self) -> bool:
        if not self._path.is_file():
            return False
        with self._path.open("rb", buffering=0) as file:
            return not self._framing.ends_whole(file)

    def _move_aside(self) -> Path:
        """Rename the file as the Go collector does: `name-2006-01-02T15-04-05.000.ext`."""
        time = datetime.fromtimestamp(self._clock.time_ns() / 1e9, UTC)
        if self._rotation is not None and self._rotation.localtime:
            time = time.astimezone()
        while (backup := self._backup_path(time)).exists():
            time += timedelta(milliseconds=1)
        self._path.rename(backup)
        return backup

    def _backup_path(self, time: datetime) -> Path:
        stamp = f"{time:{_STAMP}}.{time.microsecond // 1000:03}"
        return self._path.with_name(f"{self._path.stem}-{stamp}{self._path.suffix}")

    def _prune(self, rotation: RotationConfig) -> None:
        """Delete old files that are too many or too old; one that cannot be deleted is left."""
        backups = sorted(self._backups(), reverse=True)
        zone = None if rotation.localtime else UTC
        oldest = datetime.fromtimestamp(self._clock.time_ns() / 1e9, zone).replace(tzinfo=None)
        oldest -= timedelta(days=rotation.max_days)
        for number, (time, path) in enumerate(backups, 1):
            too_many = rotation.max_backups and number > rotation.max_backups
            too_old = rotation.max_days and time < oldest
            if too_many or too_old:
                try:
                    path.unlink(missing_ok=True)
                except OSError as error:
                    self._logger.warning("an old file cannot be deleted", path=str(path), error=str(error))

    def _backups(self) -> Iterator[tuple[datetime, Path]]:
        start, end = f"{self._path.stem}-", self._path.suffix
        for path in self._path.parent.iterdir():
            if path.name.startswith(start) and path.name.endswith(end):
                with suppress(ValueError):
                    yield datetime.strptime(path.name[len(start) : len(path.name) - len(end)], f"{_STAMP}.%f"), path  # noqa: DTZ007 - names tell no zone
