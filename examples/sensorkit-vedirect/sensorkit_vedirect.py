r"""The VE.Direct text protocol: blocks of `label TAB value`, with a checksum over the block.

    \r\nV\t12530\r\nI\t620\r\n...\r\nChecksum\t<byte>

All bytes of a block add up to 0 modulo 256; the last byte, which may be any, sees to that. Messages
of the second protocol on the same wire, `:A0102\n` in hexadecimal, may lie between two blocks
or inside one; they do not belong to its sum.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from sensorkit.checked_yaml import Section
from sensorkit.profile import Profile
from sensorkit.readings import RejectReason
from sensorkit.wire.block_framer import BlockFramer
from sensorkit.wire.framing import Line
from sensorkit.wire.grammar import NAN, Frame, Reject, is_number
from sensorkit.wire.line_codec import LineCodec
from sensorkit.wire.scaling import Scale

END = b"\r\nChecksum\t"
MISSING = "---"
"""What a device says that has no sensor for it."""

_MESSAGE = re.compile(rb":([0-9A-F])((?:[0-9A-F]{2})*)\n")


class Value(Section):
    """Where a channel comes from."""

    label: Annotated[str, Field(pattern=r"^[!-~]+$")]
    scale: Annotated[float, Field(ge=-1e12, le=1e12)] = 1.0
    """Unit of the channel for each step on the wire: 0.001 for volts out of millivolts."""


class VeDirectOptions(Section):
    """`frame: {format: vedirect, options: ...}`; a mistake is shown with its file and line."""

    fields: Annotated[dict[str, Value], Field(min_length=1)]
    """Channel -> where it comes from."""
    status: str | None = None
    """Label of the status word."""
    others: Literal["accept", "reject"] = "accept"
    """A right block with none of these labels (battery monitors send their history in a second
    one): a reading without values, or a rejection `type`."""


class VeDirectCodec(LineCodec):
    """Reads and writes blocks."""

    Options = VeDirectOptions

    def __init__(self, profile: Profile, options: VeDirectOptions) -> None:
        for channel in options.fields:
            profile.channel(channel)
        self.options = options
        values = [options.fields.get(name) for name in profile.channel_names]
        self._labels = [value.label if value else "" for value in values]
        self._scales = [Scale(value.scale if value else 1.0) for value in values]
        super().__init__(profile, kind="none", required=True)

    @property
    def terminator(self) -> bytes:
        """Return nothing: a block ends with its checksum."""
        return b""

    def framer(self) -> BlockFramer:
        """Return what cuts the stream into blocks."""
        frame = self.profile.frame
        return BlockFramer(find_block, frame.max_line_bytes if frame else 1024)

    def parse(self, line: Line) -> Frame:
        """Return what the block *line* says, or raise `Reject`."""
        if line.overlong:
            raise Reject(RejectReason.OVERLONG)
        said = fields_of(line.data)
        label = self.options.status
        if label not in said and not {*self._labels} & said.keys():
            if self.options.others == "reject":
                raise Reject(RejectReason.TYPE)
            label = None
        read = [self._read(said.get(of, ""), scale) for of, scale in self._pairs()]
        texts, values = zip(*read, strict=True)
        status = self.grammar.status(said[label]) if label in said else None
        return self.frame(line, texts, values, status, None, None)._replace(checked=True)

    def encode(
        self,
        texts: Sequence[str],
        *,
        status: str | None = None,
        sequence: int | None = None,  # noqa: ARG002 - a block has no place for these
        uptime: str | None = None,  # noqa: ARG002
    ) -> bytes:
        """Return one block."""
        told = {
            label: scale.number(text) if text else MISSING
            for (label, scale), text in zip(self._pairs(), texts, strict=True)
            if label
        }
        if self.options.status and status is not None:
            told[self.options.status] = status
        body = "".join(f"\r\n{label}\t{value}" for label, value in told.items()).encode() + END
        return body + bytes([-sum(body) % 256])

    def _pairs(self) -> list[tuple[str, Scale]]:
        return list(zip(self._labels, self._scales, strict=True))

    def _read(self, text: str, scale: Scale) -> tuple[str | None, float]:
        """Return a value as it stood (None: it is scaled) and as a number."""
        if text in ("", MISSING):
            return "", NAN
        if not is_number(text):
            raise Reject(RejectReason.NUMBER)
        return (None, scale.value(text)) if scale.changes else (text, float(text))


def find_block(data: bytes) -> tuple[int, int | None] | None:
    """Return where the first block in *data* starts and stops; see `BlockFramer`."""
    start = data.find(b"\r\n")
    if start < 0:
        return (len(data) - 1, None) if data.endswith(b"\r") else None
    stop = data.find(END, start) + len(END) + 1
    return start, stop if len(END) < stop <= len(data) else None


def fields_of(block: bytes) -> dict[str, str]:
    """Return label -> value of a block, once its checksum has been found right."""
    if _MESSAGE.sub(b"", block) == b"":
        right = all(is_right(*message) for message in _MESSAGE.findall(block))
        raise Reject(RejectReason.TYPE if right else RejectReason.CHECKSUM)
    block = _MESSAGE.sub(b"", block)
    if not block.startswith(b"\r\n") or block[-len(END) - 1 : -1] != END:
        raise Reject(RejectReason.SYNTAX)
    if sum(block) % 256:
        raise Reject(RejectReason.CHECKSUM)
    fields: dict[str, str] = {}
    for field in block[2 : -len(END) - 1].decode("latin-1").split("\r\n"):
        label, tab, value = field.partition("\t")
        if not tab:
            raise Reject(RejectReason.FIELD_SYNTAX)
        if label in fields:
            raise Reject(RejectReason.FIELD_DUPLICATE)
        fields[label] = value
    return fields


def is_right(command: bytes, rest: bytes) -> bool:
    """Return whether the command and the bytes of a hexadecimal message add up to 0x55."""
    return (int(command, 16) + sum(bytes.fromhex(rest.decode()))) % 256 == 0x55
