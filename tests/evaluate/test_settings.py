import pytest

from sensorkit.errors import UsageError
from sensorkit.evaluate import Settings
from sensorkit.evaluate.settings import DetectabilityGrid
from sensorkit.profile import Profile


def test_a_yaml_file_sets_what_it_names(tmp_path):
    path = tmp_path / "benchmark.yaml"
    path.write_text("buffer: 40\ndetectors:\n  sigma: {k: 4}\n")
    found = Settings.load(path)
    assert (found.buffer, found.detectors, found.tolerance) == (40, {"sigma": {"k": 4}}, 10)


def test_a_mistake_in_a_file_is_named_with_its_line(tmp_path):
    path = tmp_path / "benchmark.yaml"
    path.write_text("seed: 1\nbufer: 40\n")
    with pytest.raises(
        UsageError, match=r"benchmark.yaml:2: bufer: unknown key; did you mean 'buffer'"
    ):
        Settings.load(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"fit": 0.6, "calibrate": 0.4}, "leave nothing for the test"),
        ({"fit": 0}, r"fit: .*greater than 0"),
        ({"false_alarms_per_day": 0}, "false_alarms_per_day"),
        ({"false_alarms_per_day": float("inf")}, "false_alarms_per_day"),
        ({"buffer": -1}, "buffer"),
        ({"thresholds": 1}, "thresholds"),
        ({"resamples": 10}, "resamples"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"detectors": ["sigma"]}, "detectors"),
        ({"memory_mb": 0}, "memory_mb"),
        ({"detectors": {"x": {"detector": "random"}}}, "'random' is a baseline, which has one"),
        ({"detectors": {"never": {"detector": "sigma"}}}, "'never' is a baseline"),
        ({"detectors": {"x": {"detector": 3}}}, r"detectors.x.detector: is 3"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(data, message):
    with pytest.raises(UsageError, match=message):
        Settings.from_dict(data, "given")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"resamples": 50}, r"Settings: resamples: .* equal to 100 \(had 50\)"),
        ({"bufer": 50}, "Settings: bufer: unknown key; did you mean 'buffer'?"),
        ({"fit": 0.6, "calibrate": 0.4}, "Settings: fit .* leave nothing for the test"),
        ({"detectability": {"repeats": 1}}, "Settings: detectability.repeats: .*had 1"),
    ],
    ids=lambda value: None if isinstance(value, str) else next(iter(value)),
)
def test_a_call_that_makes_no_sense_is_told_as_a_file_is(fields, message):
    with pytest.raises(UsageError, match=message) as caught:
        Settings(**fields)

    assert "http" not in str(caught.value)


def test_a_grid_that_makes_no_sense_is_told_as_well():
    with pytest.raises(UsageError, match=r"^DetectabilityGrid: repeats: .*had 1\)$"):
        DetectabilityGrid(repeats=1)


def test_the_baselines_are_always_there_and_take_parameters():
    found = Settings(detectors={"random": {"seed": 5}, "forest": {}}).resolved([])
    assert found == {
        "forest": {},
        "random": {"seed": 5},
        "always": {},
        "never": {},
        "last_value": {},
    }


def test_rules_are_tried_by_default_where_every_profile_has_some():
    shipped = Profile.load("serial_monitor")
    without = shipped.model_copy(update={"rules": ()})
    assert [*Settings().resolved([shipped])][:3] == ["rules", "sigma", "forest"]
    assert "rules" not in Settings().resolved([shipped, without])


def test_the_variant_of_vus_is_stated():
    assert Settings(thresholds=250).vus_variant.endswith(
        "buffer 100 readings, 250 thresholds at equal ranks"
    )
