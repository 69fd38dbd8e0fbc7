"""What an editor sends, read within bounds: a header may announce any number of bytes, and each would get room."""

import sys
from typing import BinaryIO

LARGEST_MESSAGE_BYTES = 200_000_000
"""Of one message; a document of 100 MB that is all quotes has no more."""
LONGEST_HEADER_BYTES = 1_000
_SKIPPED_AT_ONCE = 1 << 20
_NOTHING = b'{"jsonrpc": "2.0", "method": "$/skipped"}'


class BoundedInput:
    """A stream of messages of which a header that is too long is cut, and a body that is too large skipped."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def readline(self) -> bytes:
        """A header, or the first part of one."""
        return self._stream.readline(LONGEST_HEADER_BYTES)

    def read(self, size: int) -> bytes:
        """A body; one that is too large is read over and told, and a message that says nothing stands in its place."""
        if size <= LARGEST_MESSAGE_BYTES:
            return self._stream.read(size)
        sys.stderr.write(f"codewren: skipped a message of {size} bytes; at most {LARGEST_MESSAGE_BYTES} are read\n")
        while size > 0 and (part := self._stream.read(min(size, _SKIPPED_AT_ONCE))):
            size -= len(part)
        return b"" if size else _NOTHING
