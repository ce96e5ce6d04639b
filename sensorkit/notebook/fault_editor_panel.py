"""The controls of the fault editor: each has its label, all can be reached by keyboard."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets  # type: ignore[import-untyped]
from IPython.display import display

from sensorkit.display.formats import visible
from sensorkit.errors import SensorkitError
from sensorkit.faults import KINDS
from sensorkit.notebook.fault_editor_drafts import Draft, changed
from sensorkit.notebook.fault_editor_words import as_html, refusals, titles

if TYPE_CHECKING:
    from sensorkit.notebook.fault_editor import FaultEditor

PAUSE_S = 0.12
"""A slider that has moved waits so long for its next move before anything is computed."""

SNAPPED = 0.75
"""A slider in the page takes the nearest of its steps and says so. What is less than so much of a
step is that, and nobody has moved it."""

LARGEST_SIGMA = 20.0
WIDE = {"description_width": "9em"}


class Panel:
    """The controls, the figure and the table of one editor.

    What a control says is put into the selected fault; the rest is computed in a thread, off the
    way of the next move, and of several moves only the last is.
    """

    def __init__(self, editor: FaultEditor) -> None:
        self._editor = editor
        self._quiet = False
        self._drafts = editor.seen.drafts
        """As the controls have them; they may make no plan."""
        self._number = 0
        self._tasks: set[asyncio.Task[None]] = set()
        begin, end = editor.test_s
        step = editor.period_s
        control = {"style": WIDE, "layout": ipywidgets.Layout(width="auto", min_width="18em")}
        self.faults = ipywidgets.Dropdown(description="Fault", **control)
        self.add = ipywidgets.Button(description="Add", icon="plus", tooltip="Add another fault")
        self.remove = ipywidgets.Button(
            description="Remove", icon="trash", tooltip="Remove the fault that is selected"
        )
        self.kind = ipywidgets.Dropdown(options=editor.kinds, description="Kind", **control)
        names = editor.recording.profile.channel_names
        self.channel = ipywidgets.Dropdown(options=names, description="Channel", **control)
        self.sigmas = ipywidgets.FloatSlider(
            min=-LARGEST_SIGMA,
            max=LARGEST_SIGMA,
            step=0.1,
            description="Size, sigmas",
            readout_format=".1f",
            **control,
        )
        self.size = ipywidgets.FloatText(**control)
        self.start = ipywidgets.FloatSlider(
            min=begin, max=end, step=step, description="Start, s", readout_format=".1f", **control
        )
        self.duration = ipywidgets.FloatSlider(
            min=step,
            max=max((end - begin) / 2, step),
            step=step,
            description="Duration, s",
            readout_format=".1f",
            **control,
        )
        self.gradual = ipywidgets.Checkbox(description="Grows gradually", **control)
        self.seed = ipywidgets.BoundedIntText(
            min=0, max=2**31, description="Seed of the plan", **control
        )
        self.problem = ipywidgets.HTML()
        self.path = ipywidgets.Text(value="faults.yaml", description="Plan, file", **control)
        self.save = ipywidgets.Button(
            description="Save plan", icon="save", tooltip="Write the plan as YAML"
        )
        self.saved = ipywidgets.HTML()
        self.table = ipywidgets.HTML()
        self.box = self._laid_out()
        self._connect()
        self._fill()
        editor.watchers.append(self._follow)

    def show(self) -> None:
        """Show everything."""
        display(self.box)  # type: ignore[no-untyped-call]

    def _laid_out(self) -> Any:
        row = ipywidgets.Layout(flex_flow="row wrap", align_items="center")
        left = ipywidgets.VBox(
            [
                self.faults,
                ipywidgets.HBox([self.add, self.remove], layout=row),
                self.kind,
                self.channel,
                ipywidgets.HTML(refusals(self._editor.refused)),
            ],
            layout=ipywidgets.Layout(flex="1 1 20em"),
        )
        right = ipywidgets.VBox(
            [self.sigmas, self.size, self.start, self.duration, self.gradual, self.seed],
            layout=ipywidgets.Layout(flex="1 1 24em"),
        )
        return ipywidgets.VBox(
            [
                ipywidgets.HBox([left, right], layout=ipywidgets.Layout(flex_flow="row wrap")),
                self.problem,
                self._editor.figure,
                self.table,
                ipywidgets.HBox([self.path, self.save, self.saved], layout=row),
            ]
        )

    def _connect(self) -> None:
        self._fields = {
            self.kind: "kind",
            self.channel: "channel",
            self.sigmas: "size_sigma",
            self.size: "size",
            self.start: "start",
            self.duration: "duration",
            self.gradual: "gradual",
        }
        for control in (*self._fields, self.seed):
            control.observe(self._moved, names="value")
        self.faults.observe(self._picked, names="value")
        self.add.on_click(lambda _: self._do(self._editor.add, only_after=True))
        self.remove.on_click(lambda _: self._do(self._editor.remove))
        self.save.on_click(lambda _: self._save())

    @contextmanager
    def _filling(self) -> Iterator[None]:
        """Set controls without hearing that they have changed."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def _fill(self) -> None:
        """Set the controls to what the editor has."""
        editor = self._editor
        drafts = editor.seen.drafts
        with self._filling():
            self._drafts = drafts
            self.faults.options = titles(drafts)
            self.remove.disabled = not drafts
            for control in self._fields:
                control.disabled = not drafts
            if drafts:
                self.faults.value = editor.selected
                self._fill_fault(drafts[editor.seen.selected])
            self.seed.value = editor.seed
        self._show()

    def _fill_fault(self, draft: Draft, *, but: ipywidgets.Widget | None = None) -> None:
        """Set the controls of a fault, all *but* the one that somebody holds."""
        kind, unit = KINDS[draft.kind], ""
        sigma = self._editor.preview.sigma(draft.channel)
        said: dict[ipywidgets.Widget, Any] = {
            self.kind: draft.kind,
            self.channel: draft.channel,
            self.start: draft.start_s,
            self.duration: draft.duration_s,
            self.gradual: draft.gradual,
            self.size: draft.count or 0.0,
        }
        if kind.magnitude is not None:
            unit = str(kind.magnitude.unit)
            if unit == "channel":
                unit = self._editor.recording.profile.channel(draft.channel).unit
                said[self.size] = draft.size
                if sigma:
                    said[self.sigmas] = round(draft.size / sigma, 1) + 0.0  # and never -0.0
        for control, value in said.items():
            if control is not but:
                control.value = value
        self.size.description = f"Size, {unit}" if unit else "Size"
        self.channel.disabled = kind.layer == "transport"
        self.sigmas.disabled = self.sigmas not in said
        self.size.disabled = kind.magnitude is None
        self.duration.disabled = kind.momentary
        self.gradual.disabled = not kind.gradual

    def _moved(self, change: dict[str, Any]) -> None:
        """Take over what a control says, and compute what comes of it once all rest."""
        if self._quiet or not self._drafts:
            return
        owner = change["owner"]
        by_slider = isinstance(owner, ipywidgets.FloatSlider)
        if by_slider and abs(change["new"] - change["old"]) < SNAPPED * owner.step:
            return
        at = self._editor.seen.selected
        drafts = list(self._drafts)
        if owner is not self.seed:
            try:
                fields = {self._fields[owner]: change["new"]}
                drafts[at] = changed(drafts[at], self._editor.preview, **fields)
            except SensorkitError as error:
                self._tell(error)
                return
            with self._filling():
                self._fill_fault(drafts[at], but=owner)
        self._drafts = tuple(drafts)
        self._number += 1
        task = asyncio.get_running_loop().create_task(self._look(self._number))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look(self, number: int) -> None:
        """Compute what comes of the controls, unless they are moved again meanwhile."""
        await asyncio.sleep(PAUSE_S)
        if number != self._number:
            return
        editor = self._editor
        wanted = self._drafts, editor.seen.selected, int(self.seed.value)
        try:
            seen = await asyncio.to_thread(editor.look, *wanted)
        except Exception as error:  # of a detector as well: the controls go on
            if number == self._number:
                self._tell(error)
            return
        if number == self._number:
            editor.take(seen)

    def _follow(self) -> None:
        """Show what the editor has now; if that was not set here, in the controls as well."""
        editor = self._editor
        here = self._drafts, self.faults.value or 0, self.seed.value
        if here == (editor.seen.drafts, editor.selected, editor.seed):
            self._show()
        else:
            self._number += 1  # what is being computed is of no use any more
            self._fill()

    def _take_controls(self) -> None:
        """Compute what comes of the controls, if that is still to be done."""
        self._number += 1  # what is being computed is of no use any more
        editor, seed = self._editor, int(self.seed.value)
        if (self._drafts, seed) != (editor.seen.drafts, editor.seed):
            editor.take(editor.look(self._drafts, editor.seen.selected, seed))

    def _picked(self, change: dict[str, Any]) -> None:
        if not self._quiet and change["new"] is not None:
            self._do(lambda: self._editor.select(change["new"]))

    def _do(self, action: Callable[[], None], *, only_after: bool = False) -> None:
        """Do what a button is for, and show what came of it.

        What the controls say goes before. If that makes no plan, it is dropped, or, with
        *only_after*, the action is.
        """
        try:
            self._take_controls()
        except Exception as error:  # of a detector as well
            if only_after:
                self._tell(error)
                return
        try:
            action()
        except SensorkitError as error:
            self._tell(error)
        else:
            self._fill()

    def _save(self) -> None:
        try:
            self._take_controls()
            self._editor.to_yaml(self.path.value)
        except Exception as error:  # of a detector as well
            self.saved.value = f'<div role="alert">✗ {escape(visible(error))}</div>'
            return
        folder, path = str(self._editor.recording.dir), self.path.value
        command = shlex.join(["sensorkit", "inject", folder, "--faults", path, "--out", "faulted"])
        self.saved.value = f"<code>{escape(visible(command))}</code>"

    def _show(self) -> None:
        """Show what the detectors say."""
        editor = self._editor
        with self._filling():
            at = editor.selected
            self.faults.options = titles(editor.seen.drafts)
            self.faults.value = at or None
        self._tell(None)
        self.table.value = as_html(editor.rows, exact=editor.seen.exact)
        self.saved.value = ""

    def _tell(self, problem: Exception | None) -> None:
        """Say beside the controls what is wrong; what is seen below is then the last that was not.

        A screen reader says it as well.
        """
        text = "" if problem is None else escape(visible(problem))
        self.problem.value = f'<div role="alert">{text and "✗ " + text}</div>'
