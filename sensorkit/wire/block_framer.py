"""Cut a byte stream into blocks that a function finds: for protocols that have no lines."""

from __future__ import annotations

from collections.abc import Callable

from sensorkit.wire.framing import Line

Find = Callable[[bytes], tuple[int, int | None] | None]
"""See `BlockFramer`."""


class BlockFramer:
    r"""Keep the unfinished end of a stream until its block is whole; a `Framer`.

    What lies between two blocks is handed out as a line of its own, so that the codec can say what
    is wrong with it. A block has no terminator: all bytes are in lines or in the tail.

    Parameters
    ----------
    find : callable
        Takes the bytes that have come, at least one. Returns where in them the first block starts
        and stops; stop is None if it is not whole yet. Returns None if no block starts there. What
        it has found it must find again when more bytes have come.
    max_bytes : int
        Longest block. What has not ended by then is handed out as overlong.
    offset : int
        Where in the stream the first byte stands.

    Examples
    --------
    >>> def find(data):  # a block is a `<`, its length as a digit, and so many bytes
    ...     start = data.find(b"<")
    ...     if start < 0:
    ...         return None
    ...     stop = start + 2 + int(data[start + 1 : start + 2] or b"9")
    ...     return start, stop if stop <= len(data) else None
    >>> framer = BlockFramer(find, 64)
    >>> framer.feed(b"??<2ab<3a")
    [Line(offset=0, data=b'??', overlong=False), Line(offset=2, data=b'<2ab', overlong=False)]
    >>> framer.tail
    b'<3a'
    """

    def __init__(self, find: Find, max_bytes: int, offset: int = 0) -> None:
        self.max_bytes = max_bytes
        self.received = 0
        self.terminators = 0
        self.passed_over = 0
        self._find = find
        self._tail = b""
        self._offset = offset

    @property
    def tail(self) -> bytes:
        """Return the bytes of the block that is not whole yet."""
        return self._tail

    def feed(self, data: bytes) -> list[Line]:
        """Return the blocks that *data* completes, and what lay between them."""
        self.received += len(data)
        data = self._tail + data
        lines, place = [], 0
        while place < len(data):
            window = data[place : place + self.max_bytes]
            found = self._find(window)
            start, stop = found or (len(window), None)
            if stop is None and len(window) < self.max_bytes:
                break
            if start > 0:
                lines.append(Line(self._offset + place, window[:start]))
            if stop is not None:
                lines.append(Line(self._offset + place + start, window[start:stop]))
            elif start == 0:
                lines.append(Line(self._offset + place, window, True))
            place += stop or start or len(window)
        self._tail = data[place:]
        self._offset += place
        return lines

    def cut(self) -> Line | None:
        """End the unfinished block here, for the stream goes on elsewhere; return it."""
        if not self._tail:
            return None
        line = Line(self._offset, self._tail)
        self._offset += len(self._tail)
        self._tail = b""
        return line
