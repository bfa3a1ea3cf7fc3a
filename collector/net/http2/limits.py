"""What a peer may do, and the frames that tell it so."""

from dataclasses import dataclass

from collector.net.http2 import frames


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for one connection; the defaults are a server's. Sizes are bytes.

    The windows bound what may be under way, not what is kept: whoever takes the bodies refuses what is too much.
    """

    streams: int = 1000
    # A message up to this size never waits for a WINDOW_UPDATE.
    stream_window: int = 4 * 2**20
    connection_window: int = 16 * 2**20
    # Bodies are handed on as they come, so that large frames cost no memory; some clients use them, and save.
    frame_size: int = 2**18
    header_list_size: int = 2**16

    def greeting(self) -> bytes:
        """Return the server's first frames: its SETTINGS, and the connection's window, which those cannot set."""
        values = (
            (frames.MAX_CONCURRENT_STREAMS, self.streams),
            (frames.INITIAL_WINDOW_SIZE, self.stream_window),
            (frames.MAX_FRAME_SIZE, self.frame_size),
            (frames.MAX_HEADER_LIST_SIZE, self.header_list_size),
        )
        return frames.settings(values) + frames.window_update(0, self.connection_window - frames.DEFAULT_WINDOW)

    def opening(self) -> bytes:
        """Return the client's preface and first frames, to the same end."""
        values = (
            (frames.ENABLE_PUSH, 0),
            (frames.INITIAL_WINDOW_SIZE, self.stream_window),
            (frames.MAX_HEADER_LIST_SIZE, self.header_list_size),
        )
        widened = frames.window_update(0, self.connection_window - frames.DEFAULT_WINDOW)
        return frames.PREFACE + frames.settings(values) + widened


# For a client, whose answers are small: frames of the default size, and no streams that it has not asked for.
CLIENT_LIMITS = Limits(streams=0, stream_window=2**18, connection_window=2**20, frame_size=frames.DEFAULT_FRAME_SIZE)
