"""Header blocks (HPACK, RFC 7541).

The tables and the Huffman code are those of the `hpack` library. The loop over a block is ours: it runs for every
request, and takes 9 µs where the library's, which also serves other needs, takes 34 (nine headers, one of them new).
"""

from collections.abc import Callable, Iterable
from typing import Generic, TypeAlias, TypeVar

from hpack.exceptions import HPACKError
from hpack.hpack import encode_integer
from hpack.huffman_table import decode_huffman
from hpack.table import HeaderTable

from collector.net.http2.frames import ConnectionFailure, ErrorCode

Fields: TypeAlias = tuple[tuple[bytes, bytes], ...]
H = TypeVar("H")

# What RFC 7541 section 4.1 adds to the size of an entry.
_OVERHEAD = 32
# Octets of an integer: enough for 2**28, beyond any size or index that can be right.
_MAX_INTEGER_OCTETS = 5
_MAX_CACHED = 64
# Frames of one header block: a block within the limits needs a few.
_MAX_FRAGMENTS = 32
# RFC 7541 section 4.2: the smallest size between two blocks, and the final one.
_MAX_RESIZES = 2
# The last reference to the static table; those above are to the dynamic one.
_LAST_STATIC = 0x80 + HeaderTable.STATIC_TABLE_LENGTH


class HeaderReader(Generic[H]):
    """Decodes the header blocks of one connection, in their order, and has `parse` make something of each.

    What came of a block is kept for the next that is the same byte for byte. The meaning of a block is a function of its
    bytes and of the dynamic table, so only blocks that left the table alone are kept, and a block that changes it
    empties the cache.
    """

    def __init__(self, max_list_size: int, parse: Callable[[Fields], H]) -> None:
        self._table = HeaderTable()
        self._max_list_size = max_list_size
        self._parse = parse
        self._cache: dict[bytes, H] = {}
        self._changed = False

    def read(self, block: bytes) -> H:
        """Return what `parse` made of a whole block; what it raises goes through.

        Raises:
            ConnectionFailure: the block is not valid, so that the tables of the two sides no longer agree, or too large.

        """
        known = self._cache.get(block)
        if known is not None:
            return known
        self._changed = False
        parsed = self._parse(self.decode(block))
        if not self._changed:
            if len(self._cache) == _MAX_CACHED:
                self._cache.clear()
            self._cache[block] = parsed
        return parsed

    def decode(self, block: bytes) -> Fields:
        """Return the fields of a whole block, raising as `read` does."""
        if len(block) > self._max_list_size:
            raise self._too_large()
        try:
            return self._decode(block)
        except (HPACKError, IndexError) as error:
            raise ConnectionFailure(ErrorCode.COMPRESSION_ERROR, "a header block is not valid HPACK") from error

    def _decode(self, block: bytes) -> Fields:
        table, room = self._table, self._max_list_size
        dynamic = table.dynamic_entries
        fields: list[tuple[bytes, bytes]] = []
        position, end, resizes = 0, len(block), 0
        while position < end:
            first = block[position]
            if _LAST_STATIC < first < 0xFF:
                # What nearly every field is: a reference to the dynamic table, in one octet.
                field = dynamic[first - _LAST_STATIC - 1]
                position += 1
            elif first >= 0x80:
                index, position = _integer(block, position, 0x7F)
                field = table.get_by_index(index)
            elif first & 0x40:
                field, position = self._literal(block, position, 0x3F)
                table.add(*field)
                self._change()
            elif first & 0x20:
                position = self._resize(block, position)
                resizes += 1
                if fields or resizes > _MAX_RESIZES:
                    raise HPACKError("the table changes its size in the middle, or too often")
                continue
            else:
                field, position = self._literal(block, position, 0x0F)
            room -= len(field[0]) + len(field[1]) + _OVERHEAD
            if room < 0:
                raise self._too_large()
            fields.append(field)
        return tuple(fields)

    def _literal(self, block: bytes, position: int, mask: int) -> tuple[tuple[bytes, bytes], int]:
        index, position = _integer(block, position, mask)
        if index:
            name = self._table.get_by_index(index)[0]
        else:
            name, position = _string(block, position)
        value, position = _string(block, position)
        return (name, value), position

    def _resize(self, block: bytes, position: int) -> int:
        size, position = _integer(block, position, 0x1F)
        if size > HeaderTable.DEFAULT_SIZE:
            raise HPACKError("the table cannot become so large")
        self._table.maxsize = size
        self._change()
        return position

    def _too_large(self) -> ConnectionFailure:
        return ConnectionFailure(
            ErrorCode.ENHANCE_YOUR_CALM, f"the headers are larger than {self._max_list_size} bytes"
        )

    def _change(self) -> None:
        self._changed = True
        self._cache.clear()


class HeaderBlock:
    """A header block of which more is to come in CONTINUATION frames."""

    def __init__(self, stream_id: int, ended: bool, since: float, content: bytes) -> None:
        self.stream_id = stream_id
        self.ended = ended
        self.since = since
        self.content = bytearray(content)
        self._fragments = 1

    def add(self, fragment: bytes, limit: int) -> None:
        """Add what a CONTINUATION brings, within bounds on both their size and their number."""
        self._fragments += 1
        self.content += fragment
        if len(self.content) > limit or self._fragments > _MAX_FRAGMENTS:
            raise ConnectionFailure(
                ErrorCode.ENHANCE_YOUR_CALM, f"a header block is larger than {limit} bytes, or in too many parts"
            )


def _integer(block: bytes, position: int, mask: int) -> tuple[int, int]:
    """Return an integer whose first octet has its low bits under the mask, and the position behind it."""
    value = block[position] & mask
    position += 1
    if value < mask:
        return value, position
    for shift in range(0, 7 * (_MAX_INTEGER_OCTETS - 1), 7):
        octet = block[position]
        position += 1
        value += (octet & 0x7F) << shift
        if octet < 0x80:
            return value, position
    raise HPACKError("an integer is too long")


def _string(block: bytes, position: int) -> tuple[bytes, int]:
    is_huffman = block[position] >= 0x80
    length, start = _integer(block, position, 0x7F)
    end = start + length
    if end > len(block):
        raise HPACKError("a string ends beyond its block")
    text = block[start:end]
    return (decode_huffman(text) if is_huffman else text), end


def encode_fields(fields: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return a header block that says the same at any time: it refers to the static table only and adds nothing."""
    return b"".join(_encode_field(name, value) for name, value in fields)


def _encode_field(name: bytes, value: bytes) -> bytes:
    index, values = HeaderTable.STATIC_TABLE_MAPPING.get(name, (0, {}))
    if value in values:
        whole = encode_integer(values[value], 7)
        whole[0] |= 0x80
        return bytes(whole)
    named = bytes(encode_integer(index, 4)) if index else b"\x00" + bytes(encode_integer(len(name), 7)) + name
    return named + bytes(encode_integer(len(value), 7)) + value
