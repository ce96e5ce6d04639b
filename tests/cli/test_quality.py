import json

import numpy as np
import pytest

from sensorkit.capture import write_recording
from sensorkit.cli.capture.quality_watch import QualityWatch
from sensorkit.profile import Profile
from sensorkit.quality import DIMENSIONS, Thresholds
from sensorkit.readings import Alert, Readings, Severity
from sensorkit.wire.codec import make_codec

S = 1_000_000_000
START = 1_700_000_000 * S


@pytest.fixture
def run(typing, capsys, monkeypatch, tmp_path):
    """Run a command as `main` does; return exit status, output and errors."""
    monkeypatch.chdir(tmp_path)
    return typing(capsys)


@pytest.fixture
def monitor():
    return Profile.load("serial_monitor")


def readings(n, kept=slice(None)):
    noise = np.random.default_rng(5).normal(0, [0.2, 0.03], (n, 2))
    return Readings.build(
        START + np.arange(n) * S,
        np.round(np.array([25.0, 5.0]) + noise, 2),
        ("temperature", "voltage"),
        device="monitor-1",
        sequence=np.arange(n),
    )[kept]


@pytest.fixture
def bench(tmp_path, monitor):
    """A recording in which ten of two hundred frames are missing."""
    kept = np.r_[:100, 110:200]
    return write_recording(tmp_path / "bench", monitor, readings(200, kept), kind="imported")


@pytest.fixture
def log(tmp_path, monitor):
    """What a serial monitor sent: forty of its frames cut off."""
    codec = make_codec(monitor)
    rng = np.random.default_rng(5)
    lines = []
    for i in range(300):
        values = [f"{25 + rng.normal(0, 0.2):.2f}", f"{5 + rng.normal(0, 0.03):.2f}"]
        line = codec.encode(values, status="NORMAL", sequence=i, uptime=f"{i}.000")
        lines.append(line[:12] if 150 <= i < 190 else line)
    path = tmp_path / "monitor.log"
    path.write_bytes(b"\r\n".join(lines) + b"\r\n")
    return path


def test_quality_says_how_good_a_recording_is_and_where_it_is_not(run, bench):
    status, out, err = run("quality", "bench")
    assert (status, err) == (0, "")
    for text in (
        "Data quality bench",
        "score 95 of 100: 400 values were due in 190 lines, 0 of them rejected",
        "temperature   95.0          95.0       100         100",
        "10 frames are missing",
        "Recording.open('bench').plot(start=",
    ):
        assert text in out, text


def test_quality_names_the_bytes_to_look_at(run, log):
    assert run("capture", f"file:{log}", "--out", "bench")[0] == 0
    _, out, _ = run("quality", "bench")
    assert "tail -c +" in out
    offset = int(out.split("tail -c +")[1].split()[0])
    raw = log.read_bytes()
    assert raw[offset - 1 :].startswith(b"T:")
    assert len(raw[offset - 1 :].split(b"\r\n")[0]) == 12  # one of those cut off


def test_quality_as_json_has_all_of_it(run, bench):
    status, out, _ = run("quality", "bench", "--json", "--window", "50")
    told = json.loads(out)
    assert status == 0
    assert told["score"] == 95.0
    assert list(told["dimensions"]) == list(DIMENSIONS)
    assert {"devices", "channels", "issues", "windows", "expectations"} <= set(told)
    assert [one["line"] for one in told["windows"]] == [50, 100, 150, 190]


@pytest.mark.parametrize(("least", "code"), [(95, 0), (95.5, 1)])
def test_quality_fails_below_what_is_wanted(run, bench, least, code):
    status, out, err = run("quality", "bench", "--fail-below", least)
    assert status == code
    assert "score 95 of 100" in out
    said = "sensorkit: bench: the score is 95.00; at least 95.5 is wanted (--fail-below)\n"
    assert err == (said if code else "")


def test_quality_of_nothing_fails_below_anything(run, tmp_path, monitor):
    write_recording(
        tmp_path / "empty", monitor, Readings.empty(monitor.channel_names), kind="imported"
    )
    assert run("quality", "empty")[0] == 0
    status, _, err = run("quality", "empty", "--fail-below", "1")
    assert (status, "there is no score, for nothing came" in err) == (1, True)


def test_quality_takes_the_expectations_of_another_profile(run, bench, tmp_path, monitor):
    import yaml

    told = {**monitor.to_dict(), "expectations": [{"relation": "voltage > temperature"}]}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")
    _, out, _ = run("quality", "bench", "--profile", "mine.yaml")
    assert "voltage > temperature  no" in out
    assert "190 values not as expected (voltage > temperature)" in out


def test_quality_of_what_is_no_recording_says_so(run, tmp_path):
    status, _, err = run("quality", "nowhere")
    assert status == 2
    assert "nowhere" in err


def test_a_capture_judges_what_comes_and_raises_alerts(run, log):
    status, out, _ = run(
        "capture", f"file:{log}", "--out", "bench", "--quality-window", "50",
        "--quality-interval", "0.3", "--json",
    )  # fmt: skip
    told = json.loads(out)
    assert status == 0
    kinds = [one["type"] for one in told["alerts"] if one["detector"] == "quality"]
    assert {"QUALITY_LOW", "ERROR_RATE_HIGH"} <= set(kinds)
    assert kinds.count("QUALITY_LOW") == 1
    assert all(one["end"] is not None for one in told["alerts"])
    assert told["quality"]["score"] == 100.0  # of the last fifty
    assert told["quality"]["window"] == 50


def test_a_capture_without_a_window_judges_nothing(run, log):
    _, out, _ = run("capture", f"file:{log}", "--out", "bench", "--json")
    told = json.loads(out)
    assert "quality" not in told
    assert not [one for one in told["alerts"] if one["detector"] == "quality"]


def test_thresholds_are_options(run, log):
    words = ["capture", f"file:{log}", "--out", "bench", "--quality-window", "50", "--json"]
    off = ["--quality-below", "0", "--error-rate-above", "1", "--memory-mb-above", "1"]
    _, out, _ = run(*words, *off, "--detector", "none")
    assert [one["type"] for one in json.loads(out)["alerts"]] == ["MEMORY_HIGH"]


def test_the_alerts_of_quality_are_in_the_report_of_the_recording(run, log, tmp_path):
    run("capture", f"file:{log}", "--out", "bench", "--quality-window", "50", "--detector", "none")
    report = json.loads((tmp_path / "bench" / "derived" / "anomaly_report.json").read_text())
    assert {"QUALITY_LOW", "ERROR_RATE_HIGH"} <= {one["type"] for one in report}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_a_watch_looks_again_when_its_interval_is_over(monitor):
    clock, asked = Clock(), []
    watch = QualityWatch(
        monitor, 50, 0.3, Thresholds(), clock=clock, memory=lambda: asked.append(clock.now) or 1.0
    )
    for k in range(7):
        clock.now = k / 10
        watch.take(readings(70)[k * 10 : k * 10 + 10], {})
    assert asked == [0.0, 0.3, 0.6]
    assert watch.parts() == ["quality 100"]


def test_silence_is_seen_without_a_reading(monitor):
    clock = Clock()
    watch = QualityWatch(monitor, 50, 0.3, clock=clock, memory=lambda: 1.0)
    watch.take(readings(50), {"monitor-1": START + 49 * S})
    clock.now = 60.0
    begun = watch.take(readings(0), {"monitor-1": START + 150 * S})
    assert [alert.type for alert in begun] == ["QUALITY_LOW"]
    assert watch.parts() == ["quality 33", "completeness 33"]


def test_many_alerts_of_the_detector_are_an_alert(monitor):
    watch = QualityWatch(monitor, 50, 0.3, clock=Clock(), memory=lambda: 1.0)
    alerts = [
        Alert(START + k * S, "SPIKE", Severity.WARNING, "", "rules", "monitor-1")
        for k in range(20, 31)
    ]
    begun = watch.take(readings(40), {"monitor-1": START + 39 * S}, alerts)
    assert [alert.type for alert in begun] == ["ANOMALIES_MANY"]
