"""Microseconds of CPU that a request costs to compress and to inflate, with the standard library's zlib beside it."""

import argparse
import time
import zlib
from collections.abc import Callable
from typing import get_args

from payloads import trace_request

from collector.net.compression import Encoding, inflate
from collector.net.compressor import compressor

LIMIT = 20 * 2**20
SHAPES = (1, 16, 64, 512, 8192)


def microseconds(work: Callable[[], object], rounds: int) -> float:
    """Return the least CPU time of one call, over some rounds."""
    calls, best = 1, float("inf")
    while (spent := _timed(work, calls)) < 0.01:
        calls *= 2
    for _ in range(rounds):
        best = min(best, spent / calls)
        spent = _timed(work, calls)
    return best * 1e6


def _timed(work: Callable[[], object], calls: int) -> float:
    start = time.process_time()
    for _ in range(calls):
        work()
    return time.process_time() - start


def by_zlib(body: bytes) -> tuple[bytes, Callable[[], object], Callable[[], object]]:
    """Return a body compressed, and the work to do so and to undo it."""

    def compress() -> bytes:
        return zlib.compress(body, -1, 31)

    compressed = compress()
    return compressed, compress, lambda: zlib.decompressobj(31).decompress(compressed, LIMIT)


def by_collector(encoding: Encoding, body: bytes) -> tuple[bytes, Callable[[], object], Callable[[], object]]:
    """Return the same of an encoding of the collector's."""
    compress = compressor(encoding)
    assert compress is not None
    compressed = compress(body)
    return compressed, lambda: compress(body), lambda: inflate(encoding, compressed, LIMIT)


def main() -> None:
    """Print a line for each shape and encoding."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    print(f"{'spans':>5}  {'encoding':<15} {'ratio':>6} {'compress':>9} {'inflate':>9}")
    for spans in SHAPES:
        body = trace_request(spans)
        for encoding in ("zlib's gzip", *filter(None, get_args(Encoding))):
            compressed, *works = by_zlib(body) if encoding == "zlib's gzip" else by_collector(encoding, body)
            times = "".join(f"{microseconds(work, rounds):10.1f}" for work in works)
            print(f"{spans:>5}  {encoding:<15} {len(body) / len(compressed):>6.2f}{times}")


if __name__ == "__main__":
    main()
