"""A benchmark as a file: what it may say, and how a mistake is named."""

import re

import pytest

from sensorkit.errors import UsageError
from sensorkit.evaluate import Config, Settings
from sensorkit.evaluate.settings import DetectabilityGrid

WHOLE = """
recordings: [monday, /data/tuesday]
kinds: [bias, drift]
channels: [temperature]
sizes_sigma: [2, 4.5]
durations: [30]
repeats: 2
seeds: [1, 2, 3]
detectors:
  forest:
  sigma_long: {detector: sigma, window: 500}
false_alarms_per_day: 0.5
tolerance: 5
thresholds: null
workers: 2
timeout_s: 60
memory_mb: 2000
detectability:
  kinds: [drift]
  repeats: 10
03_benchmark:
  buffer: 50
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "bench.yaml"
        path.write_text(text)
        return path

    return write


def test_a_file_says_all_that_a_benchmark_is_made_of(write, tmp_path):
    config = Config.load(write(WHOLE))

    assert config.recordings == (str(tmp_path / "monday"), "/data/tuesday")
    assert config.seeds == (1, 2, 3)
    assert config.workers == 2
    assert config.settings == Settings(
        detectors={"forest": {}, "sigma_long": {"detector": "sigma", "window": 500}},
        false_alarms_per_day=0.5,
        tolerance=5,
        timeout_s=60,
        memory_mb=2000,
        detectability=DetectabilityGrid(kinds=("drift",), repeats=10),
    )


def test_what_was_not_said_is_left_to_the_notebooks(write):
    assert Config.load(write("seed: 2\n")).parameters() == {"seed": 2}
    assert Config.load(write("{}\n")).parameters() == {}


def test_it_becomes_parameters_of_the_notebooks(write):
    found = Config.load(write(WHOLE)).parameters()

    assert found["seeds"] == [1, 2, 3]
    assert found["detectors"] == {"forest": {}, "sigma_long": {"detector": "sigma", "window": 500}}
    assert found["03_benchmark.buffer"] == 50
    assert found["thresholds"] == 0
    assert found["detectability"]["kinds"] == ["drift"]
    assert found["detectability"]["sizes"] == DetectabilityGrid().sizes
    assert "recordings" not in found


def test_an_empty_grid_means_its_defaults_and_null_none(write):
    assert Config.load(write("detectability: {}\n")).parameters()["detectability"] == (
        DetectabilityGrid().model_dump(mode="json")
    )
    assert Config.load(write("detectability: null\n")).parameters() == {"detectability": {}}


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        ("detectors: [sigma, forest]", {"detectors": {"sigma": {}, "forest": {}}}),
        ("detectors: sigma, forest", {"detectors": {"sigma": {}, "forest": {}}}),
        ("kinds: bias", {"kinds": ["bias"]}),
        ("profiles: [weather, fermenter]", {"profiles": {"weather": 0.0, "fermenter": 0.0}}),
        ("profiles: {weather: 12}", {"profiles": {"weather": 12.0}}),
        ("03_benchmark.buffer: 7", {"03_benchmark.buffer": 7}),
        ("00_quickstart: {seconds: 25}", {"00_quickstart.seconds": 25}),
        ("hours: 2", {"hours": 2.0}),
    ],
)
def test_the_short_forms(write, text, taken):
    assert Config.load(write(text)).parameters() == taken


def test_files_that_it_names_lie_beside_it_and_names_stay_names(write, tmp_path):
    config = Config.load(write("profiles: [my.yaml, weather]\nplans: [mixed, sub/own.yml]\n"))

    assert list(config.profiles) == [str(tmp_path / "my.yaml"), "weather"]
    assert config.plans == ("mixed", str(tmp_path / "sub" / "own.yml"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("seed: 1\nbufer: 4\n", r":2: bufer: unknown key; did you mean 'buffer'"),
        ("notebooks: {}\n", r":1: notebooks: unknown key"),
        ("detectors:\n  sigma:\n    - 3\n", r":3: detectors.sigma: .*dict"),
        ("fit: 0.7\n", r"leave nothing for the test"),
        ("kinds:\n  - bias\n  - drft\n", r":3: kinds.1: unknown kind of fault 'drft'; .*'drift'"),
        ("detectors:\n  forest:\n  sgima: {}\n", r":3: detectors.sgima: unknown detector 'sgima'"),
        ("detectors:\n  x: {detector: forst}\n", r":2: detectors.x: unknown detector 'forst'"),
        ("seed: 1\nseed: 2\n", r":2: seed: stands here a second time"),
        ("repeats: 0\n", r":1: repeats: .*greater than or equal to 1 \(had 0\)"),
        ("sizes_sigma: [2, -1]\n", r":1: sizes_sigma.1: .*greater than 0"),
        ("detectability:\n  repeats: 20\n  size: 8\n", r":3: detectability.size: unknown key; did"),
        ("profile: weather\nprofiles: [weather]\n", r":2: profiles: stands beside profile"),
        ("recordings: [a]\nprofile: b\n", r":1: recordings: stand beside an emulated device"),
        ("seeds: [1, 1]\n", r":1: seeds: one stands there twice"),
        ("profiles: {weather: -1}\n", r":1: profiles.weather: -1 hours"),
        ("03_benchmark: 3\n", r":1: 03_benchmark: parameters of the notebook are wanted below"),
        ("workers: -1\n", r":1: workers: "),
        ("memory_mb: 0\n", r":1: memory_mb: "),
        ("detectors:\n  x: {detector: 3}\n", r":2: detectors.x.detector: is 3"),
        ("detectors:\n  x: {detector: random}\n", r":2: detectors.x: 'random' is a baseline"),
        ("detectors:\n  never: {detector: sigma}\n", r":2: detectors.never: 'never' is a base"),
        ("- 1\n", "holds list, a mapping"),
        ("a: [\n", ":2: not readable as YAML"),
    ],
)
def test_a_mistake_is_named_with_file_line_and_field(write, text, sentence):
    with pytest.raises(UsageError, match=rf"bench.yaml.*{sentence}"):
        Config.load(write(text))


def test_the_shipped_example_is_one(tmp_path):
    from sensorkit.report.files import project_root

    config = Config.load(project_root() / "examples" / "benchmark.yaml")

    assert len(config.seeds) > 1
    assert {"sigma", "sigma_long"} <= set(config.detectors)
    assert config.detectability is not None


def test_the_page_about_it_names_every_key_and_shows_a_file_that_can_be_read(tmp_path):
    from sensorkit.report.files import project_root

    page = (project_root() / "docs" / "benchmark.md").read_text(encoding="utf-8")
    table = page[page.index("| key |") : page.index("**Two detectors")]
    named = set(re.findall(r"`(\w+)`", table))
    assert set(Config.model_fields) - {"notebooks"} <= named
    assert set(DetectabilityGrid.model_fields) <= named

    (shown,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "shown.yaml").write_text(shown)
    assert Config.load(tmp_path / "shown.yaml").seeds == (1, 2)
