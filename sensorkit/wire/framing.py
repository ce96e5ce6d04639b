"""Cut a byte stream into lines. No port, clock or file here: bytes in, lines out."""

from __future__ import annotations

from typing import Literal, NamedTuple, Protocol

MAX_LINE_BYTES = 512
"""A device that has lost its newline must not fill the memory. NMEA 0183 allows 82."""

LineEnd = Literal["lf", "cr"]
"""lf: a line ends at a newline, with or without a carriage return before it; cr: at a lone
carriage return."""


class Line(NamedTuple):
    """A line as it came, without its line end."""

    offset: int
    """Where it starts in the stream."""
    data: bytes
    overlong: bool = False
    """It did not end within the limit: *data* is its beginning, the rest was passed over."""


class Accounting(Protocol):
    """Tells where every byte of a stream is.

    ``received = bytes in lines + terminators + passed_over + len(tail)``
    """

    @property
    def received(self) -> int:
        """Return the bytes fed so far."""
        ...

    @property
    def terminators(self) -> int:
        """Return the bytes that ended lines and are in none."""
        ...

    @property
    def passed_over(self) -> int:
        """Return the bytes that are in no line, beside those that ended one."""
        ...

    @property
    def tail(self) -> bytes:
        """Return the bytes of the line that has not ended yet."""
        ...

    def cut(self) -> Line | None:
        """End the unfinished line here, for the stream goes on elsewhere; return it."""
        ...


class Framer(Accounting, Protocol):
    """Cuts a stream into lines, or whatever a protocol has for them.

    Implementations promise that the lines do not depend on how the stream was cut into pieces, and
    that every byte is accounted for.
    """

    def feed(self, data: bytes) -> list[Line]:
        """Return the lines that *data* completes."""
        ...


class LineFramer:
    r"""Keep the unfinished end of a stream until its newline arrives; a `Framer`.

    Parameters
    ----------
    max_line_bytes : int
        Longest line, counted up to its newline (a carriage return before it included).
    offset : int
        Where in the stream the first byte stands.
    line_end : "lf" or "cr"
        Where a line ends. With lf the `\r` right before a newline belongs to the line end; any
        other is a byte of the line.

    Attributes
    ----------
    received : int
        Bytes fed so far.
    terminators : int
        Bytes of line ends.
    passed_over : int
        Bytes of overlong lines beyond those handed out in `Line.data`.

    Examples
    --------
    >>> framer = LineFramer()
    >>> framer.feed(b"T:21.5\r\nT:2")
    [Line(offset=0, data=b'T:21.5', overlong=False)]
    >>> framer.tail
    b'T:2'
    """

    def __init__(
        self, max_line_bytes: int = MAX_LINE_BYTES, offset: int = 0, line_end: LineEnd = "lf"
    ) -> None:
        self.max_line_bytes = max_line_bytes
        self.line_end = line_end
        self.received = 0
        self.terminators = 0
        self.passed_over = 0
        self._end = b"\r" if line_end == "cr" else b"\n"
        self._tail = b""
        self._tail_offset = offset
        self._passing_over = False

    @property
    def tail(self) -> bytes:
        """Return the bytes of the line that has not ended yet."""
        return self._tail

    def feed(self, data: bytes) -> list[Line]:
        """Return the lines that *data* completes, and those that have become too long.

        An overlong line is handed out when it passes the limit, not when it ends: it may never
        end, and the error log should show it.
        """
        self.received += len(data)
        if self._passing_over:
            data = self._pass_over(data)
        data = self._tail + data
        parts = data.split(self._end)
        tail = parts.pop()
        limit, offset, terminators = self.max_line_bytes, self._tail_offset, len(parts)
        takes_cr = self.line_end == "lf"
        lines = []
        for part in parts:
            length = len(part)
            if length > limit:
                lines.append(Line(offset, part[:limit], True))
                self.passed_over += length - limit
            elif takes_cr and part[-1:] == b"\r":
                terminators += 1
                lines.append(Line(offset, part[:-1]))
            else:
                lines.append(Line(offset, part))
            offset += length + 1
        self.terminators += terminators
        self._tail, self._tail_offset = tail, offset
        if len(tail) > limit:
            lines.append(Line(offset, tail[:limit], True))
            self.passed_over += len(tail) - limit
            self._tail, self._tail_offset = b"", offset + len(tail)
            self._passing_over = True
        return lines

    def cut(self) -> Line | None:
        """End the unfinished line here, for the stream goes on elsewhere; return it."""
        self._passing_over = False
        if not self._tail:
            return None
        line = Line(self._tail_offset, self._tail)
        self._tail_offset += len(self._tail)
        self._tail = b""
        return line

    def _pass_over(self, data: bytes) -> bytes:
        """Drop *data* up to the line end of an overlong line; return what follows it."""
        before, end, after = data.partition(self._end)
        self.passed_over += len(before)
        self.terminators += len(end)
        self._tail_offset += len(before) + len(end)
        self._passing_over = not end
        return after
