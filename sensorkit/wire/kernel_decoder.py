"""Decoding with the kernel: it reads the usual lines, the codec has the last word on others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sensorkit.readings import Words
from sensorkit.wire import kernel_layout as kernel
from sensorkit.wire.columns import Columns, Refused, judge, number_of, uptime_of
from sensorkit.wire.framing import Line, LineFramer
from sensorkit.wire.grammar import Frame
from sensorkit.wire.line_codec import LineCodec
from sensorkit.wire.texts import NOT_PLAIN, Texts
from sensorkit.wire.usual_line import UsualLine, Value, table_of

FIRST_ROWS, MOST_ROWS = 256, 16384
"""Lines that the kernel is given room for at a time: what the latter take stays in a processor's
cache."""

MOST_WORDS = 64
"""Status words, or devices, that are learnt from a link whose profile names none."""

_REFUSED = 4
"""What `kernel.KIND` becomes when the codec does not take the line either."""


class _Room:
    """The arrays that the kernel fills, used over and over."""

    def __init__(self, rows: int, channels: int) -> None:
        self.rows = rows
        self.facts = np.empty((kernel.N_FACTS, rows), dtype=np.int64)
        self.values = np.empty((channels, rows), dtype=np.float64)
        self.starts = np.empty((rows, channels), dtype=np.int64)
        self.lengths = np.empty((rows, channels), dtype=np.int64)


class KernelDecoder:
    """Has the kernel read the usual lines; what it does not know is taken to the codec.

    The result is what `CodecDecoder` gives with the same codec.

    Parameters
    ----------
    codec : LineCodec
    line : UsualLine
    framer : LineFramer
        Says where lines end and how long they may be.
    """

    def __init__(self, codec: LineCodec, line: UsualLine, framer: LineFramer) -> None:
        self.mid_stream = False
        self.received = 0
        self.tail = b""
        self._tail_offset = 0
        self._codec = codec
        self._line = line
        self._end = b"\r" if framer.line_end == "cr" else b"\n"
        channels = len(codec.profile.channels)
        self._low, self._high = _limits(codec, channels)
        self._words = list(codec.profile.status_words)
        self._learns = not self._words
        self._devices = list(codec.profile.devices)
        self._names_device = any(field.value == Value.DEVICE for field in line.fields)
        self._meets = self._names_device and not self._devices
        self._setup = np.zeros(kernel.N_SETUP, dtype=np.int64)
        self._setup[kernel.LIMIT] = framer.max_line_bytes
        self._setup[kernel.END] = self._end[0]
        self._setup[kernel.DIGITS] = codec.digits
        self._setup[kernel.KEYED] = line.keyed
        n_fields = len(line.fields)
        self._state = np.zeros(kernel.FOLLOWS + n_fields + 1, dtype=np.int64)
        self._state[kernel.FOLLOWS :] = [*range(1, n_fields + 1), 0]
        self._room = _Room(FIRST_ROWS, channels)
        self._name_words()

    @property
    def terminators(self) -> int:
        """Return the bytes that ended lines."""
        return int(self._state[kernel.TERMINATORS])

    @property
    def passed_over(self) -> int:
        """Return the bytes of overlong lines beyond those handed out."""
        return int(self._state[kernel.PASSED_OVER])

    def decode(self, data: bytes, ends: NDArray[np.int64]) -> tuple[Columns, list[Refused]]:
        """Take a block of reads; see `columns.Decoder`."""
        # Numba takes seconds to be ready: it waits for the first bytes, and these are on disk.
        from sensorkit.wire.kernel import decode

        state = self._state
        block = self.tail + data + self._end  # the last is no byte of the stream
        if self.tail:
            ends = ends + len(self.tail)
        array = np.frombuffer(block, dtype=np.uint8)
        state[kernel.POSITION] = state[kernel.AT_READ] = 0
        parts: list[Columns] = []
        refused: list[Refused] = []
        full = True
        while full:
            room = self._room
            self._setup[kernel.DEMANDED] = self._codec.demands_checksum
            rows = decode(
                array, ends, *self._table, self._low, self._high, self._setup, state,
                room.facts, room.values, room.starts, room.lengths,
            )  # fmt: skip
            parts.append(self._take(rows, block, array, refused))
            full = rows == room.rows
            if full and rows < MOST_ROWS:
                self._room = _Room(4 * rows, len(self._low))
        position = int(state[kernel.POSITION])
        self.received += len(data)
        self.tail = block[position:-1]
        self._tail_offset += position
        return Columns.concat(parts), refused

    def cut(self) -> Line | None:
        """End the unfinished line here; return it."""
        self._state[kernel.PASSING_OVER] = 0
        if not self.tail:
            return None
        line = Line(self._tail_offset, self.tail)
        self._tail_offset += len(self.tail)
        self.tail = b""
        return line

    def _take(
        self, rows: int, block: bytes, array: NDArray[np.uint8], refused: list[Refused]
    ) -> Columns:
        """Return the frames among the *rows* that the kernel has filled."""
        room, state = self._room, self._state
        begins_to_demand = self._begins_to_demand and state[kernel.SIGNED]
        if rows and (self.mid_stream or state[kernel.ODD] or begins_to_demand):
            return self._take_with_care(rows, block, refused)
        facts = room.facts[:, :rows].copy()
        return Columns(
            offset=facts[kernel.START] + self._tail_offset,
            texts=Texts(array, room.starts[:rows].copy(), room.lengths[:rows].copy()),
            values=room.values[:, :rows].T.copy(order="F"),  # the room is filled again
            status=Words(facts[kernel.STATUS].astype(np.int32), self._vocabulary),
            sequence=facts[kernel.SEQUENCE],
            uptime=facts[kernel.UPTIME],
            read=facts[kernel.READ],
            n_bytes=int(state[kernel.BYTES]),
            device=self._named(facts, self._devices),
        )

    def _take_with_care(self, rows: int, block: bytes, refused: list[Refused]) -> Columns:
        """Return the frames among *rows* when some of them are for the codec to judge."""
        room = self._room
        facts = room.facts[:, :rows]
        kinds = facts[kernel.KIND]
        if self.mid_stream:
            kinds[0] = max(kinds[0], kernel.UNUSUAL)
        extra = bytearray()
        words, devices = [*self._words], [*self._devices]
        for row in self._doubtful(kinds):
            start, length = int(facts[kernel.START, row]), int(facts[kernel.LENGTH, row])
            line = Line(
                self._tail_offset + start,
                block[start : start + length],
                bool(kinds[row] == kernel.OVERLONG),
            )
            frames, rejections = judge(self._codec, line, self.mid_stream)
            self.mid_stream = False
            if frames:
                self._fill(row, frames[0], len(block), extra, words, devices)
            else:
                kinds[row] = _REFUSED
                refused.append(Refused(line, rejections[0][1], int(facts[kernel.READ, row])))
        keep = kinds < kernel.UNUSUAL
        kept = np.ascontiguousarray(facts[:, keep])
        columns = Columns(
            offset=kept[kernel.START] + self._tail_offset,
            texts=Texts(
                np.frombuffer(block + extra, dtype=np.uint8),
                room.starts[:rows][keep],
                room.lengths[:rows][keep],
            ),
            values=np.asfortranarray(room.values[:, :rows][:, keep].T),
            status=Words(kept[kernel.STATUS].astype(np.int32), tuple(words)),
            sequence=kept[kernel.SEQUENCE],
            uptime=kept[kernel.UPTIME],
            read=kept[kernel.READ],
            n_bytes=int(kept[kernel.LENGTH].sum()),
            device=self._named(kept, devices),
        )
        known = len(self._words), len(self._devices)
        if self._learns:
            self._words = words[:MOST_WORDS]
        if self._meets:
            self._devices = devices[:MOST_WORDS]
        if known != (len(self._words), len(self._devices)):
            self._name_words()
        return columns

    def _doubtful(self, kinds: NDArray[np.int64]) -> Iterator[int]:
        """Yield the rows that are for the codec to judge, in order.

        A checksum of one line may be what makes it demand one of those that follow.
        """
        rows = np.flatnonzero(kinds >= kernel.UNUSUAL).tolist()
        if not self._begins_to_demand:
            yield from rows
            return
        signed = np.flatnonzero(kinds == kernel.CHECKED)
        first = int(signed[0]) if len(signed) else len(kinds)
        for row in rows:
            if row > first:
                break
            yield row
            if self._codec.demands_checksum:
                first = row
                break
        if first < len(kinds):
            self._codec.demands_checksum = True
            unsigned = np.flatnonzero(kinds != kernel.CHECKED)
            yield from unsigned[unsigned > first].tolist()

    def _named(self, facts: NDArray[np.int64], devices: list[str]) -> Words | None:
        """Return the devices that *facts* tell of, None where frames do not name theirs."""
        if not self._names_device:
            return None
        return Words(facts[kernel.DEVICE].astype(np.int32), tuple(devices))

    def _fill(
        self,
        row: int,
        frame: Frame,
        end: int,
        extra: bytearray,
        words: list[str],
        devices: list[str],
    ) -> None:
        """Put what the codec made of a line where the kernel would have put it."""
        room = self._room
        facts = room.facts
        facts[kernel.KIND, row] = kernel.CHECKED if frame.checked else kernel.UNCHECKED
        facts[kernel.SEQUENCE, row] = number_of(frame)
        facts[kernel.UPTIME, row] = uptime_of(frame)
        facts[kernel.STATUS, row] = _code_of(frame.status, words)
        facts[kernel.DEVICE, row] = _code_of(frame.device, devices)
        room.values[:, row] = frame.values
        for channel, text in enumerate(frame.texts):
            room.starts[row, channel] = end + len(extra)
            room.lengths[row, channel] = NOT_PLAIN if text is None else len(text)
            extra += (text or "").encode("latin-1")

    @property
    def _begins_to_demand(self) -> bool:
        """Return whether the first checksum of the stream is still to come, and matters."""
        return self._codec.required == "once_seen" and not self._codec.demands_checksum

    def _name_words(self) -> None:
        """Have the kernel know the status words and the devices."""
        self._vocabulary = tuple(self._words)
        table = table_of(self._line, len(self._low), self._words, self._devices)
        lists = (table.missing, table.words, table.devices, table.absent)
        self._table = (table.fields, table.pool, *lists)
        self._setup[kernel.REQUIRED] = table.required
        self._setup[kernel.SEPARATOR : kernel.SEPARATOR + 2] = table.separator
        self._setup[kernel.COMMENT : kernel.COMMENT + 2] = table.comment


def _code_of(word: str | None, known: list[str]) -> int:
    """Return the place of *word* among those *known*, where a new one is added."""
    if word is None:
        return kernel.NONE
    if word not in known:
        known.append(word)
    return known.index(word)


def _limits(codec: LineCodec, channels: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what the sensors can say at least and at most."""
    low, high = np.full(channels, -np.inf), np.full(channels, np.inf)
    for index, least, most in codec.grammar.limits:
        low[index], high[index] = least, most
    return low, high
