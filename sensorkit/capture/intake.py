"""Where a recorder's bytes come from: its own reads, or the files that the pump appends to."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Generator
from typing import NamedTuple, Protocol, runtime_checkable

from sensorkit.capture.blocks import BLOCK_BYTES, Block, BlockReader
from sensorkit.capture.clock import AnchoredClock
from sensorkit.capture.pump_process import Heard, PumpProcess
from sensorkit.capture.writer import RecordingWriter
from sensorkit.errors import LinkLost, RecordingError, RunError
from sensorkit.wire.links import Link


class Nothing(NamedTuple):
    """No bytes."""

    until_ns: int | None
    """All that came before has been handed out; None where nobody knows."""


class Gone(NamedTuple):
    """The link has ended, and all that it brought has been handed out."""

    at_ns: int
    loss: LinkLost | None
    """None where the far end has closed it in order."""


@runtime_checkable
class HasDescriptor(Protocol):
    """A link whose bytes another process can read."""

    waits: bool
    """A far end that goes is waited for."""

    def fileno(self) -> int:
        """Return the descriptor, non-blocking."""
        ...

    def gone(self, error: int) -> LinkLost | None:
        """Return what it means that a read met *error*; None for the orderly end."""
        ...


class Intake(Protocol):
    """Puts what comes on disk and hands it out."""

    gather_ns: int
    """So long may readings wait for others before they are yielded."""
    full: bool
    """The disk is almost full, and nothing more is read."""
    stopped_ns: int | None
    """When reading was stopped; what was read before may be handed out long after."""

    def take(self, timeout: float) -> Block | Nothing | Gone:
        """Return what has come, waiting at most *timeout* seconds."""
        ...

    def now(self) -> int:
        """Return a time that is before all that has not been handed out."""
        ...

    def open(self, link: Link) -> None:
        """Go on with a link that has been opened again."""
        ...

    def stop(self) -> Generator[Block, None, None]:
        """Read no more, and hand out what has been read."""
        ...

    def lag(self) -> int:
        """Return the bytes that are on disk and have not been handed out."""
        ...

    def decoded(self, size: int) -> None:
        """Take note that the rows of the first *size* bytes have been written."""
        ...


def make_intake(
    link: Link,
    writer: RecordingWriter,
    now: Callable[[], int],
    clock: Callable[[], int],
    *,
    max_bytes: int | None,
    pump: PumpProcess | None,
) -> Intake:
    """Return the pump's files for a link with a descriptor, else the recorder's own reads.

    A *clock* of the caller's own cannot be asked from another process: its link is read here, by
    *now*, which never goes back.
    """
    if sys.platform != "win32" and isinstance(clock, AnchoredClock):
        if isinstance(link, HasDescriptor):
            return Pumped(link, writer, clock, max_bytes=max_bytes, pump=pump)
    if pump is not None:
        pump.close()
    return Inline(link, writer, now)


class Inline:
    """The recorder reads the link itself."""

    gather_ns = 0
    full = False
    stopped_ns: int | None = None

    def __init__(self, link: Link, writer: RecordingWriter, clock: Callable[[], int]) -> None:
        self._link = link
        self._writer = writer
        self._clock = clock

    def take(self, timeout: float) -> Block | Nothing | Gone:
        """Return what one read brings; it is on disk by then."""
        try:
            chunk = self._link.read(timeout)
        except LinkLost as error:
            return Gone(self._clock(), error)
        now = self._clock()
        if chunk is None:
            return Gone(now, None)
        if not chunk:
            return Nothing(now)
        self._writer.write_raw(now, chunk)  # first: a crash below must not lose bytes
        return Block.of(now, chunk)

    def now(self) -> int:
        """Return the time."""
        return self._clock()

    def open(self, link: Link) -> None:
        """Go on with a link that has been opened again."""
        self._link = link

    def stop(self) -> Generator[Block, None, None]:
        """Hand out nothing: what was read has been handed out."""
        yield from ()

    def lag(self) -> int:
        """Return 0."""
        return 0

    def decoded(self, size: int) -> None:
        """Do nothing: what is read is decoded before more is."""


class Pumped:
    """The pump reads the port; its files are read here, as `replay` reads them.

    Parameters
    ----------
    link : a link with a descriptor
    writer : RecordingWriter
    clock : AnchoredClock
        The pump stamps its reads by the same one.
    max_bytes : int, optional
        The pump reads no more when all raw files together have this size.
    pump : PumpProcess, optional
        One that is up already, so that no byte waits for it; started here by default.
    """

    gather_ns = 60_000_000  # 17 times a second a line moves, an alert is printed

    def __init__(
        self,
        link: HasDescriptor,
        writer: RecordingWriter,
        clock: AnchoredClock,
        *,
        max_bytes: int | None,
        pump: PumpProcess | None,
    ) -> None:
        self._link = link
        self._writer = writer
        self._clock = clock
        self._max_bytes = max_bytes
        self._until = clock()
        self._ended = self._stopped = self.full = False
        self.stopped_ns: int | None = None
        self._pump = pump or PumpProcess()
        self._begin()
        self._reader = BlockReader(writer.dir)

    def take(self, timeout: float) -> Block | Nothing | Gone:
        """Return the next reads, a block that grows with the lag.

        Raises
        ------
        RunError
            If the disk takes no more, or the files were changed while they were written.
        """
        block = self._next()
        if block is not None:
            # A pump that could not say its last word would take no orders either.
            self._pump.remember(self._pump.hear(0))
            return block
        # Word that comes now may be of reads that were not there a moment ago.
        heard = self._pump.hear(timeout)
        block = self._next()
        if block is not None:
            self._pump.remember(heard)
            return block
        return self._understand(heard)

    def now(self) -> int:
        """Return the time of the last read handed out, or until when nothing came."""
        return self._clock() if self._ended else self._until

    def open(self, link: Link) -> None:
        """Go on with a link that has been opened again, with another pump if the first one died."""
        if not isinstance(link, HasDescriptor):
            raise TypeError(f"{link.name}: has no descriptor for the pump to read")
        self._link = link
        if self._pump.alive:
            self._pump.read(link.fileno(), waits=link.waits)
        else:
            self._pump = PumpProcess()
            self._begin()
        self._ended = False

    def stop(self) -> Generator[Block, None, None]:
        """Stop the pump, and hand out what it has read.

        Raises
        ------
        RunError
            If the disk took no more; what it has taken has been handed out.
        """
        if self._stopped:
            return
        self._stopped = self._ended = True
        self._pump.stop()
        heard = self._pump.hear(0)
        self._pump.remember(heard)
        self.stopped_ns = heard.gone[0] if heard.gone else self._clock()
        with contextlib.closing(self._reader):
            while (block := self._next()) is not None:
                yield block
            if self._pump.failed and not self._writer.closed:
                self._mend()
                while (block := self._next()) is not None:
                    yield block
        failure = self._pump.hear(0).disk
        if failure is not None:
            with self._writer.disk():
                raise failure

    def lag(self) -> int:
        """Return the bytes that are on disk and have not been handed out."""
        return self._reader.lag()

    def decoded(self, size: int) -> None:
        """Tell the pump, which looks at the free space too."""
        self._pump.decoded(size)

    def _begin(self) -> None:
        """Hand files and port over to the pump."""
        raw = self._writer.raw
        self._pump.write_to(raw.orders(self._max_bytes, self._clock.base_ns), raw.descriptors())
        self._pump.read(self._link.fileno(), waits=self._link.waits)

    def _next(self) -> Block | None:
        try:
            block = self._reader.take(BLOCK_BYTES)
        except RecordingError as error:
            self._writer.check()  # says it if raw.log was taken away
            raise RunError(
                f"{self._writer.dir}: was changed while it was being written: {error}"
            ) from error
        if block is not None:
            self._until = int(block.received_ns[-1])
            self._writer.count_reads(len(block.lengths))
        return block

    def _understand(self, heard: Heard) -> Block | Nothing | Gone:
        """Return what the pump's word means now that all its bytes have been handed out."""
        if heard.disk is not None:
            with self._writer.disk():
                raise heard.disk
        if heard.died is not None and not self._ended:
            self._ended = True
            self._mend()
            block = self._next()
            if block is not None:
                self._pump.remember(heard)
                self._ended = False
                return block
            loss = LinkLost(
                f"{self._writer.dir}: the process that read the port ended by itself "
                f"({heard.died}); what it had written is kept, at most the one read that it held "
                "is lost"
            )
            return Gone(self._clock(), loss)
        if heard.gone is not None:
            self._ended = True
            at, error = heard.gone
            return Gone(at, self._link.gone(error))
        self.full = self.full or heard.full
        if heard.idle_ns is not None and heard.idle_ns > self._until:
            self._until = heard.idle_ns
            return Nothing(heard.idle_ns)
        return Nothing(None)

    def _mend(self) -> None:
        """Give bytes that a pump which died has left without a row their row."""
        covered, torn = self._reader.forget_torn()
        with self._writer.disk():
            self._writer.raw.resume(covered, torn, max(self._clock(), self._until))
