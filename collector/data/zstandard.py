"""zstd with the interface that Python has built in from 3.14 on. It is not small: import this where it is first used."""

import sys

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["zstd"]
