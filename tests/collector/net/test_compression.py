"""Inflating within limits."""

import gzip
import subprocess
import sys
import zlib

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.api import PermanentError, StatusCode
from collector.data.zstandard import zstd
from collector.net.compression import ENCODINGS, Inflater, inflate

COMPRESS = {
    "": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "zlib": zlib.compress,
    "zstd": zstd.compress,
    "snappy": lambda data: bytes(cramjam.snappy.compress_raw(data)),
    "x-snappy-framed": lambda data: bytes(cramjam.snappy.compress(data)),
    "lz4": lambda data: bytes(cramjam.lz4.compress(data)),
}
COMPRESSED = [encoding for encoding in COMPRESS if encoding]
IN_STEPS = ["", "gzip", "deflate", "zlib", "zstd"]


def fed(inflater, data, size):
    """Feed data in chunks of a size; return by how much the inflater says that it has grown."""
    return sum(inflater.feed(data[start : start + size]) for start in range(0, len(data), size))


def test_every_encoding_is_tested():
    assert sorted(ENCODINGS) == sorted(COMPRESS)


@given(data=st.binary(max_size=2000), encoding=st.sampled_from(list(COMPRESS)), size=st.integers(1, 300))
def test_chunks_of_any_size_give_the_body_back(data, encoding, size):
    inflater = Inflater(encoding, 10_000)
    fed(inflater, COMPRESS[encoding](data), size)
    assert data == inflater.finish()


@given(data=st.binary(max_size=2000), encoding=st.sampled_from(list(COMPRESS)), size=st.integers(1, 300))
def test_what_is_held_is_counted_as_it_comes(data, encoding, size):
    compressed = COMPRESS[encoding](data)
    inflater = Inflater(encoding, 10_000)
    grown = fed(inflater, compressed, size)
    assert grown == inflater.size == len(data if encoding in IN_STEPS else compressed)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "zstd", "x-snappy-framed", "lz4"])
def test_concatenated_streams_are_one_body(encoding):
    compress = COMPRESS[encoding]
    assert b"onetwo" == inflate(encoding, compress(b"one") + compress(b"two"), 100)


@pytest.mark.parametrize("encoding", list(COMPRESS))
@pytest.mark.parametrize("size", [5000, 300_000])
def test_the_limit_is_the_last_size_that_fits(encoding, size):
    body = bytes(size)
    assert body == inflate(encoding, COMPRESS[encoding](body), size)
    with pytest.raises(PermanentError, match=f"limit of {size - 1} bytes") as caught:
        inflate(encoding, COMPRESS[encoding](body), size - 1)
    assert ("too_large", StatusCode.RESOURCE_EXHAUSTED) == (caught.value.reason, caught.value.code)


@pytest.mark.parametrize("encoding", COMPRESSED)
def test_the_limit_holds_for_the_compressed_size(encoding):
    with pytest.raises(PermanentError, match="limit of 3 bytes"):
        inflate(encoding, COMPRESS[encoding](b"abc"), 3)


# In a process of its own, because what the libraries allocate shows in the size of the process only.
BOMBS = """
import re, sys
from pathlib import Path
from collector.api import PermanentError
from collector.net.compression import inflate

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])

bombs = [(encoding, bytes.fromhex(bomb), bytes.fromhex(harmless)) for encoding, bomb, harmless in map(str.split, sys.stdin)]
for encoding, _, harmless in bombs:
    inflate(encoding, harmless, 2**20)
before = peak()
for encoding, bomb, _ in bombs:
    try:
        inflate(encoding, bomb, 2**20)
    except PermanentError as error:
        print(encoding, error.reason)
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_a_bomb_costs_no_more_memory_than_the_limit():
    # In snappy a larger one would not fit into the limit itself.
    sizes = {encoding: (16 if "snappy" in encoding else 24) * 2**20 for encoding in COMPRESSED}
    bombs = (
        f"{encoding} {COMPRESS[encoding](bytes(size)).hex()} {COMPRESS[encoding](b'harmless').hex()}"
        for encoding, size in sizes.items()
    )
    found = subprocess.run(
        [sys.executable, "-c", BOMBS], input="\n".join(bombs), capture_output=True, text=True, check=True
    )
    *refused, kib = found.stdout.splitlines()
    assert [f"{encoding} too_large" for encoding in COMPRESSED] == refused
    # The result, the buffer that it grew in, and the window, which is 8 MiB for zstd.
    assert int(kib) < 12 * 1024


@pytest.mark.parametrize("encoding", COMPRESSED)
@pytest.mark.parametrize("limit", [1000, 100_000], ids=["near the limit", "far from it"])
def test_what_is_cut_or_broken_is_malformed(encoding, limit):
    compressed = COMPRESS[encoding](b"some text that is long enough, some text that is long enough")
    for broken in (compressed[:-1], compressed[: len(compressed) // 2], b"plain text", compressed + b"garbage"):
        with pytest.raises(PermanentError, match=f"not valid {encoding}") as caught:
            inflate(encoding, broken, limit)
        assert ("malformed", StatusCode.INVALID_ARGUMENT) == (caught.value.reason, caught.value.code)


def refusal(encoding, data, limit):
    """Inflate, and return the reason of a refusal; what is inflated must be within the limit."""
    try:
        assert len(inflate(encoding, data, limit)) <= limit
    except PermanentError as error:
        return error.reason


@given(data=st.binary(max_size=300), encoding=st.sampled_from(COMPRESSED), limit=st.integers(1, 400))
def test_garbage_is_refused_with_a_reason(data, encoding, limit):
    assert refusal(encoding, data, limit) in (None, "malformed", "too_large")


@given(
    data=st.binary(min_size=1, max_size=300),
    encoding=st.sampled_from(COMPRESSED),
    place=st.integers(0, 400),
    bit=st.integers(0, 7),
    limit=st.sampled_from([1500, 500_000]),
)
def test_a_flipped_bit_is_refused_with_a_reason_or_does_not_matter(data, encoding, place, bit, limit):
    compressed = bytearray(COMPRESS[encoding](data * 5))
    compressed[place % len(compressed)] ^= 1 << bit
    assert refusal(encoding, bytes(compressed), limit) in (None, "malformed", "too_large")


def test_many_tiny_streams_are_refused_before_they_cost_time():
    with pytest.raises(PermanentError, match="more than 100 streams"):
        inflate("gzip", gzip.compress(b"") * 10_000, 2**20)


@pytest.mark.parametrize("encoding", COMPRESS)
def test_an_empty_body_is_empty_in_any_encoding(encoding):
    assert b"" == inflate(encoding, b"", 10)


@pytest.mark.parametrize("flags", range(32))
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_gzip_with_any_header_in_any_chunks(flags, size):
    """The fields that the header may have (RFC 1952), cut anywhere."""
    header = b"\x1f\x8b\x08" + bytes([flags]) + b"\0\0\0\0\0\xff"
    header += (b"\x03\0abc" if flags & 4 else b"") + b"name\0" * bool(flags & 8) + b"comment\0" * bool(flags & 16)
    header += (zlib.crc32(header) & 0xFFFF).to_bytes(2, "little") if flags & 2 else b""
    inflater = Inflater("gzip", 1000)
    fed(inflater, header + gzip.compress(b"the body")[10:], size)
    assert b"the body" == inflater.finish()


# --- snappy and lz4 ------------------------------------------------------------------------------------------------

# As github.com/golang/snappy and github.com/pierrec/lz4 write it.
OF_GO = {
    "snappy": "0510 68656c6c6f",
    "x-snappy-framed": "ff0600007350 0109 0000 bb1f1c19 68656c6c6f".replace("7350", "734e61507059"),
    "lz4": "04224d18 6470b9 05000080 68656c6c6f 00000000 f97700fb",
}


@pytest.mark.parametrize("encoding", OF_GO)
@pytest.mark.parametrize("limit", [60, 100_000])
def test_what_go_writes_is_read(encoding, limit):
    assert b"hello" == inflate(encoding, bytes.fromhex(OF_GO[encoding]), limit)


def test_snappy_may_mean_the_framed_format():
    """Older Go collectors send it so, and gRPC's snappy is that."""
    assert b"hello" == inflate("snappy", bytes.fromhex(OF_GO["x-snappy-framed"]), 100)


def test_a_snappy_block_is_refused_by_what_it_announces():
    with pytest.raises(PermanentError, match="limit of 1000 bytes"):
        inflate("snappy", b"\xff\xff\xff\xff\x0f", 1000)


@pytest.mark.parametrize("encoding", ["x-snappy-framed", "lz4"])
def test_a_wrong_checksum_is_malformed(encoding):
    for limit in (60, 100_000):
        damaged = bytearray.fromhex(OF_GO[encoding])
        damaged[damaged.index(b"hello")] ^= 1
        with pytest.raises(PermanentError, match=f"not valid {encoding}"):
            inflate(encoding, bytes(damaged), limit)
