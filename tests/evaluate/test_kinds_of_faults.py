"""Every kind of fault goes through the judge: the benchmark, the smallest faults, requirements."""

import json
from importlib.resources import files

import jsonschema
import numpy as np
import pytest

from sensorkit import detect
from sensorkit.capture import write_recording
from sensorkit.errors import UsageError
from sensorkit.evaluate import Settings, benchmark
from sensorkit.evaluate.detectability import check_grid, detectability
from sensorkit.evaluate.detectability.fault_sizes import SizeMaker, find_kind
from sensorkit.evaluate.detectability.points import on_axis, size_axis
from sensorkit.evaluate.detectability.single_faults import Ground
from sensorkit.evaluate.figures.curves import curves
from sensorkit.evaluate.requirement import Requirement
from sensorkit.evaluate.settings import DetectabilityGrid
from sensorkit.faults import KINDS, Fault, FaultPlan, inject
from sensorkit.profile import Profile
from sensorkit.readings import FaultLabel, Readings

SECOND = 1_000_000_000
PROFILE = Profile.from_dict(
    {
        "name": "pump",
        "device": "pump-1",
        "rate_hz": 1.0,
        "channels": [{"name": "pressure", "unit": "bar"}, {"name": "flow", "unit": "l/min"}],
    },
    "test",
)
HIDDEN = ("gain", "lag", "oscillation", "saturation", "correlation_break")


def healthy(n: int = 4000, seed: int = 0) -> Readings:
    rng = np.random.default_rng(seed)
    swing = np.sin(np.arange(n) / 9)
    values = np.column_stack(
        [10 + swing + rng.normal(0, 0.1, n), 50 - 4 * swing + rng.normal(0, 0.4, n)]
    )
    return Readings.build(np.arange(n) * SECOND, values, ["pressure", "flow"], device="pump-1")


def faulted(folder, plan: FaultPlan, seed: int = 0):
    readings, labels = inject(healthy(), plan, seed)
    rows = labels.astype(object).where(labels.notna(), None)
    for name in ("start", "end"):
        rows[name] = [stamp.value for stamp in labels[name]]
    made = [FaultLabel(*row) for row in rows.itertuples(index=False)]
    return write_recording(folder, PROFILE, readings, kind="injected", labels=made)


@pytest.fixture(scope="module")
def guard():
    readings = healthy(seed=9)
    return detect.make("mewma").fit(readings[:2000]).calibrate(readings[2000:])


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A benchmark of every hidden kind, one of them on both channels, and their smallest sizes."""
    faults = [Fault(kind="bias", channels="all", duration_s=30, magnitude_sigma=5)]
    faults += [
        Fault(kind=kind, channel="pressure", duration_s=30, magnitude=size)
        for kind, size in (("gain", 1.5), ("lag", 8.0), ("oscillation", 3.0), ("saturation", 1.0))
    ]
    faults.append(Fault(kind="correlation_break", channel="pressure", duration_s=40))
    faults.append(Fault(kind="jitter", duration_s=30, magnitude=0.4))
    plan = FaultPlan(window_s=(2600, 4000), faults=tuple(faults))
    grid = DetectabilityGrid(kinds=HIDDEN, channels=("pressure",), repeats=5, sizes=4)
    settings = Settings(detectors={"sigma": {}}, resamples=100, detectability=grid)
    return benchmark([faulted(tmp_path_factory.mktemp("kinds") / "rig", plan)], settings)


def test_the_report_of_every_kind_is_a_report(results):
    schema = json.loads((files("sensorkit.report") / "report.schema.json").read_text("utf-8"))
    part = schema["properties"]["detectability"] | {"$defs": schema.get("$defs", {})}
    jsonschema.validate(results.to_dict()["detectability"], part)
    kinds = {row["fault_kind"] for row in results.results} - {None}
    assert kinds == {"bias", *HIDDEN, "jitter"}
    assert {row["status"] for row in results.results} == {"ok"}


def test_a_fault_on_two_channels_is_counted_once(results):
    (row,) = [
        row for row in results.results if (row["detector"], row["fault_kind"]) == ("sigma", "bias")
    ]
    assert row["faults"] == 1
    assert row["event_recall"] == 1.0
    cases = results.cases[(results.cases["kind"] == "bias") & (results.cases["case"] == "fault")]
    assert set(cases["channel"]) == {"pressure, flow"}
    said = results.to_dict()["recordings"][0]["faults"]
    assert [fault["id"] for fault in said] == [1, 3, 4, 5, 6, 7, 8]


def test_sizes_have_the_unit_of_their_kind(results):
    units = {(row["kind"], row["unit"]) for row in results.detectability}
    assert units == {
        ("gain", "factor"),
        ("lag", "s"),
        ("oscillation", "bar"),
        ("saturation", "bar"),
        ("correlation_break", "s"),
    }
    for row in results.detectability:
        least = 1.0 if row["unit"] == "factor" else 0.0
        assert all(point["size"] > least for point in row["points"])


def test_the_curves_of_factors_stand_at_their_distance_from_one(results):
    (gain,) = [one for one in curves(results.to_dict()) if one.caption.startswith("Gain")]
    axis = gain.spec["layout"]["xaxis"]
    assert axis["ticktext"][0].startswith("x1.0")
    assert gain.rows[0][1].startswith("x1.0")


def test_a_gain_is_found_from_a_factor_on(guard):
    sizes = [1.001, 1.003, 1.01, 1.02, 1.05, 1.1]
    found = detectability(guard, healthy(8000, seed=5), "gain", sizes, channel="pressure")
    assert found.unit == "factor"
    assert found.sigma is None
    assert 1.0 < found.curve.a50 < found.curve.a90 < found.points[-1]["size"]
    assert found.points[-1]["hits"] == found.points[-1]["faults"]
    # Up and down in turns: a factor, and its reciprocal.
    made = found.cases["magnitude"].to_numpy().reshape(-1, found.repeats)
    np.testing.assert_allclose(made[:, 0] * made[:, 1], 1.0, rtol=1e-8)
    assert (found.cases["size"] > 1).all()


def test_the_grid_of_a_gain_moves_the_level_by_the_sigmas_of_the_grid():
    maker = SizeMaker(1.0, 60, PROFILE, sigma=0.5, level=-10.0)
    sizes = maker.grid(find_kind("gain"), "pressure")
    np.testing.assert_allclose((sizes.size - 1) * 10, 0.5 * np.geomspace(0.5, 20, 8), rtol=1e-6)


@pytest.mark.parametrize("level", [None, 0.0, 1e-9])
def test_a_channel_about_zero_has_no_grid_of_factors(level):
    maker = SizeMaker(1.0, 60, PROFILE, sigma=0.5, level=level)
    assert maker.grid(find_kind("gain"), "pressure") is None


def test_a_gain_about_zero_says_what_is_wrong(guard):
    readings = healthy()
    zero = Readings.build(
        readings.time, readings.values - np.median(readings.values, axis=0), readings.channels
    )
    with pytest.raises(UsageError, match="the level of 'pressure' is too close to 0"):
        detectability(guard, zero, "gain", channel="pressure")


@pytest.mark.parametrize("magnitudes", [[1.0, 2.0], [0.5], [1.0]])
def test_factors_up_to_one_are_refused(guard, magnitudes):
    with pytest.raises(UsageError, match="factors above 1 are wanted"):
        detectability(guard, healthy(), "gain", magnitudes, channel="pressure")


def test_a_lag_is_tried_with_what_was_before_it(guard):
    readings = healthy(seed=5)
    found = detectability(
        guard, readings, "lag", [2.0, 14.0], repeats=8, channel="pressure", profile=PROFILE
    )
    assert found.unit == "s"
    assert found.points[1]["delay_median_s"] < found.points[0]["delay_median_s"]
    # The same fault as `inject` makes: its first value is the one of 14 s before.
    case = found.cases.iloc[-1]
    start_s = float(case["start"]) / 1e9
    plan = FaultPlan(
        faults=(
            Fault(
                kind="lag",
                channel="pressure",
                start_s=start_s,
                duration_s=float(case["duration_s"]),
                magnitude=14.0,
            ),
        )
    )
    faulty, _ = inject(readings, plan, int(case["seed"]))
    at = round(start_s)
    assert faulty.channel("pressure")[at] == readings.channel("pressure")[at - 14]


def test_a_correlation_break_needs_another_channel(guard):
    readings = healthy()
    alone = Readings.build(readings.time, readings.values[:, :1], ["pressure"])
    with pytest.raises(UsageError, match="shows beside other channels only"):
        detectability(guard, alone, "correlation_break")
    with pytest.raises(UsageError, match="shows beside other channels only"):
        check_grid(DetectabilityGrid(kinds=("correlation_break",)), ["pressure"])


def test_frames_that_are_late_are_no_fault_of_values(guard):
    with pytest.raises(UsageError, match="a jitter changes when readings come"):
        detectability(guard, healthy(), "jitter", channel="pressure")


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.layer == "signal"])
def test_single_faults_are_those_that_inject_makes(kind):
    maker = SizeMaker(1.0, 20, PROFILE, sigma=0.7, level=10.0)
    sizes = maker.grid(find_kind(kind), "pressure")
    assert sizes.fault(len(sizes.size) - 1, 1).kind == kind
    assert Ground(healthy()).period_s == 1.0


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("guard.a90_95.gain <= x1.05", 1.05),
        ("guard.a90_95.gain <= 1.05", 1.05),
        ("guard.a90_95.gain.voltage <= \N{MULTIPLICATION SIGN}1.2", 1.2),
        ("guard.a90.lag <= 500ms", 0.5),
        ("guard.a90.lag <= 3 s", 3.0),
        ("guard.a90.oscillation <= 2", 2.0),
    ],
)
def test_a_requirement_is_in_the_unit_of_the_kind(text, limit):
    assert Requirement.parse(text).limit == pytest.approx(limit)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("guard.a90_95.gain <= 0.5", "a factor above 1, as x1.05"),
        ("guard.a90_95.gain <= 5%", "'%' cannot follow"),
        ("guard.a90_95.bias <= x2", "is a factor, and a90_95 is none; leave the x out"),
        ("guard.a90_95_sigma.gain <= 2", "the size of a gain is a factor; use a90_95, as x1.05"),
        ("guard.a90_95_sigma.lag <= 2", "the size of a lag is how late it is; use a90_95"),
        ("guard.a90_95_sigma.stuck <= 2", "how long it lasts; use a90_95, in seconds"),
    ],
)
def test_a_requirement_in_another_unit_is_refused(text, wanted):
    with pytest.raises(UsageError, match=wanted):
        Requirement.parse(text)


def test_an_axis_of_factors_is_over_how_far_they_are_from_one():
    axis = size_axis([1.005, 1.2], "factor", "gain")
    assert axis["tickvals"] == [0.005, 0.01, 0.02, 0.05, 0.1, 0.2]
    assert axis["ticktext"] == ["x1.005", "x1.01", "x1.02", "x1.05", "x1.1", "x1.2"]
    assert on_axis(1.25, "factor") == 0.25
    assert size_axis([1, 30], "s", "lag")["title"]["text"] == "size (s)"
