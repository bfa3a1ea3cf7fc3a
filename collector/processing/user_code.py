"""Python files that operators write: run once, with errors that name the file and the line."""

import sys
import traceback
from pathlib import Path
from types import ModuleType

from collector.api import StartError


def load(path: Path) -> ModuleType:
    """Run a file and return the module that it makes.

    Nothing is written beside the file, and a change of it always shows: it is compiled here, without a cache.

    Raises:
        StartError: there is no such file, it is no Python, or running it fails.

    """
    try:
        code = compile(path.read_bytes(), path, "exec", dont_inherit=True)
    except OSError as error:
        raise StartError(f"{path}: the file cannot be read: {error.strerror}") from error
    except (SyntaxError, ValueError) as error:  # older Pythons raise ValueError for null bytes
        line = getattr(error, "lineno", None) or 1
        raise StartError(f"{path}:{line}: {getattr(error, 'msg', error)}") from error
    module = ModuleType(f"spanmill_user_{path.stem}")
    module.__file__ = str(path)
    # Some of the standard library looks a class's module up by its name: dataclasses for one.
    sys.modules[module.__name__] = module
    try:
        exec(code, module.__dict__)  # noqa: S102 - running it is what the operator asks for
    except (Exception, SystemExit) as error:
        raise StartError(f"{location(error, path)}: running the file fails with {describe(error)}") from error
    return module


def location(error: BaseException, path: Path) -> str:
    """Return `file:line` of the innermost place in a file that an error came through."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path}:{lines[-1]}" if lines else str(path)


def describe(error: BaseException) -> str:
    """Return an error as Python shows it last: `KeyError: 'http.route'`; also where its own text raises."""
    return traceback.format_exception_only(error)[-1].strip()
