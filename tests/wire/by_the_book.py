"""The slow, obvious twin of FrameStream: one read, one line, one frame at a time."""

from dataclasses import replace

from sensorkit.readings import Rejection, RejectReason
from sensorkit.wire.codec import make_codec
from sensorkit.wire.stream import FrameStream
from sensorkit.wire.timeline import Timeline, whole_microseconds


class ByTheBook:
    """Takes what FrameStream takes; says in plain lists what came out."""

    def __init__(self, profile, *, started_ns=None):
        self.codec = make_codec(profile)
        self.device = profile.device
        self.framer = self.codec.framer()
        heartbeat = profile.heartbeat_s
        self.heartbeat = None if heartbeat is None else round(heartbeat * 1e9)
        named = profile.frame.names_device
        expected = (profile.devices if named else ()) or (None,)
        self.timelines = {name: Timeline(self.heartbeat, started_ns) for name in expected}
        self.waits = expected == (None,)
        self.mid_stream = False
        self.readings, self.rejections, self.events = [], [], []

    def feed(self, received_ns, chunk):
        received = whole_microseconds(received_ns)
        self.look_for_silence(received)
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

    def look_for_silence(self, received):
        """Those that were heard longest ago are missed first."""
        waiting = sorted(self.timelines.items(), key=lambda of: of[1].heard_ns or 0)
        for name, timeline in waiting:
            lost = timeline.silence(received, self.framer.received)
            self.events += [of_device(name, event) for event in lost]

    def timeline_of(self, name):
        if self.waits:  # the first to speak is whom we waited for
            self.waits = False
            self.timelines[name] = self.timelines.pop(None)
        return self.timelines.setdefault(name, Timeline(self.heartbeat, None))

    def place(self, frame, received):
        uptime = None if frame.uptime is None else round(frame.uptime * 1e6) * 1000
        timeline, shown = self.timeline_of(frame.device), []
        time = timeline.place(frame.offset, frame.sequence, uptime, received, shown)
        self.events += [of_device(frame.device, event) for event in shown]
        sequence = -1 if frame.sequence is None else frame.sequence
        # repr, for NaN is not equal to itself, and -0.0 is equal to 0.0
        values = [repr(value) for value in frame.values]
        words = (frame.device or self.device, frame.status)
        self.readings.append((time, frame.offset, sequence, *words, values, frame.texts))

    @property
    def told(self):
        return {
            "readings": self.readings,
            "rejections": self.rejections,
            "events": self.events,
            "lost": sum(timeline.lost for timeline in self.timelines.values()),
            "resets": sum(timeline.resets for timeline in self.timelines.values()),
            "silences": sum(timeline.silences for timeline in self.timelines.values()),
            "tail": self.framer.tail,
            "bytes": (self.framer.received, self.framer.terminators, self.framer.passed_over),
        }


def of_device(name, event):
    return event if name is None else replace(event, details={**event.details, "device": name})


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
            r.device.to_array().tolist(),
            r.status.to_array().tolist(),
            [[repr(value) for value in row] for row in r.values.tolist()],
            batch.texts.rows(),
            strict=True,
        )
        self.rejections += batch.rejections
        self.events += batch.events

    @property
    def told(self):
        decoder, counts = self.stream._decoder, self.stream.counts
        return {
            "readings": self.readings,
            "rejections": self.rejections,
            "events": self.events,
            "lost": counts.lost,
            "resets": counts.resets,
            "silences": counts.silences,
            "tail": decoder.tail,
            "bytes": (decoder.received, decoder.terminators, decoder.passed_over),
        }
