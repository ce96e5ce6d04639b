"""The cells of the notebook that `sensorkit new-notebook` writes, but for its parameters."""

TITLE = """\
# {name}: which detector can I trust on this device?

Written by `sensorkit new-notebook` and yours to change. It looks at a healthy recording, puts
labelled faults into a copy of it, tries detectors on them, and saves the one that you choose. It
{hardware}. What it was asked for stands in the next cell; everything else follows from it."""

NEEDS = "needs the device at `port`, and takes as long as `seconds` says"
NEEDS_NONE = "needs no hardware"

IMPORTS = """\
import pandas as pd

from sensorkit import detect
from sensorkit.capture import Recording
from sensorkit.capture.summary import summarize
from sensorkit.evaluate import Settings, benchmark
from sensorkit.notebook import capture_emulated, live, progress_of, setup
from sensorkit.report.running.campaign import variants
from sensorkit.evaluate.figures.smallest import smallest_frame

work = setup(out_dir)"""

BODY = (
    (
        "markdown",
        """\
## The recording

From its folder; or from the port, for as long as `seconds` says; or, where neither is given, of
an emulated device, so that this notebook runs before yours is on the table.""",
    ),
    (
        "code",
        """\
own, seen = work.dir / "recording", None
if recording:
    healthy = Recording.open(recording)
elif port:
    seen = live(port, out=own, profile=profile, baud=baud, seconds=seconds, detector="none")
else:
    healthy = capture_emulated(profile, own, seconds=seconds, seed=seed)""",
    ),
    (
        "code",
        """\
if seen is not None:
    healthy = seen.wait().recording
healthy""",
    ),
    (
        "markdown",
        """\
## Is it good enough to learn from?

Rejected lines and lost frames are the line's; long steps are pauses. A channel that never moves
can be neither judged nor broken. Thresholds for one false alarm a day rest on three clean days; a
shorter recording does, and every figure then says so.""",
    ),
    (
        "code",
        """\
facts = summarize(healthy)
print(facts["frames"], "readings in", round(facts["span_s"] / 3600, 2), "hours")
print("rejected:", facts["rejected"] or "none", "- lost:", facts["lost"])
pd.DataFrame(facts["channels"]).set_index("name")""",
    ),
    ("code", "healthy.plot()"),
    (
        "markdown",
        """\
## Break a copy of it

Every kind of fault on every channel, in each size, into the last part; the first parts stay clean,
for learning and for thresholds. A recording that has labels already is taken as it is. To try a
single fault by hand, with controls: `fault_editor(healthy)` of `sensorkit.notebook`.""",
    ),
    (
        "code",
        """\
size = {"sizes_sigma": sizes_sigma, "durations": [duration], "repeats": repeats}
clean = fit + calibrate
planned = variants([healthy], seeds=[seed], kinds=kinds, channels=channels, clean=clean, **size)
faulty = planned[0].inject(work.dir)
labels = faulty.labels()
labels.groupby(["kind", "channel"], dropna=False).size().rename("faults").to_frame()""",
    ),
    ("code", 'faulty.plot(start=labels["start"].min())'),
    (
        "markdown",
        """\
## Who notices?

Beside each detector stand chance, `always` and `never`, which it has to beat. Single faults of
growing size say how small a fault is found.""",
    ),
    (
        "code",
        """\
grid = {"kinds": kinds, "channels": channels, "sizes": 6, "repeats": 10, "duration": duration}
settings = Settings(
    fit=fit,
    calibrate=calibrate,
    false_alarms_per_day=false_alarms_per_day,
    detectors=detectors,
    detectability=grid,
    resamples=200,
    seed=seed,
)
results = benchmark([faulty], settings, progress=progress_of("benchmark"))
ranking = pd.DataFrame(results.ranking).set_index("detector")
ranking[["group", "vus_pr", "event_recall", "false_alarms_per_day", "delay_median_s"]].round(3)""",
    ),
    (
        "code",
        """\
cases = results.cases[results.cases["case"] == "fault"]
shares = cases.groupby(["detector", "kind"])["hit"].mean().astype(float).unstack()
shares.loc[list(ranking.index)].round(2)""",
    ),
    ("code", 'print(results.verdict["sentence"])'),
    (
        "markdown",
        """\
## How small a fault?

The smallest that is found nine times in ten, with 95 % confidence; where there is none, why.""",
    ),
    ("code", "smallest_frame(results.to_dict())"),
    (
        "markdown",
        """\
## Keep the one you choose

It learns and gets its threshold on the parts of the recording that are clean, as it did above.
`sensorkit capture PORT --detector FILE` and the last cell below watch with it.""",
    ),
    (
        "code",
        """\
readings = healthy.readings()
ends = [int(len(readings) * share) for share in (fit, fit + calibrate)]
detector = detect.make(
    detectors[chosen].get("detector", chosen),
    profile=healthy.profile,
    **{name: value for name, value in detectors[chosen].items() if name != "detector"},
)
detector.fit(readings[: ends[0]])
detector.calibrate(readings[ends[0] : ends[1]], false_alarms_per_day)
detect.save(detector, model or work.dir / "chosen.detector")""",
    ),
    (
        "markdown",
        """\
## Watch live

With `watch = True` and a port, the device is watched by what was just saved, and recorded while
it is.""",
    ),
    (
        "code",
        """\
watching = None
if watch and port:
    out, saved = work.dir / "watched", model or work.dir / "chosen.detector"
    given = {"profile": healthy.profile, "detector": saved}
    watching = live(port, out=out, baud=baud, seconds=seconds, **given)""",
    ),
    (
        "markdown",
        """\
## The claim

No cell of the grid failed, what chance finds is less than what the chosen detector finds, and what
was saved raises the alerts of what was tried.""",
    ),
    (
        "code",
        """\
assert {cell["status"] for cell in results.cells} == {"ok"}, results.cells
recall = cases.groupby("detector")["hit"].mean().astype(float)
assert recall[chosen] > recall["random"], recall.to_dict()
loaded, test = detect.load(model or work.dir / "chosen.detector"), faulty.readings()
alerts = [list(detect.watch(one, [test])) for one in (detector, loaded)]
assert detect.report(alerts[0]) == detect.report(alerts[1])
results.write(work.dir)""",
    ),
)
