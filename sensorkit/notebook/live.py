"""Capture a device and watch it in JupyterLab: values, alerts, heartbeat, and a stop button."""

from __future__ import annotations

import contextlib
from collections.abc import Hashable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from weakref import WeakValueDictionary

from sensorkit.errors import RecordingError, UsageError
from sensorkit.notebook.live_capture import CaptureProcess, Wanted
from sensorkit.notebook.live_view import Live
from sensorkit.profile import Profile
from sensorkit.surroundings import in_notebook

LONGEST_S = 1e9
"""Of what is shown, as of a capture."""

_running: WeakValueDictionary[Hashable, Live] = WeakValueDictionary()
"""What cells of this notebook have started, by link; those that have ended are of no concern."""


def live(
    link: str | AbstractContextManager[str],
    *,
    out: str | Path | None = None,
    profile: str | Path | Profile = "serial_monitor",
    detector: object = None,
    seconds: float | None = None,
    frames: int | None = None,
    window_s: float = 60.0,
    baud: int = 115200,
) -> Live:
    """Capture a device into a new recording, and show it as it comes.

    The capture is `sensorkit capture` in a process of its own. The plot looks at what that has
    written, so a slow browser, a busy cell or a kernel that is killed costs no byte. It ends by the
    Stop button, `Live.stop`, an interrupt in `Live.wait`, a second run of the cell, or with the
    kernel; the recording is closed in good order each time.

    Where nothing can move (SENSORKIT_QUIET is set, or this is no notebook), it runs to its end and
    has a plain figure then.

    Parameters
    ----------
    link : str or context manager
        What `sensorkit capture` reads: a port, `socket://HOST:PORT`, `file:PATH`. What
        `emulated(...)` gives is entered, and left when the capture is over.
    out : path, optional
        The new folder of the recording; by default one in `recordings/`, named by the time.
    profile : str, Path or Profile
        What the device sends.
    detector : optional
        A name, a file that `detect.save` wrote, or a fitted detector; by default the rules of the
        profile, "none" for no alerts.
    seconds : float, optional
        Ends by itself after so long.
    frames : int, optional
        Ends by itself once there are so many valid frames.
    window_s : float
        How much of the past is shown.
    baud : int
        Speed of a serial port.

    Returns
    -------
    Live

    Raises
    ------
    SensorkitError
        If the capture cannot begin, or, where nothing moves, if it fails; in the words of
        `sensorkit capture`.
    """
    given: object = link
    # A Path can be entered, up to Python 3.12.
    if not isinstance(given, str | AbstractContextManager) or isinstance(given, Path):
        raise UsageError(
            f"live({link!r}): a {type(link).__name__} is no link; a port such as "
            "'/dev/ttyUSB0' or 'COM3', 'socket://HOST:PORT', 'file:PATH', or emulated(...) is "
            "wanted"
        )
    if not 0 < window_s <= LONGEST_S:
        raise UsageError(
            f"window_s={window_s!r}: from 0 to {LONGEST_S:g} seconds are possible, and more than 0"
        )
    known = Profile.load(profile) if isinstance(profile, str | Path) else profile
    folder = Path(out) if out is not None else _new_folder(known.name)
    key = _key(link)
    moving = in_notebook()
    if key in _running:
        _running[key].stop()
    if folder.exists():
        raise RecordingError(
            f"{folder}: is already there, and a recording is never overwritten; choose another "
            "out= or remove it"
        )
    endless = seconds is None and frames is None and isinstance(link, str)
    if not moving and endless and not str(link).startswith("file:"):
        raise UsageError(
            f"live({link!r}): nobody can press Stop here, and the device may speak for ever; give "
            "seconds= or frames="
        )
    with contextlib.ExitStack() as stack:
        port = link if isinstance(link, str) else stack.enter_context(link)
        capture = CaptureProcess(Wanted(port, folder, profile, detector, seconds, frames, baud))
        try:
            seen = Live(capture, folder, known, window_s=window_s, moving=moving, device=stack)
        except BaseException:
            capture.ask_to_stop()
            capture.wait()
            capture.close()
            raise
        try:
            capture.wait_for_start()
        except BaseException:
            seen.stop()
            raise
        seen.device = stack.pop_all()
    if moving:
        _running[key] = seen
        seen.show()
    else:
        seen.wait()
        if (failure := seen.failure) is not None:
            raise failure
    return seen


def _key(link: str | AbstractContextManager[str]) -> Hashable:
    """Return what two runs of one cell have in common."""
    if isinstance(link, str):
        return link
    made = [getattr(link, name, None) for name in ("func", "args", "kwds")]
    return repr(made) if made[0] is not None else id(link)


def _new_folder(name: str) -> Path:
    """Return a folder in `recordings` that is not there yet."""
    return Path("recordings") / f"{name}_{datetime.now(UTC):%Y%m%dT%H%M%S_%f}Z"
