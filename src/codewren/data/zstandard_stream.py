"""Reading files compressed by Zstandard: with Python 3.14 by its own library, before that by the package `zstandard`.

The package's readers end silently where a file was cut off, and do not give lines; hence a stream of our own above it.
"""

import importlib
import io
from pathlib import Path
from typing import IO, Any

from codewren.core.errors import MissingExtraError

CHUNK_BYTES = 1 << 16


def open_zstandard(path: Path) -> IO[bytes]:
    """The contents of a file; reading raises EOFError where it is cut off or no such file.

    Raises:
        MissingExtraError: neither library is there.
        OSError: the file cannot be read.
    """
    below = path.open("rb")
    for name in ("compression.zstd", "zstandard"):
        try:
            library = importlib.import_module(name)
        except ImportError:
            continue
        return io.BufferedReader(_Frames(below, library))
    below.close()
    raise MissingExtraError(f"zstandard, which reads {path.name},", "zstd")


class _Frames(io.RawIOBase):
    """The frames of a file, one after the other."""

    def __init__(self, below: IO[bytes], library: Any) -> None:
        self.below, self.library = below, library
        self.frame: Any = None
        self.fed = self.ready = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer with what comes next; 0 at the end."""
        while not self.ready and self._feed():
            pass
        count = min(len(buffer), len(self.ready))
        buffer[:count], self.ready = self.ready[:count], self.ready[count:]
        return count

    def close(self) -> None:
        """Close the file too."""
        self.below.close()
        super().close()

    def _feed(self) -> bool:
        """Decompress a chunk; False at the end of the file."""
        chunk = self.fed or self.below.read(CHUNK_BYTES)
        self.fed = b""
        if not chunk:
            if self.frame is not None or self.below.tell() == 0:
                raise EOFError("it ends within a frame")
            return False
        self.frame = self.frame or self._new_frame()
        try:
            self.ready = self.frame.decompress(chunk)
        except Exception as error:  # each library has an error of its own
            raise EOFError(str(error)) from None
        if self.frame.eof:
            self.fed, self.frame = self.frame.unused_data, None
        return True

    def _new_frame(self) -> Any:
        library = self.library
        return (
            library.ZstdDecompressor().decompressobj()
            if hasattr(library, "FORMAT_ZSTD1")
            else (library.ZstdDecompressor())
        )
