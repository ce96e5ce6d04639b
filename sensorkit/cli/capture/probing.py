"""`sensorkit capture --probe`: find the speed and the format before recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensorkit.cli.app import err, printable
from sensorkit.errors import RunError

if TYPE_CHECKING:
    from sensorkit.capture.probe import Trial
    from sensorkit.profile import Profile
    from sensorkit.wire.links import Link


def probed(link: str, profile: Profile, baud: int) -> tuple[Trial, Link]:
    """Return the trial that reads best, and the link, open and ready to be recorded.

    What a port says at the speeds tried is not recorded. Where there is no speed to try, the link
    gives back first what was looked at.

    Raises
    ------
    RunError
        If nothing comes, or no shipped format and not *profile* reads it.
    """
    from sensorkit.capture import probe
    from sensorkit.capture.diagnosis import COMMON_BAUD
    from sensorkit.profile import Profile, shipped
    from sensorkit.wire.links import has_baud, open_link, set_baud

    others = [Profile.load(name) for name in shipped() if name != profile.name]
    profiles = [profile, *(other for other in others if other.frame is not None)]
    seconds = probe.listen_s(profiles[:1])
    if has_baud(link):
        _say(f"listening to {link} at up to {len(COMMON_BAUD)} speeds, {seconds:g} s each")
        opened = open_link(link, baud=baud)
        try:
            best = probe.try_speeds(
                opened, profiles, baud, seconds=seconds, set_speed=set_baud, say=_tell
            )
            _check(link, best)
        except BaseException:
            opened.close()
            raise
        _say(f"{link}: {best.baud} baud, profile {best.profile.name}; recording from here on")
        return best, opened
    _say(f"{link}: there is no baud rate to try; looking at its format, at most {seconds:g} s")
    opened = open_link(link)
    try:
        data = probe.listen(opened, seconds)
        best = probe.judge(data, profiles, None)
        _check(link, best)
    except BaseException:
        opened.close()
        raise
    _say(f"{link}: profile {best.profile.name} reads {best.share:.0%} of the lines")
    return best, probe.Rewound(opened, data)


def _check(link: str, best: Trial) -> None:
    """Refuse to record what nothing reads."""
    if not best.data:
        raise RunError(
            f"{link}: nothing came while probing; check the cable, the device's power and that it "
            "speaks by itself (sensorkit only listens)"
        )
    if not best.reads:
        at = f" at {best.baud} baud" if best.baud else ""
        raise RunError(
            f"{link}: no profile reads what comes{at}: {best.diagnosis.findings()}; "
            f"{best.diagnosis.advice()}"
        )


def _tell(trial: Trial) -> None:
    lines = trial.data.count(b"\n")
    found = "nothing" if not trial.data else f"{len(trial.data)} bytes, {lines} line ends"
    reads = f", {trial.profile.name} reads {trial.share:.0%}" if trial.share else ""
    _say(f"{trial.baud:>8} baud: {found}{reads}")


def _say(text: str) -> None:
    err.print(f"sensorkit: {printable(text)}")
