"""`sensorkit rul`: how much life is left, on C-MAPSS or on recordings that run to a failure."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensorkit.cli.app import command, counted, out, print_json, printable, warn_of_changes
from sensorkit.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from sensorkit.profile import Profile
    from sensorkit.prognosis import RemainingLife
    from sensorkit.prognosis.trial import Trial
    from sensorkit.readings import Readings


@command("rul")
def rul(
    source: Annotated[
        list[str],
        typer.Argument(
            metavar="FD00n|DIR...",
            help="A subset of C-MAPSS, or folders of recordings (or sessions) that run to a "
            "failure.",
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Where the files of C-MAPSS lie; below SENSORKIT_DATA by default."
        ),
    ] = None,
    limit: Annotated[
        float | None,
        typer.Option(
            metavar="S", help="Remaining life at which it warns; a quarter of the cap by default."
        ),
    ] = None,
    cap: Annotated[
        float | None,
        typer.Option(
            metavar="S", help="More is not told apart; 0.6 of the median life by default."
        ),
    ] = None,
    window: Annotated[int, typer.Option(min=2, max=100_000, help="Readings in a window.")] = 70,
    conditions: Annotated[
        int, typer.Option(min=1, max=1000, help="Operating conditions; needs --settings.")
    ] = 1,
    settings: Annotated[
        str, typer.Option(metavar="NAMES", help="Channels that tell the operating condition.")
    ] = "",
    to_failure: Annotated[
        bool,
        typer.Option(
            "--to-failure",
            help="Each device failed with its last reading; for recordings without labels of it.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Fixes every random choice.")] = 0,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Keep the detector: `capture --detector FILE` uses it."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Learn from lives that ended in a failure, and say how well the end is foretold.

    FD001 to FD004 are judged by the protocol of C-MAPSS, beside trivial guesses. Of recordings,
    labels of the kind `wear` say when a device failed; with --to-failure each device failed with
    its last reading. The error is that on devices that were held out.

    Example: sensorkit rul recordings/worn --save life.detector
    """
    from sensorkit import detect
    from sensorkit.prognosis.fleet import SUBSETS

    if save is not None and not save.parent.is_dir():
        raise UsageError(f"{save}: its folder is not there; make it, or check the path")
    chosen = {"limit_s": limit, "cap_s": cap, "window": window, "conditions": conditions}
    if source[0] in SUBSETS and not Path(source[0]).is_dir():
        if len(source) > 1:
            raise UsageError(f"{' '.join(source)}: give one subset of C-MAPSS at a time")
        if limit is not None or cap is not None or window != 70 or conditions != 1 or settings:
            raise UsageError(
                f"{source[0]} is judged as it is documented; --limit, --cap, --window, "
                "--conditions and --settings are for recordings"
            )
        found, detector = _judged(source[0], data, seed)
    else:
        if data is not None:
            raise UsageError("--data says where C-MAPSS lies; recordings are given by their folder")
        given = {**chosen, "settings": settings, "seed": seed}
        found, detector = _learned([Path(one) for one in source], given, to_failure=to_failure)
    if save is not None:
        detect.save(detector, save)
        found["saved"] = str(save)
    if as_json:
        print_json(found)
        return
    for line in _said(found):
        out.print(printable(line))


def _judged(name: str, data: Path | None, seed: int) -> tuple[dict[str, Any], RemainingLife]:
    """Judge a subset of C-MAPSS by its protocol."""
    from sensorkit import prognosis
    from sensorkit.prognosis.trial import trial

    fleet = prognosis.load(name, data)
    judged = trial(fleet, seed=seed)
    judged.detector.reset()
    return {
        "subset": name,
        "learned_from": int(fleet.train["unit"].nunique()),
        "predicted": len(fleet.rul),
        "conditions": fleet.conditions,
        "methods": _methods(judged),
        "within_interval": judged.covered,
        "coverage": judged.detector.coverage,
        "cap_cycles": judged.detector.cap,
    }, judged.detector


def _methods(judged: Trial) -> list[dict[str, Any]]:
    table = judged.table()
    return [
        {"method": str(name), **{str(key): _plain(value) for key, value in row.items()}}
        for name, row in table.to_dict("index").items()
    ]


def _learned(
    folders: list[Path], given: dict[str, Any], *, to_failure: bool
) -> tuple[dict[str, Any], RemainingLife]:
    """Learn from recordings."""
    from sensorkit import prognosis
    from sensorkit.readings import Readings

    parts, labels, profile = _recorded(folders)
    if (labels is None) != to_failure:
        raise UsageError(
            "no label tells when a device failed; if each failed with its last reading, say "
            "--to-failure"
            if labels is None
            else "labels tell when each device failed; leave out --to-failure"
        )
    readings = Readings.concat(parts)
    detector = prognosis.RemainingLife(profile=profile, **given).fit(readings, labels)
    lives = prognosis.lives(readings, labels)
    return {
        "recordings": [str(folder) for folder in folders],
        "lives": len(lives),
        "devices": len({life.device for life in lives}),
        "labelled": labels is not None,
        "cap_s": detector.cap,
        "limit_s": detector.limit,
        "error_s": _plain(detector.error),
        "coverage": detector.coverage,
        "half_widths_s": [_plain(width) for width in detector.model.interval.width],
    }, detector


def _recorded(folders: list[Path]) -> tuple[list[Readings], pd.DataFrame | None, Profile]:
    """Return the readings, the labels (None if there is none of wear) and the profile."""
    import pandas as pd

    from sensorkit.capture import Recording
    from sensorkit.capture.session import Session, is_session
    from sensorkit.prognosis.life import KIND, LAYER

    singles = [
        one
        for folder in folders
        for one in (Session.open(folder).folders().values() if is_session(folder) else [folder])
    ]
    opened = []
    for folder in singles:
        opened.append(Recording.open(folder))
        warn_of_changes(folder)
    parts = [one.readings() for one in opened]
    for one, part in zip(opened, parts, strict=True):
        if part.channels != parts[0].channels:
            raise UsageError(
                f"{one.dir} has the channels {', '.join(part.channels)}, {opened[0].dir} has "
                f"{', '.join(parts[0].channels)}; lives of the same kind of device are wanted"
            )
    tables = [one.labels() for one in opened]
    worn = [t[(t["layer"] == LAYER) & (t["kind"] == KIND)] for t in tables if len(t)]
    worn = [table for table in worn if len(table)]
    return parts, pd.concat(worn, ignore_index=True) if worn else None, opened[0].profile


def _plain(value: float) -> float | None:
    """Return a number for JSON, which knows no infinity."""
    return float(value) if math.isfinite(value) else None


def _said(found: dict[str, Any]) -> list[str]:
    """Put what was found into lines."""
    share = f"{100 * found['coverage']:.0f} %"
    saved = [f"saved in {found['saved']}"] if "saved" in found else []
    if "subset" in found:
        rows = [("method", "RMSE (95 %)", "PHM08 score (95 %)", "RMSE, lives capped")]
        rows += [
            (
                row["method"].replace("_", " "),
                f"{row['rmse']:.2f} ({row['rmse_low']:.1f} to {row['rmse_high']:.1f})",
                f"{row['score']:.0f} ({row['score_low']:.0f} to {row['score_high']:.0f})",
                f"{row['rmse_capped']:.2f}",
            )
            for row in found["methods"]
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        within = round(found["within_interval"] * found["predicted"])
        return [
            f"{found['subset']}: learned from {found['learned_from']} engines that failed, one "
            f"prediction for each of {found['predicted']} that were cut off",
            *("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows),
            f"In cycles, capped at {found['cap_cycles']:g}. The {share} interval holds {within} of "
            f"{found['predicted']} engines.",
            *saved,
        ]
    error = found["error_s"]
    held = (
        "There was nothing to hold out, so how wrong it is is not known."
        if error is None
        else f"On devices that were held out it is off by {error:.3g} s (RMSE)."
    )
    ends = "labels tell of" if found["labelled"] else "each ends with"
    what = "their failures" if found["labelled"] else "its last reading"
    unknown = all(width is None for width in found["half_widths_s"])
    wide = "too few lives to tell" if unknown else "by how much is left: " + ", ".join(
        "unknown" if width is None else f"{width:.3g}" for width in found["half_widths_s"]
    )  # fmt: skip
    return [
        f"learned from {found['lives']} {'life' if found['lives'] == 1 else 'lives'} of "
        f"{counted(found['devices'], 'device')} ({ends} {what})",
        f"It predicts up to {found['cap_s']:.4g} s and warns at {found['limit_s']:.4g} s. {held}",
        f"Half the {share} interval, in s: {wide}.",
        *saved,
    ]
