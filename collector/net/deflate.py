"""DEFLATE, by the library that is best on each side of it; zlib stands in where one has no wheel.

`thorough` is zlib-ng: what zlib does, with every input, in half the time. `fast` is ISA-L, which deflates in a tenth of
the time to a twentieth more bytes. It must not inflate: it refuses valid gzip that comes in parts. Import this where it
is first used.
"""

from types import ModuleType

fast: ModuleType
thorough: ModuleType

try:
    from zlib_ng import zlib_ng as thorough
except ImportError:
    import zlib as thorough

try:
    from isal import isal_zlib as fast
except ImportError:
    fast = thorough

__all__ = ["fast", "thorough"]
