"""Try faults on a healthy recording: see the signal, and what each detector says, at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import yaml

from sensorkit import detect
from sensorkit.capture import Recording
from sensorkit.capture.injected import inject_recording
from sensorkit.errors import PlanError
from sensorkit.evaluate.settings import Settings
from sensorkit.faults import FaultPlan
from sensorkit.faults.labels import faults_of
from sensorkit.faults.placing import usual_period
from sensorkit.faults.plan import GAP_READINGS
from sensorkit.nearest import unknown
from sensorkit.notebook.fault_editor_drafts import (
    FIELDS,
    Draft,
    Seen,
    changed,
    first_draft,
    plan_of,
)
from sensorkit.notebook.fault_editor_figure import EditorFigure
from sensorkit.notebook.fault_editor_judges import COLUMNS, Bench, rows_of
from sensorkit.notebook.fault_editor_panel import Panel
from sensorkit.notebook.fault_editor_preview import Preview, kinds_for
from sensorkit.surroundings import in_notebook

DEFAULT = ("rules", "sigma", "guard")


def fault_editor(
    recording: Recording | str | Path,
    *,
    detectors: str | Sequence[str | detect.Detector] | None = None,
    settings: Settings | None = None,
    seed: int = 0,
) -> FaultEditor:
    """Open a fault editor on a healthy recording.

    In JupyterLab it shows itself, with controls; elsewhere, and where SENSORKIT_QUIET is set, it
    is set by `FaultEditor.set`, `add` and `remove`.

    Parameters
    ----------
    recording : Recording or path
        Without faults, long enough to be cut into what detectors learn from, what they are
        calibrated on, and the rest, where faults may be.
    detectors : str or sequence, optional
        Names, or detectors of yours; by default the rules of the profile if it has some, `sigma`
        and `guard`. A copy of each is fitted and calibrated as the benchmark does it.
    settings : Settings, optional
        The benchmark's: stretches, budget of false alarms, tolerance.
    seed : int
        Of the plan.

    Returns
    -------
    FaultEditor
        With one fault to begin with.

    Examples
    --------
    >>> editor = fault_editor("datasets/serial_monitor_healthy", detectors=["rules", "sigma"])
    >>> editor.set(channel="temperature", kind="stuck", start=1800, duration=120)
    >>> editor.table[["detector", "found"]].values.tolist()
    [['rules', False], ['sigma', True]]
    >>> print(editor.to_yaml())
    seed: 0
    faults:
    - kind: stuck
      channel: temperature
      start_s: 1800.0
      duration_s: 120.0
    <BLANKLINE>
    """
    opened = recording if isinstance(recording, Recording) else Recording.open(recording)
    if detectors is None:
        detectors = DEFAULT if opened.profile.rules else DEFAULT[1:]
    elif isinstance(detectors, str):
        detectors = [detectors]
    editor = FaultEditor(opened, detectors, settings or Settings(), seed, moving=in_notebook())
    editor.show()
    return editor


class FaultEditor:
    """Faults on a healthy recording, and what detectors say of them; `fault_editor` makes it.

    Attributes
    ----------
    recording : Recording
    kinds : list of str
        What this recording can have.
    refused : dict
        The other kinds, and why it cannot have them.
    """

    def __init__(
        self,
        recording: Recording,
        detectors: Sequence[str | detect.Detector],
        settings: Settings,
        seed: int,
        *,
        moving: bool,
    ) -> None:
        self.recording = recording
        self._bench = Bench(recording, detectors, settings)
        self.preview = Preview(recording)
        self.kinds, self.refused = kinds_for(self.preview)
        time = self.preview.readings.time
        self.period_s = usual_period(time) / 1e9
        test = self._bench.trial.stretches["test"].time
        first, last = (round((int(at) - int(time[0])) / 1e9, 3) for at in (test[0], time[-1]))
        self.test_s = (first, last)
        """Where faults may be: seconds since the first reading."""
        self.seed = seed
        self.watchers: list[Callable[[], None]] = []
        """Called when something else stands here."""
        names = [judge.name for judge in self._bench.judges]
        self._drawing = EditorFigure(names)
        self.seen = self.look((self._first(),), 0, seed)
        self._draw()
        self._moving = moving
        if moving:
            self._drawing.move()

    # What stands there.

    @property
    def plan(self) -> FaultPlan:
        """Return the plan, as `sensorkit inject` takes it."""
        return self.seen.plan

    @property
    def labels(self) -> pd.DataFrame:
        """Return the labels of the faults."""
        return self.seen.faulted.labels

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Return the rows of `table`; None where there is nothing to say."""
        return rows_of(self.seen.verdicts, faults_of(self.labels))

    @property
    def table(self) -> pd.DataFrame:
        """Return what each detector says: a row for each detector and fault.

        Columns: detector, fault, kind, channel, found, delay_s (NaN for a miss), false_alarms (of
        the detector, in the whole test, away from every fault).
        """
        table = pd.DataFrame(self.rows, columns=list(COLUMNS))
        return table.astype({"delay_s": "float64"})

    @property
    def figure(self) -> go.Figure:
        """Return the figure: signal and detectors around the faults."""
        return self._drawing.figure

    @property
    def faults(self) -> pd.DataFrame:
        """Return the faults, one row each; sizes in the unit of the channel and in sigmas."""
        placed = [(fault.start_s, fault.duration_s) for fault in self.plan.faults]
        sizes = self.labels[["id", "kind", "channel", "magnitude", "magnitude_sigma"]]
        return sizes.join(pd.DataFrame(placed, columns=["start_s", "duration_s"], dtype="float64"))

    @property
    def selected(self) -> int:
        """Return the number of the fault that `set` changes, from 1; 0 if there is none."""
        return self.seen.selected + 1 if self.seen.drafts else 0

    # Changing it.

    def set(
        self,
        *,
        kind: str | None = None,
        channel: str | None = None,
        size: float | None = None,
        size_sigma: float | None = None,
        start: float | None = None,
        duration: float | None = None,
        gradual: bool | None = None,
        value: float | None = None,
        seed: int | None = None,
    ) -> None:
        """Change the selected fault; what is not given stays.

        Parameters
        ----------
        kind, channel : str
        size : float
            In the unit of the channel, or in bits or bytes where the kind has them.
        size_sigma : float
            The same in robust sigmas of the healthy channel.
        start : float
            Seconds since the first reading.
        duration : float
            Seconds.
        gradual : bool
            Whether it grows over the first half of its duration.
        value : float
            At which a sensor is stuck; by default its first value in the fault.
        seed : int
            Of the plan.

        Raises
        ------
        PlanError
            If such a fault cannot be there; everything is then as it was.
        """
        if not self.seen.drafts:
            raise PlanError("there is no fault to change; `add` one")
        drafts = list(self.seen.drafts)
        drafts[self.seen.selected] = changed(
            drafts[self.seen.selected],
            self.preview,
            kind=kind,
            channel=channel,
            size=size,
            size_sigma=size_sigma,
            start=start,
            duration=duration,
            gradual=gradual,
            value=value,
        )
        seed = self.seed if seed is None else seed
        self.take(self.look(tuple(drafts), self.seen.selected, seed))

    def add(self, **fields: Any) -> None:
        """Add a fault like the selected one, after the last, and select it; *fields* as in `set`.

        Raises
        ------
        PlanError
            If such a fault cannot be there. If it is for want of room, give `start=`, or shorten
            another.
        """
        drafts = self.seen.drafts
        draft = drafts[self.seen.selected] if drafts else self._first()
        if drafts:
            after = max(one.end_s for one in drafts) + GAP_READINGS * self.period_s
            draft = replace(draft, start_s=round(after, 3))
        seed = fields.pop("seed", None)
        for name in fields:
            if name not in FIELDS:
                raise PlanError(unknown("field of a fault", name, [*FIELDS, "seed"]))
        draft = changed(draft, self.preview, **fields)
        seed = self.seed if seed is None else seed
        self.take(self.look((*drafts, draft), len(drafts), seed))

    def remove(self, number: int | None = None) -> None:
        """Take fault *number* out, from 1; the selected one where not given."""
        at = self._at(self.selected if number is None else number)
        drafts = (*self.seen.drafts[:at], *self.seen.drafts[at + 1 :])
        self.take(self.look(drafts, max(min(at, len(drafts) - 1), 0), self.seed))

    def select(self, number: int) -> None:
        """Select fault *number*, from 1: `set` changes it, and its channel is shown."""
        self.take(replace(self.seen, selected=self._at(number)))

    # Handing it on.

    def to_yaml(self, path: str | Path | None = None) -> str:
        """Return the plan as YAML, and write it to *path* if that is given.

        `sensorkit inject RECORDING --faults PATH --out DIR` then makes the recording that is seen
        here.
        """
        plan = {"seed": self.plan.seed, **self.plan.to_dict()}
        text = yaml.safe_dump(plan, sort_keys=False, allow_unicode=True)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def inject(self, out: str | Path) -> Recording:
        """Write the recording with the faults in it to the new folder *out*."""
        return inject_recording(self.recording, self.plan, out)

    def show(self) -> None:
        """Show the controls; nothing happens where there can be none."""
        if self._moving:
            Panel(self).show()

    def __repr__(self) -> str:
        n = len(self.plan.faults)
        return f"<FaultEditor {self.recording.name!r}: {n} {'fault' if n == 1 else 'faults'}>"

    def look(self, drafts: tuple[Draft, ...], selected: int, seed: int) -> Seen:
        """Return what would come of *drafts*; nothing here changes.

        Raises
        ------
        PlanError
            If they make no plan for this recording.
        """
        plan = plan_of(drafts, seed)
        begin = self.test_s[0]
        for number, draft in enumerate(drafts, 1):
            if draft.start_s < begin:
                raise PlanError(
                    f"fault {number} ({draft.kind}) starts at {draft.start_s:g} s, where detectors "
                    f"still learn from healthy readings; start it at {begin:g} s or later"
                )
        faulted = self.preview.inject(plan)
        verdicts, exact = self._bench.judge(faulted)
        return Seen(drafts, selected, plan, faulted, verdicts, exact)

    def take(self, seen: Seen) -> None:
        """Make *seen* what stands here."""
        self.seen = seen
        self.seed = seen.plan.seed
        self._draw()
        for told in self.watchers:
            told()

    def _at(self, number: int) -> int:
        """Return the place of fault *number*."""
        n = len(self.seen.drafts)
        if not isinstance(number, int) or not 1 <= number <= n:
            there = f"there are 1 to {n}" if n else "there is none"
            raise PlanError(f"there is no fault {number!r}; {there}")
        return number - 1

    def _first(self) -> Draft:
        return first_draft(self.preview, self.test_s, self.period_s)

    def _draw(self) -> None:
        shown = self.recording.profile.channels[0].name
        if self.seen.drafts:
            shown = self.seen.drafts[self.seen.selected].channel
        begin = self._bench.begin
        self._drawing.draw(
            self.preview.of_first(self.preview.readings[slice(begin, None)]),
            self.preview.of_first(self.seen.faulted.readings[slice(begin, None)]),
            self.labels,
            self.seen.verdicts,
            channel=shown,
            unit=self.recording.profile.channel(shown).unit,
            alt=self.seen.sentence,
        )
