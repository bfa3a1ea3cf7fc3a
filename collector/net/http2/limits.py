"""What one client may do, and the SETTINGS that tell it so."""

from dataclasses import dataclass

from collector.net.http2 import frames


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for one connection. Sizes are bytes.

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
