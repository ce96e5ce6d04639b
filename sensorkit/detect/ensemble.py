"""Several detectors as one: their evidence is added up, or any of them may raise the alarm."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import numpy as np

from sensorkit.detect.base import UNCALIBRATED_QUANTILE, BaseDetector, Shared
from sensorkit.detect.ensemble_stream import EnsembleStream, of_member
from sensorkit.detect.evidence import SILENT, AtThreshold, Evidence
from sensorkit.detect.protocol import advance
from sensorkit.detect.registry import make
from sensorkit.detect.shaping import DeviceStream
from sensorkit.detect.streams import LARGEST, Arrays, Finding, Floats, Judged, Rows, Track
from sensorkit.detect.tails import Tail
from sensorkit.errors import DetectorError
from sensorkit.profile import Profile
from sensorkit.readings import Alert, Readings

Members = Mapping[str, Mapping[str, Any]]

COMBINE = ("sum", "any")


# Improbability at which a member that is not calibrated has evidence of 1: a sigma with k = 3 would
# shout at one reading in 100. Twice the share of what a quantile of the fit leaves flagged.
RARE_ENOUGH = -math.log10(2.0 * (1.0 - UNCALIBRATED_QUANTILE))


class Ensemble(BaseDetector):
    r"""Add up what several detectors say, each on the scale of its own tail.

    Each learned member :math:`k` scores the readings by itself. From its scores on healthy
    readings follows how improbable a score is (see `sensorkit.detect.tails.Tail`), and at which
    improbability :math:`t_k` it would use up its share of the false-alarm budget. Its evidence
    counts from where its tail begins, :math:`b_k`, and is 1 at that threshold; the score is

    .. math:: \sum_k g\left(\frac{\max(0, -\log_{10} P_k(s_k) - b_k)}{t_k - b_k}\right), \quad
        g(e) = \begin{cases} e & e \le 1 \\ 1 + 0.3 \ln e & e > 1 \end{cases}

    so that one member that is certain raises an alarm alone, and two that are half certain do
    so together. Members with fixed limits (`rules`) keep these: they raise their own alerts, of
    their own types, and a reading that breaches one scores above the threshold, by the sum and
    :math:`\ln(1 + past)` with the distance past the limit.

    Parameters
    ----------
    members : mapping of str to mapping
        Detector -> its parameters. Members have the profile of the ensemble. For two of a kind,
        any label -> its parameters and `detector`: `{"frozen": {"detector": "sigma",
        "baseline": "frozen"}}`. An ensemble cannot be a member.
    combine : {"sum", "any"}
        "sum" is what stands above. With "any" a reading is flagged when at least one member flags
        it at its own threshold: the score is the largest of :math:`s_k` over that threshold, a
        fixed limit counts as above, and nothing is learned of tails. It needs no fit where no
        member needs one, and then works from the first reading on, live as well.
    profile : Profile, optional
        Gives alerts the labels, units and decimals of the channels.
    **shared
        See `sensorkit.detect.options.Options`; for the sum. Members may be given their own.

    Raises
    ------
    DetectorError
        If there is no member, one is unknown, or none of them learns.

    Notes
    -----
    The sum of -log p is Fisher's way to combine tests [1]_. We depart from it in two points:
    evidence below the start of the tails (the upper 2 % of the healthy scores) counts nothing,
    which would otherwise drown one clear voice in the chatter of the others; and no
    independence is assumed, for the threshold of the sum is set on readings.

    Before `calibrate`, the healthy scores are those of the fit, :math:`t_k` stands at each
    member's own threshold or at one reading in 500, whichever is rarer, and the threshold of
    the sum is 1: a reading is flagged that any member would flag alone. `calibrate` gives
    each learned member the same part of the budget, takes the tails from the clean readings,
    and sets the threshold of the sum for the whole budget.

    An alert begins with the words of the member whose evidence is the largest, and says what
    share of it each has, or with "any" which of them have flagged the reading. All channels share
    one episode.

    References
    ----------
    .. [1] R. A. Fisher, "Statistical Methods for Research Workers", 4th ed., Oliver and Boyd,
       1932, section 21.1.

    Examples
    --------
    A limit that must never be passed, and the usual chart; either may raise the alarm:

    >>> either = Ensemble(
    ...     members={"rules": {}, "sigma": {"window": 50, "k": 3}},
    ...     combine="any",
    ...     profile=Profile.load("serial_monitor"),
    ... )
    >>> values = np.array([[25.0, 5.0], [25.2, 5.1]] * 10 + [[26.0, 5.0], [85.0, 5.0]])
    >>> readings = Readings.build(np.arange(22) * 10**9, values, either.profile.channel_names)
    >>> (either.score(readings) >= either.threshold_).nonzero()[0].tolist()
    [20, 21]
    """

    name = "ensemble"
    movable = slice(0, 1)
    # One member alone has evidence of 1.5 when it is five times as certain as for an alert.
    critical_factor = 1.5

    def __init__(
        self,
        *,
        members: Members | None = None,
        combine: str = "sum",
        profile: Profile | None = None,
        **shared: Unpack[Shared],
    ) -> None:
        super().__init__(profile=profile, **shared)
        if combine not in COMBINE:
            raise DetectorError(
                f"{self.name}: combine is {combine!r}; {' or '.join(COMBINE)} is wanted"
            )
        self.combine = combine
        chosen = self.preset() if members is None else members
        if not isinstance(chosen, Mapping) or not chosen:
            raise DetectorError(
                f"{self.name}: members is {members!r}; detectors with their parameters are "
                "wanted: {'sigma': {'k': 4}, 'mewma': {}}"
            )
        made = {label: self._made(label, params) for label, params in chosen.items()}
        self.limits = tuple(member for member in made.values() if member.fixed)
        self.voices = tuple(member for member in made.values() if not member.fixed)
        self._labels = [label for label, member in made.items() if not member.fixed]
        if not self.voices:
            raise DetectorError(
                f"{self.name}: of {', '.join(chosen)} none has a score to add up; give it a "
                "detector that learns, such as sigma"
            )
        self.members = (*self.limits, *self.voices)
        self.must_be_fitted = combine == "sum" or any(one.must_be_fitted for one in self.members)
        self._chosen = {name: dict(params) for name, params in chosen.items()}
        self._evidence: tuple[Evidence, ...] = ()
        self._parts: list[Readings] = []  # of the fit, until the tails are wanted

    @staticmethod
    def preset() -> Members:
        """Return the members there are when none are given."""
        return {"sigma": {}, "volatility": {}, "mewma": {}}

    def _made(self, label: str, params: Mapping[str, Any]) -> BaseDetector:
        if not isinstance(params, Mapping):
            raise DetectorError(
                f"{self.name}: the parameters of member {label!r} are {params!r}; a mapping is "
                "wanted, {} for the defaults"
            )
        given = dict(params)
        made = make(given.pop("detector", label), profile=self.profile, **given)
        if not isinstance(made, BaseDetector):
            raise DetectorError(
                f"{self.name}: member {label!r} is no sensorkit.detect.BaseDetector; only such a "
                "one can be a member"
            )
        if made.members:
            raise DetectorError(
                f"{self.name}: member {label!r} is an ensemble itself; give its members: "
                f"{', '.join(member.name for member in made.members)}"
            )
        return made

    # `members` is a parameter by its name; the detectors are the attribute.
    def get_params(self) -> dict[str, Any]:
        return {**super().get_params(), "members": {n: dict(p) for n, p in self._chosen.items()}}

    # Learning

    def learn(self, parts: list[Readings]) -> None:
        for member in self.members:
            member.fit(Readings.concat(parts) if len(parts) > 1 else parts[0])
        self._evidence, self._parts = (), parts

    def watch_channels(self, channels: tuple[str, ...]) -> None:
        super().watch_channels(channels)
        for member in self.members:
            if not member.fitted:
                member.watch_channels(channels)

    def evidence(self) -> Sequence[Evidence] | Sequence[AtThreshold]:
        """Return how the scores of each voice count; from the fit, unless calibrated."""
        if self.combine == "any":
            return tuple(AtThreshold(voice.threshold_) for voice in self.voices)
        return self._tails()

    def _tails(self) -> tuple[Evidence, ...]:
        if not self._evidence:
            self._evidence = tuple(self._of_fit(voice) for voice in self.voices)
            self._parts = []
        return self._evidence

    def _of_fit(self, voice: BaseDetector) -> Evidence:
        # Of a voice that said the same all along, anything else is as improbable as can be.
        return Evidence.of(voice, self._parts, rarest=RARE_ENOUGH) or SILENT

    def natural_threshold(self) -> float:
        return 1.0

    @property
    def threshold_from_fit(self) -> bool:
        return False

    def set_threshold(self, clean: Readings, alarms: int) -> None:
        for voice in self.voices:
            voice.set_threshold(clean, alarms // len(self.voices))
        if self.combine == "sum":
            found = [Evidence.of(voice, [clean]) for voice in self.voices]
            # Clean readings that say nothing of a voice leave it as it is.
            self._evidence = tuple(new or self._tails()[k] for k, new in enumerate(found))
        self._parts = []
        super().set_threshold(clean, alarms)

    # The stream

    def find_tracks(self, channels: tuple[str, ...]) -> Sequence[Track]:
        return [Track(self.anomaly_type(), None), Track(self.anomaly_type(), None)]

    def frozen(self) -> tuple[object, ...]:
        return (self, *(one for member in self.members for one in member.frozen()))

    def open_stream(self, device: str) -> EnsembleStream:
        return EnsembleStream(self, [member.device(device) for member in self.members])

    def reset(self) -> None:
        super().reset()
        for member in self.members:
            member.reset()

    def group(
        self, device: DeviceStream, part: Readings, judged: Judged, rows: Rows
    ) -> list[tuple[int, Alert]]:
        begun = []
        self._meet_again()
        for k, member in enumerate(self.limits):
            own = member.device(device.name)
            begun += member.group(own, part, of_member(judged, k), rows)
        judged.scores[:, 1] = -LARGEST  # they have spoken for themselves
        return begun + super().group(device, part, judged, rows)

    def _meet_again(self) -> None:
        """Let members look at the streams there are: `hold` may have put others in their place."""
        for device in self._devices.values():
            assert isinstance(device.stream, EnsembleStream)  # noqa: S101 - it opens its own
            for member, own in zip(self.members, device.stream.members, strict=True):
                member.meet(own)

    def listen(self, time_ns: int, device: str) -> None:
        self._introduce(device)
        self._meet_again()
        for member in self.limits:
            member.listen(time_ns, device)

    def advance(self, time_ns: int, device: str | None = None) -> list[Alert]:
        self._meet_again()
        begun = [alert for member in self.limits for alert in advance(member, time_ns, device)]
        return sorted(begun, key=lambda alert: alert.start)

    def finish(self) -> list[Alert]:
        self._meet_again()
        for member in self.limits:
            member.finish()
        return super().finish()

    def explain(self, part: Readings, judged: Judged, row: int, track: int) -> Finding:
        evidence = judged.facts["evidence"][row]
        loudest = int(np.argmax(evidence))
        own = of_member(judged, len(self.limits) + loudest)
        found = self.voices[loudest].explain(part, own, row, int(np.argmax(own.scores[row])))
        # With `smooth` the evidence may be that of the readings before.
        said = self._flagged(evidence) if self.combine == "any" else self._shares(evidence)
        return Finding(f"{found.description}{said}", None, found.channel, found.value)

    def _shares(self, evidence: Floats) -> str:
        """Say what share of the evidence each voice has."""
        shares = evidence / max(evidence.sum(), np.finfo(np.float64).tiny)
        said = ", ".join(
            f"{self._labels[k]} {shares[k]:.0%}"
            for k in np.argsort(-evidence, kind="stable")
            if evidence[k] > 0
        )
        return f" Evidence: {said}." if said else ""

    def _flagged(self, evidence: Floats) -> str:
        """Say which voices flag a reading."""
        said = [name for name, one in zip(self._labels, evidence, strict=True) if one >= 1.0]
        return f" Flagged by {', '.join(said)}." if said else ""

    # What is saved

    def state(self) -> Arrays:
        if self.combine == "any":
            return {}
        arrays: Arrays = {"unit": np.array([one.unit for one in self._tails()])}
        for k, one in enumerate(self._tails()):
            arrays |= {f"{name}{k}": array for name, array in one.tail.arrays().items()}
        return arrays

    def restore(self, arrays: Arrays) -> None:
        if self.combine == "any":
            super().restore(arrays)
            return
        unit = arrays.pop("unit", np.empty(0))
        tails = [
            Tail.of({name: arrays.pop(f"{name}{k}") for name in ("body", "tail")})
            for k in range(len(self.voices))
        ]
        super().restore(arrays)
        if unit.dtype != np.float64 or unit.shape != (len(tails),):
            raise ValueError(f"unit is {unit.dtype} of shape {unit.shape}")
        if not (np.isfinite(unit) & (unit > 0)).all():
            raise ValueError("unit is not finite and above 0")
        self._evidence = tuple(
            Evidence(tail, float(one)) for tail, one in zip(tails, unit, strict=True)
        )


class Guard(Ensemble):
    """The ensemble for a device of which nothing is known but a healthy recording.

    Fixed limits for what must never be, and three questions of the readings: is a value far
    from those before it (`sigma`), do the values vary more or less than usual (`volatility`),
    have the channels together wandered off (`mewma`)? The rules are those of the profile, and
    learned ones of the kinds that it says nothing of. See `Ensemble` for how the answers are
    added up.
    """

    name = "guard"

    @staticmethod
    def preset() -> Members:
        return {"rules": {"source": "both"}, "sigma": {}, "volatility": {}, "mewma": {}}
