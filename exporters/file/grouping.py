"""Which file a resource belongs to, and a bounded number of open files."""

import os
import re
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from collector.data import find_attribute
from collector.data.messages import Resource
from collector.data.shell import RequestShell
from exporters.file.output import Output

_UNSAFE = re.compile(r"[\x00-\x1f\x7f]")
# In bytes; file systems take 255, and the names of rotated files are longer.
_LONGEST_NAME = 200


class PathTemplate:
    """A path with one `*`, which the value of a resource attribute replaces."""

    def __init__(self, template: str, attribute: str) -> None:
        self._before, _, self._after = template.partition("*")
        self._attribute = attribute

    def path_of(self, resource: bytes) -> Path | None:
        """Return the path for a serialized resource, or None where it has no text in the attribute that makes a name.

        The value may have slashes; whatever it is, the path stays below what stands before the `*`.
        """
        attributes = Resource.FromString(resource).attributes
        index = find_attribute(attributes, self._attribute)
        if index < 0 or attributes[index].value.WhichOneof("value") != "string_value":
            return None
        # Without these the path can only go down from where the template begins.
        parts = [part for part in attributes[index].value.string_value.split("/") if part not in ("", ".", "..")]
        path = Path(os.path.normpath(self._before + _UNSAFE.sub("_", "/".join(parts)) + self._after))
        return path if all(len(part.encode()) <= _LONGEST_NAME for part in path.parts) else None


def group(payload: bytes, template: PathTemplate) -> dict[Path | None, bytes]:
    """Return the serialized requests that one consists of, by the file that each belongs to."""
    request = RequestShell.FromString(payload)
    paths = [template.path_of(b"".join(resource.resource)) for resource in request.resources]
    if len(set(paths)) == 1:
        return {paths[0]: payload}
    groups = {path: RequestShell() for path in paths}
    for path, resource in zip(paths, request.resources, strict=True):
        groups[path].resources.append(resource)
    return {path: group.SerializeToString() for path, group in groups.items()}


class OpenFiles:
    """Files by their path; of those that are open, the one that was not used for longest is closed for another."""

    def __init__(self, make: Callable[[Path], Output], limit: int) -> None:
        self._make = make
        self._limit = limit
        self._files: OrderedDict[Path, Output] = OrderedDict()

    def __getitem__(self, path: Path) -> Output:
        output = self._files.get(path)
        if output is None:
            while len(self._files) >= self._limit:
                self._files.popitem(last=False)[1].close()
            output = self._files[path] = self._make(path)
        self._files.move_to_end(path)
        return output

    def close(self) -> None:
        """Close all files."""
        while self._files:
            self._files.popitem()[1].close()
