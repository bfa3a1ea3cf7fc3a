"""Frames as RFC 9113 section 6 has them: constants, and functions that write one."""

import enum
from collections.abc import Iterable
from struct import Struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)

# Flags. ACK and END_STREAM are the same bit on different frames.
END_STREAM = ACK = 0x01
END_HEADERS = 0x04
PADDED = 0x08
PRIORITIZED = 0x20

# Settings.
HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = (
    range(1, 7)
)

DEFAULT_TABLE_SIZE = 4_096
DEFAULT_WINDOW = 65_535
MAX_WINDOW = 2**31 - 1
# What every peer takes; larger ones where its settings say so.
DEFAULT_FRAME_SIZE = 16_384
LARGEST_FRAME_SIZE = 2**24 - 1
STREAM_MASK = 2**31 - 1

# The 24 bits of the length as 16 and 8, then type, flags and stream.
HEADER = Struct(">HBBBI")
HEADER_SIZE = HEADER.size
SETTING = Struct(">HI")
UINT32 = Struct(">I")


class ErrorCode(enum.IntEnum):
    """Why a stream or a connection ends (RFC 9113 section 7)."""

    NO_ERROR = 0
    PROTOCOL_ERROR = 1
    INTERNAL_ERROR = 2
    FLOW_CONTROL_ERROR = 3
    SETTINGS_TIMEOUT = 4
    STREAM_CLOSED = 5
    FRAME_SIZE_ERROR = 6
    REFUSED_STREAM = 7
    CANCEL = 8
    COMPRESSION_ERROR = 9
    CONNECT_ERROR = 10
    ENHANCE_YOUR_CALM = 11
    INADEQUATE_SECURITY = 12
    HTTP_1_1_REQUIRED = 13


class Http2Error(Exception):
    """The peer broke a rule, or a limit."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code


class ConnectionFailure(Http2Error):  # noqa: N818 - the RFC's connection error; ConnectionError is Python's
    """The connection cannot go on."""


class StreamFailure(Http2Error):  # noqa: N818 - named as its sibling
    """One stream cannot go on."""


def violation(message: str, code: ErrorCode = ErrorCode.PROTOCOL_ERROR) -> ConnectionFailure:
    """Return the error of a peer that breaks a rule of the protocol."""
    return ConnectionFailure(code, message)


def unpadded(payload: bytes) -> bytes:
    """Return the payload of a frame with the flag PADDED, less its padding."""
    if not payload:
        raise violation("the padding is missing", ErrorCode.FRAME_SIZE_ERROR)
    end = len(payload) - payload[0]
    if end < 1:
        raise violation("the padding is longer than its frame")
    return payload[1:end]


def frame_header(kind: int, flags: int, stream_id: int, length: int) -> bytes:
    """Return what stands in front of a payload of some length."""
    return HEADER.pack(length >> 8, length & 0xFF, kind, flags, stream_id)


def frame(kind: int, flags: int, stream_id: int, payload: bytes = b"") -> bytes:
    """Return any frame."""
    return frame_header(kind, flags, stream_id, len(payload)) + payload


def header_frames(stream_id: int, block: bytes, flags: int = 0) -> bytes:
    """Return a header block as a HEADERS frame, and CONTINUATION frames where it is larger than every peer takes."""
    if len(block) <= DEFAULT_FRAME_SIZE:
        return frame(HEADERS, flags | END_HEADERS, stream_id, block)
    parts = [block[start : start + DEFAULT_FRAME_SIZE] for start in range(0, len(block), DEFAULT_FRAME_SIZE)]
    middle = (frame(CONTINUATION, 0, stream_id, part) for part in parts[1:-1])
    return b"".join(
        (frame(HEADERS, flags, stream_id, parts[0]), *middle, frame(CONTINUATION, END_HEADERS, stream_id, parts[-1]))
    )


def settings(values: Iterable[tuple[int, int]]) -> bytes:
    """Return a SETTINGS frame."""
    return frame(SETTINGS, 0, 0, b"".join(SETTING.pack(name, value) for name, value in values))


def window_update(stream_id: int, increment: int) -> bytes:
    """Return a WINDOW_UPDATE frame; stream 0 is the connection."""
    return frame(WINDOW_UPDATE, 0, stream_id, UINT32.pack(increment))


def rst_stream(stream_id: int, code: ErrorCode) -> bytes:
    """Return a RST_STREAM frame."""
    return frame(RST_STREAM, 0, stream_id, UINT32.pack(code))


def goaway(last_stream_id: int, code: ErrorCode, debug: str) -> bytes:
    """Return a GOAWAY frame."""
    return frame(GOAWAY, 0, 0, UINT32.pack(last_stream_id) + UINT32.pack(code) + debug.encode())


SETTINGS_ACK = frame(SETTINGS, ACK, 0)
