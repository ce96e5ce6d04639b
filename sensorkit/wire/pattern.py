r"""Frames that a regular expression describes: `w: 106 x: -49` by `w: (?P<w>-?\d+) x: ...`."""

from __future__ import annotations

from collections.abc import Sequence

from sensorkit.profile import Profile, RegexFrame
from sensorkit.readings import RejectReason
from sensorkit.wire import checksum
from sensorkit.wire.framing import Line
from sensorkit.wire.grammar import Frame, Reject, count, number, uptime
from sensorkit.wire.line_codec import LineCodec


class PatternCodec(LineCodec):
    """A line is a frame if the whole of it matches; a group that took no part is missing."""

    def __init__(self, profile: Profile, form: RegexFrame) -> None:
        self.form = form
        self.pattern = form.parsed()
        # What begins with a text of its own cannot be the second half of a line.
        self.anchored = self.pattern.begins_with_text
        self._keys = [channel.on_wire for channel in profile.channels]
        super().__init__(
            profile, kind=form.checksum, required=form.checksum_required, separators=("\t",)
        )

    def parse(self, line: Line) -> Frame:
        """Return what *line* says, or raise `Reject`."""
        body = self.body(line, self.grammar.readable(line))
        match = self.pattern.fullmatch(body)
        if match is None:
            raise Reject(RejectReason.SYNTAX)
        word, said = match.groupdict().get("status"), match.groupdict("")
        texts = tuple([said[key] for key in self._keys])
        values = tuple(map(number, texts))
        sequence, seconds = count(said.get("sequence", "")), uptime(said.get("uptime", ""))
        status = None if word is None else self.grammar.status(word)
        device = None
        if "device" in self.pattern.groups:
            device = self.grammar.device(said["device"])
        return self.frame(line, texts, values, status, sequence, seconds, device)

    def encode(
        self,
        texts: Sequence[str],
        *,
        status: str | None = None,
        sequence: int | None = None,
        uptime: str | None = None,
        device: str | None = None,
    ) -> bytes:
        """Return one frame without its line end; see `LineCodec.encode`.

        A value that is missing leaves its group out where the pattern lets it.
        """
        told = dict(zip(self._keys, texts, strict=True))
        special = {"device": self.speaker(device), "status": status, "uptime": uptime}
        special["sequence"] = None if sequence is None else str(sequence)
        told |= {name: text for name, text in special.items() if text is not None}
        text = self.pattern.render({key: text for key, text in told.items() if text})
        return checksum.append(text.encode("ascii"), self.kind)
