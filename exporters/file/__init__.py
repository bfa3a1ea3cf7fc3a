"""Exporter `file`: writes batches to files, for archives, debugging and replay.

`collector.data.framing` describes the files and reads them.
"""

import asyncio
import errno
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from collector.api import ExporterFactory, Host, PartialError, PermanentError, RetryableError, Settings, StartError
from collector.data import Batch, Signal
from collector.data.framing import Framing
from collector.data.messages import DecodeError
from exporters.file.config import Config
from exporters.file.grouping import OpenFiles, PathTemplate, group
from exporters.file.output import Output

__all__ = ["FACTORY", "Config", "FileExporter"]

_FULL = (errno.ENOSPC, errno.EDQUOT)
# What a name that came with the data may be, and the operator cannot change.
_IMPOSSIBLE = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG)


class FileExporter:
    """Has each batch in a file before it is acknowledged.

    Encoding and writing happen in one thread: a slow disk does not stop the event loop, and records do not mix.
    """

    def __init__(self, config: Config, settings: Settings) -> None:
        self._config = config
        self._settings = settings
        self._framing = Framing(config.format, compressed=config.compressed, level=config.compression_params.level)
        self._template = (
            PathTemplate(config.path, config.group_by.resource_attribute) if config.group_by.enabled else None
        )
        self._only_path = Path(config.path)
        self._files = OpenFiles(self._open, config.group_by.max_open_files)
        self._worker: ThreadPoolExecutor | None = None

    async def start(self, host: Host) -> None:  # noqa: ARG002 - the contract's arguments
        """Open the file; which files a group needs, batches tell."""
        if self._template is None:
            try:
                _ = self._files[self._only_path]
            except OSError as error:
                advice = (
                    "create the directory, or set create_directory"
                    if error.errno == errno.ENOENT
                    else "name a writable file"
                )
                raise StartError(f"path: cannot write to {self._only_path} ({error.strerror}): {advice}") from error
        self._worker = ThreadPoolExecutor(1, thread_name_prefix=str(self._settings.id))

    def _open(self, path: Path) -> Output:
        if self._config.create_directory or self._template is not None:
            path.parent.mkdir(mode=self._config.directory_mode, parents=True, exist_ok=True)
        output = Output(path, self._framing, self._config.rotation, self._settings.clock, self._settings.logger)
        output.open(append=self._config.append or self._config.rotation is not None or self._template is not None)
        return output

    async def push(self, batch: Batch) -> None:
        """Write a batch.

        Raises:
            RetryableError: the disk is full, or another failure of the file system. Files are as they were, but of a
                batch that goes to several files some may have their part.
            PartialError: with `group_by`, resources without the attribute or with one that cannot name a file.
            PermanentError: the batch is malformed.

        """
        if self._worker is None:
            raise RetryableError("the file exporter does not run", reason="shutdown")
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._worker, self._write, batch.signal, batch.payload)

    def _write(self, signal: Signal, payload: bytes) -> None:
        try:
            rejected = self._write_parts(signal, payload)
        except OSError as error:
            raise RetryableError(
                f"cannot write to {error.filename or self._config.path}: {error.strerror}",
                reason="disk_full" if error.errno in _FULL else "write_failed",
            ) from error
        except (DecodeError, ValueError) as error:
            raise PermanentError(str(error), reason="malformed") from error
        if rejected:
            raise PartialError(
                f"the resource attribute {self._config.group_by.resource_attribute} is missing or names no file",
                rejected=rejected,
                reason="no_path",
            )

    def _write_parts(self, signal: Signal, payload: bytes) -> int:
        """Write what belongs to each file; return how many items belong to none."""
        if self._template is None:
            self._files[self._only_path].write(self._framing.record(signal, payload))
            return 0
        rejected = 0
        for path, part in group(payload, self._template).items():
            try:
                output = None if path is None else self._files[path]
            except OSError as error:
                if error.errno not in _IMPOSSIBLE:
                    raise
                output = None  # the next attempt would not find it otherwise
            if output is None:
                rejected += Batch(signal, part).count
            else:
                output.write(self._framing.record(signal, part))
        return rejected

    async def shutdown(self) -> None:
        """Write what was begun, then close the files."""
        worker, self._worker = self._worker, None
        if worker is not None:
            await asyncio.get_running_loop().run_in_executor(worker, self._files.close)
            worker.shutdown()


def create(config: Config, settings: Settings) -> FileExporter:
    """Build the exporter."""
    return FileExporter(config, settings)


FACTORY = ExporterFactory(type="file", config=Config, create=create)
