import json
import re
import subprocess
import sys

import numpy as np
import pytest
import typer.testing

from sensorkit import detect
from sensorkit.capture import write_recording
from sensorkit.cli.app import app
from sensorkit.profile import Profile
from sensorkit.readings import Event, Readings

PROFILE = Profile.load("serial_monitor")
SECOND = 10**9
START = 1_767_225_600 * SECOND  # 2026-01-01


def readings(n=400, seed=1):
    rng = np.random.default_rng(seed)
    values = np.column_stack([rng.normal(25, 0.2, n), rng.normal(5, 0.02, n)]).round(2)
    return Readings.build(
        START + np.arange(n) * SECOND,
        values,
        PROFILE.channel_names,
        device="monitor-1",
        offset=np.arange(n) * 40,
    )


def write(folder, taken, **more):
    return write_recording(folder, more.pop("profile", PROFILE), taken, kind="imported", **more).dir


@pytest.fixture
def bench(tmp_path):
    """25 degC and 5 V, but for 95.5 degC at 200 s and 6.1 V at 300 s."""
    faulty = readings()
    faulty.values[200, 0], faulty.values[300, 1] = 95.5, 6.1
    return write(tmp_path / "bench", faulty)


@pytest.fixture
def healthy(tmp_path):
    return write(tmp_path / "healthy", readings(2_000, seed=2))


@pytest.fixture
def run(typing, capsys):
    """Run `sensorkit detect ...`; return exit code, output and errors."""
    return typing(capsys, "detect")


def test_the_rules_of_the_profile_are_the_default(run, bench):
    code, printed, _ = run(bench)
    assert code == 0
    lines = printed.splitlines()
    assert lines[0] == (
        "2026-01-01T00:03:20.000000Z  CRITICAL  THRESHOLD_BREACH_TEMP     "
        "Temperature 95.50°C exceeded threshold of 80.0°C.  (0.0 s)"
    )
    target = bench / "derived" / "anomaly_report.json"
    assert lines[-1] == f"3 alerts by rules in 400 readings; written to {target}"
    types = [entry["type"] for entry in json.loads(target.read_text("utf-8"))]
    assert types == ["THRESHOLD_BREACH_TEMP", "RAPID_CHANGE_TEMP", "THRESHOLD_BREACH_VOLTAGE"]


def test_json_is_the_report_and_nothing_else(run, bench):
    _, printed, _ = run(bench, "--json")
    report = bench / "derived" / "anomaly_report.json"
    assert json.loads(printed) == json.loads(report.read_text("utf-8"))


def test_nothing_found_is_an_empty_report(run, healthy):
    _, printed, _ = run(healthy)
    assert printed.startswith("0 alerts by rules in 2000 readings")
    assert json.loads((healthy / "derived" / "anomaly_report.json").read_text()) == []


def test_a_learned_detector_says_what_it_was_fitted_on(run, bench, healthy):
    code, printed, _ = run(bench, "--detector", "sigma")
    assert code == 0
    assert printed.startswith(
        "sigma is fitted on the first 30% of this recording: 120 readings up to "
        "2026-01-01T00:01:59.000000Z, taken as healthy and not searched"
    )
    assert " in 280 readings" in printed
    _, printed, _ = run(bench, "--detector", "sigma", "--fit-on", healthy)
    assert printed.startswith(f"sigma is fitted on {healthy}: 2000 readings")
    assert " in 400 readings" in printed


def test_rules_are_learned_where_they_are_asked_for(run, bench, healthy):
    learned = ("--detector", "rules", "--set", "source=fit")
    code, printed, _ = run(bench, *learned, "--fit-on", healthy)
    assert code == 0
    assert printed.startswith(f"rules is fitted on {healthy}: 2000 readings")
    assert "CRITICAL  THRESHOLD_BREACH_TEMPERATURE  Temperature 95.50°C was outside" in printed
    _, printed, _ = run(bench, *learned)
    assert printed.startswith("rules is fitted on the first 30% of this recording")
    code, _, errors = run(bench, "--detector", "rules", "--fit-on", healthy)
    assert code != 0
    assert "rules learns nothing; leave it out" in errors


def test_what_it_learned_from_is_not_searched(run, tmp_path):
    faulty = readings()
    faulty.values[50, 0] = faulty.values[200, 0] = 95.5
    folder = write(tmp_path / "bench", faulty)
    _, printed, _ = run(folder, "--detector", "sigma", "--set", "k=50", "--json")
    assert [entry["timestamp"][14:19] for entry in json.loads(printed)] == ["03:20"]


def test_it_is_calibrated_on_a_recording_that_is_named(run, bench, healthy):
    budget = ("--calibrate-on", healthy, "--false-alarms-per-day", 100)
    _, printed, _ = run(bench, "--detector", "sigma", "--fit-on", healthy, *budget)
    assert "sigma is calibrated on 0.555 clean hours: 2 false alarms" in printed


def test_a_saved_detector_finds_the_same(run, bench, healthy, tmp_path):
    model = tmp_path / "model"
    learned = ("--detector", "forest", "--set", "trees=20", "--fit-on", healthy, "--save", model)
    _, first, _ = run(bench, *learned, "--json")
    _, again, _ = run(bench, "--detector", model, "--json")
    assert json.loads(first) == json.loads(again) != []


def test_the_report_goes_where_it_is_asked_to(run, bench, tmp_path):
    run(bench, "--out", tmp_path / "report.json")
    assert len(json.loads((tmp_path / "report.json").read_text())) == 3
    assert not (bench / "derived" / "anomaly_report.json").exists()


def test_a_silence_that_the_recording_ends_with_is_found(run, tmp_path):
    taken = readings(10)
    lost = Event(int(taken.time[-1]) + 5 * SECOND, "heartbeat_lost", 10**6)
    folder = write(tmp_path / "silent", taken, events=[lost])
    _, printed, _ = run(folder, "--json")
    (entry,) = json.loads(printed)
    assert entry["type"] == "HEARTBEAT_LOSS"
    assert entry["timestamp"] == "2026-01-01T00:00:14.000000Z"


def test_a_silence_in_the_middle_is_found_once(run, tmp_path):
    taken = readings(20)
    taken.time[10:] += 7 * SECOND
    lost = Event(int(taken.time[9]) + 5 * SECOND, "heartbeat_lost", 10 * 40)
    folder = write(tmp_path / "silent", taken, events=[lost])
    _, printed, _ = run(folder, "--json")
    (entry,) = json.loads(printed)
    assert (entry["timestamp"][17:19], entry["end"][17:19]) == ("14", "17")


def test_control_characters_of_a_profile_are_shown_not_sent(run, tmp_path):
    told = PROFILE.to_dict()
    told["channels"][0]["label"] = "\x1b[2JTemperature"
    faulty = readings(10)
    faulty.values[5, 0] = 95.5
    profile = Profile.from_dict(told, "here")
    _, printed, _ = run(write(tmp_path / "evil", faulty, profile=profile))
    assert "\x1b" not in printed
    assert "\\x1b[2JTemperature 95.50°C" in printed


@pytest.mark.parametrize(
    "members",
    [
        "{sigma: {k: 4}, mewma: {}}",
        '{"sigma": {"k": 4}, "mewma": {}}',
        '{"sigma":{"k":4},"mewma":{}}',
        " { sigma: { k: 4 },\n mewma: {} }",
    ],
)
def test_members_of_an_ensemble_are_set_as_yaml_or_json(run, bench, tmp_path, members):
    model = tmp_path / "model"
    options = ("--detector", "ensemble", "--set", f"members={members}", "--save", model)
    code, _, said = run(bench, *options)
    assert code == 0, said
    assert detect.load(model).get_params()["members"] == {"sigma": {"k": 4}, "mewma": {}}


def test_help_names_every_detector_there_is():
    said = " ".join(typer.testing.CliRunner().invoke(app, ["detect", "--help"]).output.split())
    assert all(name in said for name in detect.names()), said


def test_help_does_not_load_the_detectors():
    code = (
        "import sys; from sensorkit.cli.app import main\n"
        "sys.argv = ['sensorkit', 'detect', '--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'numba', 'numpy', 'sensorkit.detect'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_recordings_that_should_be_others_are_warned_of(run, bench, healthy):
    link = healthy / ".." / healthy.name
    sigma = ("--detector", "sigma")
    _, _, said = run(bench, *sigma, "--fit-on", healthy, "--calibrate-on", link)
    assert " ".join(said.split()) == (
        f"sensorkit: {link}: is --fit-on and --calibrate-on at once: a detector finds what it "
        "learned from more healthy than other readings, so that its threshold is too low; name "
        "two healthy recordings"
    )
    _, _, said = run(healthy, *sigma, "--fit-on", link)
    assert " ".join(said.split()).startswith(
        f"sensorkit: {healthy}: is the recording searched and --fit-on at once: faults in it count "
        "as healthy"
    )
    _, _, said = run(healthy, *sigma, "--calibrate-on", link)
    assert "is the recording searched and --calibrate-on at once" in " ".join(said.split())
    _, _, said = run(healthy, *sigma, "--calibrate-on", healthy, "--fit-on", healthy)
    assert said.count("sensorkit: ") == 1
    assert "searched, --fit-on and --calibrate-on at once" in " ".join(said.split())
    _, _, said = run(bench, *sigma, "--calibrate-on", healthy)
    assert said == ""


MEMBERS = re.escape(
    "detectors with their parameters are wanted, as --set 'members={sigma: {k: 4}, mewma: {}}'"
)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--detector", "sigam"], "unknown detector 'sigam'; there are .*; did you mean 'sigma'"),
        (["--set", "merg=3"], "unknown rules parameter 'merg'; .* mean 'merge'"),
        (["--detector", "sigma", "--set", "window"], "--set window: PARAM=VALUE is wanted"),
        (["--detector", "sigma", "--set", "window=few"], "window is 'few'; a whole number"),
        (["--detector", "ensemble", "--set", "members=sigma"], f"--set members=sigma: {MEMBERS}"),
        (["--detector", "ensemble", "--set", "members={sigma, mewma}"], f"mewma}}: {MEMBERS}"),
        (["--detector", "ensemble", "--set", "members=[sigma]"], f"members=.sigma.: {MEMBERS}"),
        (["--detector", "ensemble", "--set", "members={sigma:"], "--set members=.sigma:: is not"),
        (["--detector", "ensemble", "--set", "members={sigam: {}}"], "did you mean 'sigma'"),
        (["--detector", "ensemble", "--set", "members={sigma:{k:4}}"], "after each colon"),
        (["--fit-on", "BENCH"], "--fit-on: rules learns nothing; leave it out"),
        (["--false-alarms-per-day", "2"], "--false-alarms-per-day needs --calibrate-on DIR"),
        (["--calibrate-on", "NOWHERE"], "NOWHERE"),
        (["--calibrate-on", "BENCH", "--false-alarms-per-day", "-1"], "a number above 0"),
        (["--detector", "BENCH/recording.json"], "is no detector that sensorkit has saved"),
    ],
)
def test_wrong_use_is_one_sentence_and_exit_code_2(run, bench, tmp_path, options, message):
    options = [option.replace("BENCH", str(bench)) for option in options]
    code, printed, said = run(bench, *options)
    assert code == 2
    assert printed == ""
    said = " ".join(said.split())
    assert said.startswith("sensorkit: ")
    assert re.search(message, said), said
    assert not (bench / "derived" / "anomaly_report.json").exists()


def test_a_saved_detector_takes_no_settings(run, bench, tmp_path):
    model = detect.save(detect.make("sigma").fit(readings()), tmp_path / "model")
    code, _, said = run(bench, "--detector", model, "--set", "k=2")
    assert code == 2
    assert "is a saved detector, fitted with its parameters set" in said


@pytest.mark.parametrize("option", ["--save", "--out"])
def test_a_path_that_cannot_be_written_is_said_before_the_work(run, bench, tmp_path, option):
    code, out, said = run(bench, option, tmp_path / "nowhere" / "file")
    assert (code, out) == (2, "")
    assert f"{tmp_path / 'nowhere' / 'file'}: its folder is not there" in " ".join(said.split())
    assert not (bench / "derived" / "anomaly_report.json").exists()


def test_an_empty_recording_is_refused(run, tmp_path):
    folder = write(tmp_path / "empty", readings(0))
    code, _, said = run(folder)
    assert code == 2
    assert "has no readings (nothing came)" in said


def test_a_profile_without_rules_wants_a_detector_named(run, tmp_path):
    told = PROFILE.to_dict()
    del told["rules"]
    folder = write(tmp_path / "free", readings(10), profile=Profile.from_dict(told, "here"))
    code, _, said = run(folder)
    assert code == 2
    assert "has no rules to go by; name a detector: --detector sigma" in said


def test_a_table_changed_by_hand_is_said_before_it_is_judged(run, bench):
    table = bench / "structured_metrics.csv"
    table.write_text(table.read_text().replace("95.5", "25.0"))
    code, printed, err = run(bench)
    assert code == 0
    assert "bench: is not as it was recorded: structured_metrics.csv (changed)" in err
    assert "sensorkit replay" in err
    assert "THRESHOLD_BREACH_TEMP" not in printed
