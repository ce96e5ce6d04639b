"""Sentences of NMEA 0183 and what looks like them: `$GPGGA,123519,4807.038,N,...*47`."""

from __future__ import annotations

from collections.abc import Sequence

from sensorkit.profile import NmeaFrame, Profile
from sensorkit.readings import RejectReason
from sensorkit.wire import checksum
from sensorkit.wire.framing import Line
from sensorkit.wire.grammar import NAN, Frame, Reject, number
from sensorkit.wire.line_codec import LineCodec

START = ("$", "!")
"""`!` begins an encapsulated sentence (AIS)."""


class NmeaCodec(LineCodec):
    """Takes the fields that the profile names out of each kind of sentence."""

    def __init__(self, profile: Profile, form: NmeaFrame) -> None:
        self.form = form
        names = profile.channel_names
        self._places = {
            sentence: tuple(fields.get(name, 0) for name in names)
            for sentence, fields in form.sentences.items()
        }
        self._nothing = (0,) * len(names)
        super().__init__(profile, kind=form.checksum, required=form.checksum_required)

    def parse(self, line: Line) -> Frame:
        """Return what *line* says, or raise `Reject`."""
        text = self.grammar.readable(line)
        if not text.startswith(START):
            raise Reject(RejectReason.SYNTAX)
        # The checksum covers what stands between the start sign and the star.
        inner = Line(line.offset, line.data[1:])
        fields = self.body(inner, text[1:]).split(",")
        places = self._places_of(fields[0])
        if max(places) >= len(fields):
            raise Reject(RejectReason.FIELD_COUNT)
        texts = tuple([fields[place] if place else "" for place in places])
        values = tuple([number(text) if text else NAN for text in texts])
        return self.frame(line, texts, values, None, None, None)

    def encode(
        self,
        texts: Sequence[str],
        *,
        status: str | None = None,  # noqa: ARG002 - a sentence has no place for these
        sequence: int | None = None,  # noqa: ARG002
        uptime: str | None = None,  # noqa: ARG002
        device: str | None = None,  # noqa: ARG002
    ) -> bytes:
        """Return the profile's first sentence with *texts* in their fields, without a line end."""
        word, places = next(iter(self._places.items()))
        fields = [f"GP{word}" if len(word) == 3 else word, *[""] * max(places)]
        for place, text in zip(places, texts, strict=True):
            if place:
                fields[place] = text
        return b"$" + checksum.append(",".join(fields).encode("ascii"), self.kind)

    def _places_of(self, word: str) -> tuple[int, ...]:
        """Return the field of each channel in a sentence, 0 where it has none."""
        if word in self._places:
            return self._places[word]
        # Two letters of the talker, three of the type; P begins a maker's own word.
        if len(word) == 5 and word[0] != "P" and word[2:] in self._places:
            return self._places[word[2:]]
        if self.form.others == "reject":
            raise Reject(RejectReason.TYPE)
        return self._nothing
