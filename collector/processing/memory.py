"""How much memory this process has, how much it may have, and giving back what it does not need.

Control groups: https://docs.kernel.org/admin-guide/cgroup-v2.html (`memory.max`) and the older version 1
(`memory.limit_in_bytes`).
"""

import ctypes
import gc
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
# Version 1 writes "no limit" as the largest multiple of a page; anything near it is none.
_UNLIMITED = 1 << 60
_ROOT = Path("/")


def resident_bytes(root: Path = _ROOT) -> int:
    """Return the memory that this process occupies now; where the system does not tell, the most it ever did."""
    try:
        return int((root / "proc/self/statm").read_text().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def available_bytes(root: Path = _ROOT) -> int:
    """Return the memory that this process may have: the limit of its control groups, or what the machine has.

    Raises:
        OSError: the system does not tell.

    """
    return min([_machine_bytes(root), *_cgroup_limits(root)])


def _machine_bytes(root: Path) -> int:
    try:
        for line in (root / "proc/meminfo").read_text().splitlines():
            if line.startswith("MemTotal:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * _PAGE
    except ValueError as error:
        raise OSError("the system does not tell how much memory it has") from error


def _cgroup_limits(root: Path) -> Iterator[int]:
    """Yield the limits of the process's groups and of every group around them, as each of them binds."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    mount = root / "sys/fs/cgroup"
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _limits(mount, path, "memory.max")
        elif "memory" in controllers.split(","):
            yield from _limits(mount / "memory", path, "memory.limit_in_bytes")


def _limits(mount: Path, path: str, name: str) -> Iterator[int]:
    # In a container the path may be that of the host, which is not there: the container's own group is the mount then.
    group = mount / path.lstrip("/")
    for folder in (group, *group.parents):
        try:
            limit = int((folder / name).read_text())
        except (OSError, ValueError):
            limit = _UNLIMITED  # no such file, or the word "max"
        if limit < _UNLIMITED:
            yield limit
        if folder == mount:
            return


def release() -> None:
    """Collect garbage and give free memory back to the system, which the C library would otherwise keep."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
