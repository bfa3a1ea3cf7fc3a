"""Our decoder of header blocks against the library's encoder and decoder."""

import pytest
from hpack import Decoder, Encoder
from hpack.exceptions import HPACKError
from hypothesis import given
from hypothesis import strategies as st

from collector.net.http2.frames import ConnectionFailure, ErrorCode
from collector.net.http2.header_blocks import HeaderReader, encode_fields

LIMIT = 2**16
names = st.one_of(
    st.sampled_from([b":method", b":path", b"te", b"content-type", b"x-one", b"x-two"]),
    st.binary(min_size=1, max_size=9),
)
values = st.one_of(st.sampled_from([b"POST", b"trailers", b""]), st.binary(max_size=300))
blocks = st.lists(st.lists(st.tuples(names, values), max_size=9), max_size=12)


def reader(parse=lambda fields: fields, limit=LIMIT):
    return HeaderReader(limit, parse)


@given(blocks, st.lists(st.integers(0, 4096), max_size=12), st.booleans())
def test_what_the_library_encodes_is_decoded(sequence, sizes, huffman):
    """Over a connection, with a table that fills, evicts and changes its size."""
    encoder, ours = Encoder(), reader()
    for number, fields in enumerate(sequence):
        if number < len(sizes):
            encoder.header_table_size = sizes[number]
        block = encoder.encode(fields, huffman=huffman)
        assert tuple(fields) == ours.decode(block)


@given(blocks, st.lists(st.integers(0, 11), max_size=20))
def test_blocks_that_come_again_mean_what_the_library_says(sequence, again):
    """The cache never answers for a table that has changed."""
    encoder, ours, theirs = Encoder(), reader(), Decoder()
    sent = [encoder.encode(fields) for fields in sequence]
    for block in [*sent, *(sent[number % len(sent)] for number in again if sent)]:
        try:
            expected = tuple(tuple(field) for field in theirs.decode(block, raw=True))
        except HPACKError:
            with pytest.raises(ConnectionFailure):
                ours.read(block)
            return
        assert expected == ours.read(block)


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_random_bytes_are_read_as_the_library_does_or_refused(sequence):
    """Where ours takes a block, the library reads the same; where the library takes it, ours does."""
    ours, theirs = reader(), Decoder()
    for block in sequence:
        try:
            expected = tuple(tuple(field) for field in theirs.decode(block, raw=True))
        except Exception:  # noqa: BLE001 - the library has more than one kind
            with pytest.raises(ConnectionFailure):
                ours.decode(block)
            return
        try:
            assert expected == ours.decode(block)
        except ConnectionFailure:
            assert b"\x20" <= block[:1] < b"\x40"  # ours bears two changes of the size, not more
            return


def test_a_block_that_repeats_is_parsed_once():
    parsed = []
    ours = reader(lambda fields: parsed.append(fields) or fields)
    block = encode_fields(((b":status", b"200"), (b"x-one", b"1")))
    assert ours.read(block) == ours.read(block)
    assert 1 == len(parsed)


def test_a_change_of_the_table_empties_the_cache():
    """The reference 62 is another field after the next literal."""
    encoder, ours = Encoder(), reader()
    ours.read(encoder.encode([(b"x-one", b"1")]))
    again = b"\xbe"
    assert ((b"x-one", b"1"),) == ours.read(again) == ours.read(again)
    ours.read(encoder.encode([(b"x-two", b"2")]))
    assert ((b"x-two", b"2"),) == ours.read(again)


def test_the_cache_is_bounded():
    ours = reader()
    for number in range(1000):
        ours.read(encode_fields(((b"x-number", b"%d" % number),)))
    assert len(ours._cache) <= 64


@pytest.mark.parametrize(
    "block",
    [
        b"\x80",  # the index 0
        b"\xbe",  # an entry that is not there
        b"\xff\xff\xff\xff\xff\xff\x01",  # an integer without end
        b"\x40\x05ab",  # a name cut off
        b"\x40\x01a\x05bc",  # a value cut off
        b"\x40",
        b"\x41\x81\x00",  # padding of the Huffman code that is not ones
        b"\x82\x20",  # a change of the size behind a field
        b"\x20\x20\x20",  # three of them
        b"\x3f\xe2\x1f",  # 4097 bytes
    ],
)
def test_broken_blocks_are_refused(block):
    with pytest.raises(ConnectionFailure, match="not valid HPACK") as caught:
        reader().read(block)
    assert ErrorCode.COMPRESSION_ERROR is caught.value.code


@pytest.mark.parametrize("block", [b"\x82" * 60, encode_fields([(b"name", b"v" * 2000)]), b"\x82" * 5000])
def test_lists_beyond_the_limit_are_refused(block):
    with pytest.raises(ConnectionFailure, match="larger than 2000 bytes") as caught:
        reader(limit=2000).read(block)
    assert ErrorCode.ENHANCE_YOUR_CALM is caught.value.code


@given(st.lists(st.tuples(names, values)))
def test_what_we_encode_means_the_same_at_any_time(fields):
    """Any table decodes it and is left as it was."""
    theirs = Decoder()
    theirs.decode(Encoder().encode([(b"x-one", b"1")]))
    block = encode_fields(fields)
    for _ in range(2):
        assert fields == [tuple(field) for field in theirs.decode(block, raw=True)]
    assert 1 == len(theirs.header_table.dynamic_entries)
