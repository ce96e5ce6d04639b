"""The slow, obvious twin of FrameStream: one read, one line, one frame at a time."""

from sensorkit.readings import Rejection, RejectReason
from sensorkit.wire.codec import make_codec
from sensorkit.wire.stream import FrameStream
from sensorkit.wire.timeline import Timeline, whole_microseconds


class ByTheBook:
    """Takes what FrameStream takes; says in plain lists what came out."""

    def __init__(self, profile, *, started_ns=None):
        self.codec = make_codec(profile)
        self.framer = self.codec.framer()
        heartbeat = profile.heartbeat_s
        self.timeline = Timeline(None if heartbeat is None else round(heartbeat * 1e9), started_ns)
        self.mid_stream = False
        self.readings, self.rejections, self.events = [], [], []

    def feed(self, received_ns, chunk):
        received = whole_microseconds(received_ns)
        self.events += self.timeline.silence(received, self.framer.received)
        for line in self.framer.feed(chunk):
            half, self.mid_stream = self.mid_stream, False
            (frames, rejections) = self.codec.decode([line])
            reason = rejections[0][1] if rejections else None
            if half and (reason or not (frames[0].checked or self.codec.anchored)):
                reason = RejectReason.PARTIAL_START
            if reason:
                self.rejections.append(Rejection(received, line.offset, reason, line.data))
            else:
                self.place(frames[0], received)

    def place(self, frame, received):
        uptime = None if frame.uptime is None else round(frame.uptime * 1e6) * 1000
        time = self.timeline.place(frame.offset, frame.sequence, uptime, received, self.events)
        sequence = -1 if frame.sequence is None else frame.sequence
        # repr, for NaN is not equal to itself, and -0.0 is equal to 0.0
        values = [repr(value) for value in frame.values]
        self.readings.append((time, frame.offset, sequence, frame.status, values, frame.texts))

    @property
    def told(self):
        return {
            "readings": self.readings,
            "rejections": self.rejections,
            "events": self.events,
            "lost": self.timeline.lost,
            "resets": self.timeline.resets,
            "silences": self.timeline.silences,
            "tail": self.framer.tail,
            "bytes": (self.framer.received, self.framer.terminators, self.framer.passed_over),
        }


class Fast:
    """FrameStream with the same answers; blocks of reads at once."""

    def __init__(self, profile, *, started_ns=None):
        self.stream = FrameStream(profile, started_ns=started_ns)
        self.readings, self.rejections, self.events = [], [], []

    def take(self, batch):
        r = batch.readings
        self.readings += zip(
            r.time.tolist(),
            r.offset.tolist(),
            r.sequence.tolist(),
            r.status.to_array().tolist(),
            [[repr(value) for value in row] for row in r.values.tolist()],
            batch.texts.rows(),
            strict=True,
        )
        self.rejections += batch.rejections
        self.events += batch.events

    @property
    def told(self):
        decoder, timeline = self.stream._decoder, self.stream._timeline
        return {
            "readings": self.readings,
            "rejections": self.rejections,
            "events": self.events,
            "lost": timeline.lost,
            "resets": timeline.resets,
            "silences": timeline.silences,
            "tail": decoder.tail,
            "bytes": (decoder.received, decoder.terminators, decoder.passed_over),
        }
