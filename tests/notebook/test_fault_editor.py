"""The fault editor: what it shows is what would be injected, and what the benchmark would say."""

import asyncio
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import yaml

from sensorkit import detect
from sensorkit.capture import Recording
from sensorkit.capture.writer import write_recording
from sensorkit.errors import PlanError, UsageError
from sensorkit.evaluate import Settings, benchmark
from sensorkit.faults import FaultPlan
from sensorkit.notebook import fault_editor, fault_editor_judges, fault_editor_panel
from sensorkit.notebook.fault_editor import FaultEditor
from sensorkit.notebook.fault_editor_figure import EditorFigure
from sensorkit.notebook.fault_editor_panel import Panel
from sensorkit.readings import Readings, Words
from sensorkit.report.files import project_root

HEALTHY = project_root() / "datasets" / "serial_monitor_healthy"
TABLES = ("structured_metrics.csv", "labels.csv", "parser_errors.log", "events.jsonl")


@pytest.fixture(scope="module")
def recording():
    return Recording.open(HEALTHY)


@pytest.fixture(scope="module")
def opened(recording):
    """One editor for all tests, for its detectors have to be fitted; each starts it anew."""
    return FaultEditor(recording, ["rules", "sigma", "guard"], Settings(), 0, moving=False)


@pytest.fixture
def editor(opened):
    start = opened.look((opened._first(),), 0, 0)
    opened.take(start)
    return opened


def found(editor):
    rows = zip(editor.table["detector"], editor.table["fault"], editor.table["found"], strict=True)
    return {(detector, fault): hit for detector, fault, hit in rows}


def test_it_opens_with_a_fault_that_can_be_seen(editor):
    assert len(editor.plan.faults) == 1
    assert editor.selected == 1
    fault = editor.plan.faults[0]
    assert (fault.kind, fault.channel) == ("bias", "temperature")
    assert editor.test_s[0] < fault.start_s < editor.test_s[1]
    assert editor.faults["magnitude_sigma"][0] == pytest.approx(4.0, rel=1e-4)
    assert found(editor) == {("rules", 1): False, ("sigma", 1): True, ("guard", 1): True}


def test_the_saved_plan_injects_what_was_seen_byte_for_byte(editor, tmp_path):
    editor.set(kind="noise", size_sigma=3.0, start=1800.0, duration=90.0, seed=7)
    editor.add(kind="stuck", channel="voltage")
    editor.add(kind="silence", duration=20.0)
    path = tmp_path / "plan.yaml"
    assert editor.to_yaml(path) == path.read_text()
    words = ["inject", HEALTHY, "--faults", path, "--out", tmp_path / "command"]
    done = subprocess.run(
        [sys.executable, "-m", "sensorkit", *words], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr

    ours = editor.inject(tmp_path / "ours")
    for name in TABLES:
        written = [(tmp_path / folder / name).read_bytes() for folder in ("command", "ours")]
        assert written[0] == written[1]
    seen, injected = editor.seen.faulted.readings, ours.readings()
    np.testing.assert_array_equal(seen.values, injected.values)
    np.testing.assert_array_equal(seen.time, injected.time)
    assert editor.labels.drop(columns="seed").equals(ours.labels().drop(columns="seed"))


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "bias", "size_sigma": 2.0},
        {"kind": "spike", "channel": "voltage", "size": 0.4},
        {"kind": "stuck", "duration": 200.0},
        {"kind": "drift", "size_sigma": -6.0, "duration": 300.0, "start": 2300.0},
    ],
    ids=lambda fault: fault["kind"],
)
def test_the_detectors_say_what_they_say_in_the_benchmark(editor, tmp_path, fault):
    editor.set(**fault)
    settings = Settings(detectors={"rules": {}, "sigma": {}, "guard": {}})
    results = benchmark([editor.inject(tmp_path / "faulty")], settings)

    cases = results.cases[results.cases["hit"].notna()]  # of faults; the others are false alarms
    cases = cases.set_index("detector").loc[["rules", "sigma", "guard"]]
    assert editor.table["found"].tolist() == cases["hit"].astype(bool).tolist()
    delays = cases["delay_s"].where(cases["hit"].astype(bool)).to_numpy(dtype=float)
    np.testing.assert_allclose(editor.table["delay_s"], delays)
    alarms = {
        row["detector"]: row["false_alarms"] for row in results.results if row["fault_kind"] is None
    }
    assert editor.table["false_alarms"].tolist() == [alarms[n] for n in editor.table["detector"]]


def test_going_on_from_a_copy_says_what_a_run_from_the_start_says(editor, monkeypatch):
    editor.set(kind="bias", size_sigma=3.0, start=2400.0)
    later = editor.table
    with monkeypatch.context() as patch:
        patch.setattr(fault_editor_judges, "COPIES", 1)
        whole = FaultEditor(editor.recording, ["rules", "sigma"], Settings(), 0, moving=False)
    assert [len(judge._copies) for judge in whole._bench.judges] == [1, 1]
    whole.set(kind="bias", size=editor.plan.faults[0].magnitude, start=2400.0)

    assert later[later["detector"] != "guard"].equals(whole.table)


def test_the_same_plan_says_the_same_however_it_was_come_by(editor):
    editor.set(size_sigma=3.0, start=2000.0)
    first = editor.table
    for start in (1700.0, 2500.0, 1990.0):
        editor.set(start=start, kind="noise")
        editor.set(kind="silence", duration=100.0)
        editor.set(kind="bias", duration=60.0)
    editor.set(start=2000.0)

    assert editor.table.equals(first)


def test_in_a_long_test_what_is_far_from_the_faults_is_taken_from_the_healthy_run(
    editor, monkeypatch
):
    editor.set(start=1700.0, size_sigma=6.0)
    exact = editor.table
    assert editor.seen.exact
    monkeypatch.setattr(fault_editor_judges, "EXACT_READINGS", 100)
    monkeypatch.setattr(fault_editor_judges, "SETTLING", 300)
    editor.set(start=1700.0)

    assert not editor.seen.exact
    assert editor.table.equals(exact)


def test_faults_are_added_selected_and_removed(editor):
    editor.add(kind="spike", channel="voltage", size=0.5)
    editor.add(kind="dropout")
    assert [fault.kind for fault in editor.plan.faults] == ["bias", "spike", "dropout"]
    assert editor.selected == 3
    editor.select(1)
    editor.set(size_sigma=5.0)
    assert editor.faults["magnitude_sigma"][0] == pytest.approx(5.0, rel=1e-4)
    editor.remove(2)
    assert [fault.kind for fault in editor.plan.faults] == ["bias", "dropout"]
    editor.remove()
    editor.remove()

    assert editor.plan.faults == ()
    assert (editor.selected, len(editor.table)) == (0, 3)
    assert set(editor.table["false_alarms"]) == {0, 6}
    with pytest.raises(PlanError, match="there is no fault to change"):
        editor.set(size=1.0)
    with pytest.raises(PlanError, match="there is no fault 1; there is none"):
        editor.remove(1)
    editor.add()
    assert editor.selected == 1


def test_a_fault_that_moves_to_another_channel_keeps_its_size_in_sigmas(editor):
    editor.set(channel="voltage")

    assert editor.faults["magnitude_sigma"][0] == pytest.approx(4.0, rel=1e-3)
    assert editor.faults["magnitude"][0] < 0.2


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"kind": "bia"}, "unknown kind of fault 'bia'.*did you mean 'bias'"),
        ({"channel": "humidity"}, "unknown channel 'humidity'; there are temperature, voltage"),
        ({"kind": "disconnect"}, "only an emulated device can have it"),
        ({"start": 100.0}, "detectors still learn from healthy readings; start it at 1620 s"),
        ({"start": 1e6}, "but the readings last 2700 s"),
        ({"duration": 2000.0}, "but the readings end at"),
        ({"kind": "stuck", "size": 1.0}, "a stuck takes no size; its size is its duration"),
        ({"kind": "corrupt", "size_sigma": 1.0}, "is in bits, not in sigmas"),
        ({"size": 0.0}, "of size 0 changes nothing"),
        ({"size": 1.0, "size_sigma": 1.0}, "either size or size_sigma"),
        ({"size": 0}, r"^fault 1 \(bias\), size: a bias of size 0 changes nothing$"),
        ({"kind": "corrupt", "size": 1.5}, r"^fault 1 .*, size: the size of a corrupt is a whole"),
        ({"start": -1}, r"^fault 1 \(bias\), start: .*\(had -1.0\)$"),
        ({"duration": 0}, r"^fault 1 \(bias\), duration: .*\(had 0.0\)$"),
        ({"seed": -1}, r"^seed: .*\(had -1\)$"),
        ({"value": 3}, "a bias takes no value=, only stuck does; set size="),
        ({"kind": "stuck", "gradual": True}, "a stuck cannot grow gradually; those that can are"),
        ({"kind": "spike", "duration": 5}, "a spike lasts one reading; leave duration= out"),
        ({"kind": "silence", "channel": "voltage"}, "acts on whole frames; leave channel= out"),
        ({"gradual": "x"}, "gradual='x'; True or False is wanted"),
        ({"size": "a"}, "size='a'; a number is wanted"),
        ({"start": float("nan")}, "start=nan; a number is wanted"),
        ({"duration": True}, "duration=True; a number is wanted"),
        ({"kind": 3}, "unknown kind of fault '3'"),
    ],
    ids=lambda value: None if isinstance(value, str) else next(iter(value)),
)
def test_a_fault_that_cannot_be_is_refused_and_nothing_changes(editor, fault, message):
    before = editor.seen
    with pytest.raises(PlanError, match=message):
        editor.set(**fault)

    assert editor.seen is before


def test_faults_that_overlap_are_refused_without_advice_for_a_file(editor):
    editor.add(channel="voltage")
    with pytest.raises(PlanError, match=r"^fault 2 .* overlaps fault 1 .*; move or shorten one$"):
        editor.set(start=editor.plan.faults[0].start_s + 10)


def test_a_field_that_no_fault_has_is_named(editor):
    before = editor.seen
    with pytest.raises(PlanError, match=r"unknown field of a fault 'sise'.*did you mean 'size'"):
        editor.add(sise=1)
    with pytest.raises(PlanError, match="there is no fault 'a'; there are 1 to 1"):
        editor.select("a")

    assert editor.seen is before


def test_a_fault_may_be_added_with_another_seed(editor):
    editor.add(kind="noise", seed=3)

    assert (editor.plan.seed, len(editor.plan.faults)) == (3, 2)


def test_a_channel_that_never_moves_has_no_sigma_and_takes_a_size_in_its_unit(recording, tmp_path):
    values = np.column_stack([np.full(600, 5.0), np.arange(600) % 7])
    time = np.arange(600) * 1_000_000_000
    still = Readings.build(time, values, ("temperature", "voltage"))
    made = write_recording(tmp_path / "still", recording.profile, still, kind="imported")
    editor = fault_editor(made, detectors=["rules"])

    assert editor.plan.faults[0].channel == "voltage"
    with pytest.raises(PlanError, match=r"'temperature' never moves.*set size= in its unit"):
        editor.set(channel="temperature", size_sigma=3.0)
    editor.set(channel="temperature", size=90.0)
    assert found(editor) == {("rules", 1): True}
    assert set(editor.refused) >= {"corrupt", "disconnect"}
    with pytest.raises(PlanError, match="this recording was imported, not captured"):
        editor.set(kind="corrupt")


def test_a_fault_of_bytes_is_seen_as_a_capture_would_have_seen_it(editor, tmp_path):
    editor.set(kind="truncate", duration=30.0)
    faulty = editor.inject(tmp_path / "faulty")

    assert len(faulty.errors()) > 0
    assert {row["channel"] for row in editor.rows} == {""}  # it has none, and no "nan" either
    np.testing.assert_array_equal(editor.seen.faulted.readings.values, faulty.readings().values)


def test_of_several_devices_the_one_with_the_faults_is_drawn(recording, tmp_path):
    one = recording.readings()
    both = Readings.concat([one, replace(one, device=Words.constant("other", len(one)))])
    both.values[len(one) :] += 100.0
    in_turn = both[np.argsort(both.time, kind="stable")]
    folder = write_recording(tmp_path / "two", recording.profile, in_turn, kind="imported").dir

    editor = fault_editor(folder, detectors="sigma")

    assert set(editor.labels["device"]) == {"monitor-1"}
    for signal in editor.figure.data[:2]:
        assert max(signal.y) < 60


def test_what_a_profile_calls_a_channel_is_no_markup(editor):
    profile = editor.recording.profile
    odd = profile.channels[0].model_copy(update={"name": "<b>$T$", "unit": "<i>C"})
    readings = replace(editor.preview.readings, channels=(odd.name, "voltage"))
    drawing = EditorFigure(["<u>one"])
    drawing.draw(readings, readings, editor.labels, [], channel=odd.name, unit=odd.unit, alt="")

    layout = drawing.figure.layout
    assert layout.yaxis.title.text == "&lt;b&gt;&#36;T&#36; (&lt;i&gt;C)"
    assert layout.yaxis2.categoryarray == ("&lt;u&gt;one",)


def test_a_recording_that_has_faults_is_refused(editor, tmp_path):
    faulty = editor.inject(tmp_path / "faulty")
    with pytest.raises(UsageError, match="has 1 faults already; give the healthy recording"):
        fault_editor(faulty)


def test_a_detector_of_yours_is_tried_and_stays_as_it_is(recording):
    mine = detect.make("sigma", profile=recording.profile, k=4.0)
    editor = fault_editor(recording, detectors=[mine])

    assert editor.table["detector"].tolist() == ["sigma"]
    assert mine.calibration_ is None


def test_the_picture_shows_both_signals_the_label_and_what_was_said(editor):
    editor.set(kind="stuck", start=1800.0, duration=100.0)
    figure = editor.figure
    healthy, faulty, hits, *_ = figure.data

    assert len(figure.layout.shapes) == 1
    assert figure.layout.shapes[0].x0 == "2026-01-01T00:30:00.000"
    assert [trace.name for trace in figure.data[:2]] == ["healthy", "with the faults"]
    inside = [str(x) >= "2026-01-01T00:30:00" and str(x) <= "2026-01-01T00:31:39" for x in faulty.x]
    assert len({y for y, stuck in zip(faulty.y, inside, strict=True) if stuck}) == 1
    assert len(set(healthy.y)) > 20
    told = {row.detector for row in editor.table.itertuples() if row.found}
    assert {y for y in hits.y if y is not None} == told == {"sigma", "guard"}
    assert figure.layout.meta["alt"] == (
        "stuck on temperature; found: rules 0 of 1, sigma 1 of 1, guard 1 of 1"
    )


# The controls, as a kernel has them: with a loop, and widgets that nobody draws.


@pytest.fixture
def panel(opened, monkeypatch):
    monkeypatch.setattr(fault_editor_panel, "PAUSE_S", 0.0)
    moving = FaultEditor(opened.recording, ["rules", "sigma"], Settings(), 0, moving=True)
    return Panel(moving)


def used(scenario):
    asyncio.run(asyncio.wait_for(scenario(), 30))


async def settled(panel):
    while panel._tasks:
        await asyncio.gather(*panel._tasks)


def test_the_widget_has_its_picture_from_the_start(panel):
    state = panel._editor.figure.get_state()

    assert len(state["_widget_data"][1]["x"]) > 200
    assert len(state["_widget_layout"]["shapes"]) == 1


def test_a_slider_that_moves_changes_fault_figure_and_table(panel):
    async def scenario():
        assert "✓ found" in panel.table.value
        panel.sigmas.value = 0.1
        panel.start.value = 1800.0
        await settled(panel)
        assert panel._editor.plan.faults[0].start_s == 1800.0
        assert panel.size.value == panel._editor.plan.faults[0].magnitude
        assert "✓ found" not in panel.table.value
        assert "1800 s" in panel.faults.label

    used(scenario)


def test_a_slider_that_the_page_puts_on_its_next_step_changes_nothing(panel):
    async def scenario():
        panel.size.value = -0.05
        await settled(panel)
        before = panel._editor.plan
        assert before.faults[0].magnitude == -0.05
        for slider in (panel.sigmas, panel.start, panel.duration):
            slider.value += 0.5 * slider.step
            slider.value -= 0.4 * slider.step
        await settled(panel)
        assert panel._editor.plan == before

    used(scenario)


def test_what_is_set_in_another_cell_stands_in_the_controls_and_stays(panel):
    async def scenario():
        panel._editor.set(kind="stuck", start=1800, duration=100)
        assert (panel.kind.value, panel.start.value, panel.duration.value) == ("stuck", 1800, 100)
        assert "stuck" in panel.table.value
        panel.start.value = 1900.0
        await settled(panel)
        fault = panel._editor.plan.faults[0]
        assert (fault.kind, fault.start_s, fault.duration_s) == ("stuck", 1900, 100)

    used(scenario)


def test_without_a_fault_there_is_nothing_to_set(panel):
    panel.remove.click()
    assert all(control.disabled for control in (*panel._fields, panel.remove))
    panel.add.click()
    assert not any(control.disabled for control in (panel.kind, panel.channel, panel.start))


def test_of_many_moves_only_the_last_is_computed(panel, monkeypatch):
    async def scenario():
        looked = []
        look = panel._editor.look
        monkeypatch.setattr(panel._editor, "look", lambda *a: looked.append(a) or look(*a))
        for start in range(1800, 1900):
            panel.start.value = float(start)
        await settled(panel)
        assert len(looked) == 1
        assert panel._editor.plan.faults[0].start_s == 1899.0

    used(scenario)


@pytest.mark.parametrize("button", ["add", "save"])
def test_a_change_that_is_still_being_computed_goes_before_a_button(panel, tmp_path, button):
    panel.path.value = str(tmp_path / "plan.yaml")

    async def scenario():
        panel.start.value = 1850.0
        getattr(panel, button).click()
        await settled(panel)
        assert panel._editor.plan.faults[0].start_s == 1850.0
        if button == "add":
            assert len(panel._editor.plan.faults) == 2
        else:
            assert FaultPlan.load(tmp_path / "plan.yaml").faults[0].start_s == 1850.0

    used(scenario)


def test_a_change_that_cannot_be_keeps_a_button_from_losing_it(panel):
    async def scenario():
        panel.add.click()
        panel.start.value = panel._editor.plan.faults[0].start_s + 5
        panel.add.click()
        assert "overlaps fault 1" in panel.problem.value
        assert len(panel._editor.plan.faults) == 2
        panel.remove.click()
        assert len(panel._editor.plan.faults) == 1
        assert "overlaps" not in panel.problem.value

    used(scenario)


def test_what_is_wrong_stands_beside_the_controls_and_goes_when_it_is_right(panel):
    async def scenario():
        panel.add.click()
        assert panel._editor.selected == 2
        panel.start.value = panel._editor.plan.faults[0].start_s + 5
        await settled(panel)
        assert 'role="alert"' in panel.problem.value
        assert "overlaps fault 1" in panel.problem.value
        before = panel.table.value
        panel.start.value = 2500.0
        await settled(panel)
        assert "overlaps" not in panel.problem.value
        assert panel.table.value.count("<tr>") == before.count("<tr>") == 5

    used(scenario)


def test_controls_that_a_kind_does_not_take_are_out_of_use(panel):
    async def scenario():
        panel.kind.value = "silence"
        await settled(panel)
        assert panel.channel.disabled
        assert panel.sigmas.disabled
        assert panel.size.disabled
        assert not panel.duration.disabled
        panel.kind.value = "spike"
        await settled(panel)
        assert panel.duration.disabled
        assert not panel.sigmas.disabled

    used(scenario)


def test_every_control_says_what_it_is(panel):
    for control in (*panel._fields, panel.faults, panel.seed, panel.path, panel.add, panel.save):
        assert control.description


def test_the_plan_is_saved_where_it_is_wanted(panel, tmp_path):
    panel.path.value = str(tmp_path / "plan.yaml")
    panel.save.click()
    assert FaultPlan.load(tmp_path / "plan.yaml") == panel._editor.plan
    assert yaml.safe_load((tmp_path / "plan.yaml").read_text())["seed"] == 0
    assert "sensorkit inject" in panel.saved.value
    panel.path.value = str(tmp_path / "nowhere" / "plan.yaml")
    panel.save.click()

    assert "nowhere" in panel.saved.value
    panel.path.value = str(tmp_path / "again.yaml")
    panel.save.click()
    assert "nowhere" not in panel.saved.value
