"""`sensorkit config`: what holds and why, as a user types it."""

import json
import os

import pytest

from sensorkit.cli.config import settling
from sensorkit.config import Preset
from sensorkit.config.reach import REACHES

SITE = """\
ports:
  boiler: {link: /dev/ttyUSB0, baud: 9600, device: boiler-1, reconnect: true}
  oven: {link: 'socket://host:4001', profile: mine}
profiles:
  mine: mine.yaml
presets:
  night: {window: 500, defaults: {capture: {rotate: 1d}}}
thresholds: {quality_below: 60}
sinks:
  log: file:${LOGS}/alerts.jsonl
defaults:
  capture: {fsync: 5, detector: none}
  emulate: {seed: 3, frames: 4, labels: out/l.csv}
  detect: {set: {window: 20, k: 4}}
  datasets fetch: {yes: true}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Be in an empty folder, with nothing of sensorkit in the environment."""
    for name in os.environ:
        if name.startswith("SENSORKIT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    settling.current().site = None


@pytest.fixture
def site(here):
    """Stand in a folder with a sensorkit.yaml."""
    (here / "sensorkit.yaml").write_text(SITE)
    return here


@pytest.fixture
def sensorkit(typing, capsys):
    """Run `sensorkit ...`; return exit code, output and errors."""
    return typing(capsys)


@pytest.fixture
def shown(sensorkit):
    """Return a function that gives the options of `sensorkit config show --json ...`."""

    def make(*words):
        code, out, err = sensorkit("config", "show", "--json", *words)
        assert code == 0, err
        return json.loads(out)

    return make


def held(shown, option, *words):
    """Return value and source of an option."""
    own = shown("--", *words)["options"][option]
    return own["value"], own["source"]


def test_without_a_file_or_a_preset_all_is_built_in(here, shown):
    options = shown("capture")["options"]

    assert {own["source"] for own in options.values()} == {"built-in"}
    assert options["fsync"]["value"] == "1"


def test_a_flag_goes_before_the_environment_a_preset_and_the_file(site, shown, monkeypatch):
    (site / "sensorkit.yaml").write_text(
        SITE.replace("capture: {fsync: 5,", "capture: {fsync: 5, rotate: 2d,")
    )
    command = ("capture", "/dev/x")

    assert held(shown, "rotate", *command) == ("2d", "sensorkit.yaml:12")
    monkeypatch.setenv("SENSORKIT_PRESET", "night")
    assert held(shown, "rotate", *command) == ("1d", "preset night")
    monkeypatch.setenv("SENSORKIT_CAPTURE_ROTATE", "3d")
    assert held(shown, "rotate", *command) == (
        "3d",
        "environment variable SENSORKIT_CAPTURE_ROTATE",
    )
    assert held(shown, "rotate", *command, "--rotate", "4d") == ("4d", "flag")


@pytest.mark.parametrize(
    "words",
    [
        ("--preset", "testing", "config", "show", "--json", "emulate"),
        ("config", "show", "--json", "--preset", "testing", "emulate"),
        ("--preset", "demo", "config", "show", "--json", "--preset", "testing", "emulate"),
    ],
)
def test_a_preset_may_stand_before_or_after_the_command(here, sensorkit, words):
    _, out, _ = sensorkit(*words)

    rate = json.loads(out)["options"]["rate"]
    assert (rate["value"], rate["source"]) == (5.0, "preset testing")


def test_a_preset_of_a_flag_goes_before_that_of_the_environment_and_of_the_file(
    here, shown, monkeypatch
):
    (here / "sensorkit.yaml").write_text("preset: demo\n")

    assert held(shown, "rate", "emulate")[1] == "preset demo"
    monkeypatch.setenv("SENSORKIT_PRESET", "testing")
    assert held(shown, "rate", "emulate")[1] == "preset testing"
    assert shown("--preset", "production", "emulate")["options"]["rate"]["value"] == 1


@pytest.mark.parametrize("name", Preset.shipped())
def test_the_settings_of_a_preset_reach_every_option_they_mean(here, shown, name):
    commands = shown("--preset", name)["commands"]
    preset = Preset.load(name)
    thresholds = {f"thresholds.{key}": own for key, own in preset.thresholds.given().items()}
    reached = set()
    for setting, value in (preset.settings() | thresholds).items():
        reach = REACHES[setting]
        for command in reach.commands:
            for option in set(reach.names) & set(commands[command]):
                own = commands[command][option]
                given = own["value"][0] if isinstance(own["value"], list) else own["value"]
                assert (given, own["source"]) == (value, f"preset {name}")
                reached.add(setting)
    assert {"profile", "units", "rate_hz"} <= reached


def test_no_option_that_has_the_name_of_a_setting_was_forgotten(here, shown):
    for command, options in shown()["commands"].items():
        for setting, reach in REACHES.items():
            for option in set(reach.names) & set(options):
                assert command in {*reach.commands, *reach.elsewhere}, (
                    f"{command} --{option}: is it the {setting} of a preset? Say so in reach.py"
                )


def test_what_a_command_has_no_option_for_is_said_to_be_unused(here, sensorkit):
    _, out, _ = sensorkit("config", "show", "--preset", "demo", "emulate")

    assert out.splitlines()[-1].startswith("not used here: window, quality_interval_s, ")


def test_a_named_port_brings_what_it_says_and_a_flag_goes_first(site, shown):
    words = ("capture", "boiler", "--out", "x")
    options = shown("--", *words)["options"]

    assert options["links"]["value"] == ["/dev/ttyUSB0"]
    where = "port boiler, sensorkit.yaml:2"
    assert {options[name]["source"] for name in ("links", "baud", "device", "reconnect")} == {where}
    assert options["baud"]["value"] == ["9600"]
    assert held(shown, "baud", *words, "--baud", "1200") == (["1200"], "flag")


def test_several_named_ports_keep_their_own_speed_and_profile(site, shown):
    options = shown("--", "capture", "boiler", "left=oven", "/dev/x", "--out", "x")["options"]

    assert options["links"]["value"] == [
        "boiler=/dev/ttyUSB0",
        "left=socket://host:4001",
        "/dev/x",
    ]
    assert options["baud"]["value"] == ["115200", "boiler=9600"]
    assert options["profile"]["value"] == ["serial_monitor", f"left={site / 'mine.yaml'}"]


def test_a_port_that_is_misspelt_is_told_with_the_nearest(site, sensorkit):
    code, _, err = sensorkit("capture", "boilr", "--out", "x")

    assert code == 2
    assert err == (
        "sensorkit: unknown port 'boilr'; there are boiler, oven; did you mean 'boiler'?\n"
    )


def test_a_profile_of_the_file_is_known_by_its_name(site, shown):
    assert held(shown, "profile", "emulate", "mine") == (str(site / "mine.yaml"), "flag")


def test_paths_of_the_file_begin_at_the_file(site, shown, monkeypatch):
    (site / "sub").mkdir()
    monkeypatch.chdir(site / "sub")
    monkeypatch.setenv("SENSORKIT_CONFIG", str(site / "sensorkit.yaml"))

    assert held(shown, "labels", "emulate", "fermenter")[0] == str(site / "out" / "l.csv")


def test_a_mapping_in_the_file_is_typed_as_key_and_value(site, shown):
    assert held(shown, "set", "detect", "x")[0] == ["window=20", "k=4"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("--detector", "sigma"), (["window=20"], "preset testing")),
        (("--detector", "sigma", "--set", "k=4"), (["k=4"], "flag")),
        (("--detector", "mewma"), ([], "built-in")),
        (("--detector", "saved.skm"), ([], "built-in")),
        ((), ([], "built-in")),
    ],
)
def test_the_window_of_a_preset_is_that_of_a_detector_that_has_one(here, shown, words, wanted):
    options = shown("--preset", "testing", "--", "detect", "x", *words)["options"]

    assert (options["set"]["value"], options["set"]["source"]) == wanted


def test_the_defaults_of_a_file_are_what_a_command_runs_with(site, sensorkit):
    (site / "out").mkdir()

    code, _, err = sensorkit("emulate", "serial_monitor", "--port", "file:frames.txt")

    assert code == 0
    assert "sent 4 frames" in err
    assert (site / "out" / "l.csv").is_file()


def test_alerts_go_to_the_file_that_is_a_sink_and_not_to_the_screen(site, sensorkit, monkeypatch):
    (site / "sensorkit.yaml").write_text("sinks: {log: 'file:${LOGS}/alerts.jsonl'}\n")
    monkeypatch.setenv("LOGS", "logs")
    hot = "".join(f"T:99.0,V:5.0,S:NORMAL,N:{n}\n" for n in range(1, 20))
    (site / "stream").write_text(hot)

    code, out, err = sensorkit("capture", "file:stream", "--out", "r")

    assert code == 0, err
    lines = (site / "logs" / "alerts.jsonl").read_text().splitlines()
    alerts = [json.loads(line) for line in lines]
    assert [alert["severity"] for alert in alerts] == ["critical"] or alerts
    assert "critical" not in out.lower()


def test_a_variable_of_a_sink_that_is_not_set_is_told_before_a_port_is_opened(site, sensorkit):
    code, _, err = sensorkit("capture", "boiler", "--out", "r")

    assert code == 2
    assert err.startswith("sensorkit: sensorkit.yaml:10: sinks.log: the environment variable LOGS ")
    assert not (site / "r").exists()


def test_the_overview_masks_what_may_be_a_secret(site, sensorkit):
    for extra in ((), ("--json",)):
        code, out, _ = sensorkit("config", "show", *extra)
        assert code == 0
        assert "file:***/alerts.jsonl" in out
        assert "LOGS" not in out


def test_the_overview_says_what_is_not_as_it_is_built_in(site, sensorkit):
    _, out, _ = sensorkit("config", "show")

    lines = [line.split() for line in out.splitlines()]
    assert ["capture", "fsync", "5", "sensorkit.yaml:12"] in lines
    assert ["thresholds.quality_below", "60", "sensorkit.yaml:8"] in lines
    assert not any("built-in" in line for line in lines)


@pytest.mark.parametrize(
    ("defaults", "said"),
    [
        ("captrue: {fsync: 1}", "defaults.captrue: unknown command 'captrue'"),
        ("capture: {fsnc: 1}", "did you mean 'fsync'?"),
        ("capture: {frames: many}", "defaults.capture.frames: "),
        ("capture: {frames: 0}", "defaults.capture.frames: "),
        ("capture: {frames: [1, 2]}", "had a list; one value is wanted"),
        ("capture: {frames: }", "has no value; give one, or delete the line"),
        ("capture: {rotate: yes}", "write them in quotes"),
        ("capture: {reconnect: maybe}", "had 'maybe'; true or false is wanted"),
        ("capture: {preset: demo}", "stands at the top of the file"),
        ("config show: {json: true}", "unknown command 'config show'"),
    ],
)
def test_a_mistake_in_the_defaults_is_told_with_its_line(here, sensorkit, defaults, said):
    (here / "sensorkit.yaml").write_text(f"defaults:\n  {defaults}\n")

    code, _, err = sensorkit("config", "check")

    assert code == 2
    assert err.startswith("sensorkit: sensorkit.yaml:2: defaults.")
    assert said in err
    assert err.count("\n") == 1


def test_a_mistake_for_one_command_is_told_by_that_command_too(here, sensorkit):
    (here / "sensorkit.yaml").write_text("defaults:\n  capture: {frames: many}\n")

    assert sensorkit("capture", "/dev/x", "--out", "y")[0] == 2
    assert sensorkit("ports")[0] == 0


@pytest.mark.parametrize("option", ["FRAMES", "BAUD"])
def test_a_wrong_value_of_a_variable_is_told_with_its_name(here, sensorkit, monkeypatch, option):
    monkeypatch.setenv(f"SENSORKIT_CAPTURE_{option}", "many")

    code, _, err = sensorkit("capture", "/dev/x", "--out", "y")

    assert code == 2
    assert err.startswith(f"sensorkit: environment variable SENSORKIT_CAPTURE_{option}: ")


def test_a_speed_that_is_none_is_found_by_the_check(here, sensorkit):
    (here / "sensorkit.yaml").write_text("defaults:\n  capture: {baud: fast}\n")

    code, _, err = sensorkit("config", "check")

    assert code == 2
    assert err.startswith("sensorkit: sensorkit.yaml:2: defaults.capture.baud: 'fast': a whole")


def test_a_variable_that_nothing_reads_is_told_with_the_nearest(here, sensorkit, monkeypatch):
    monkeypatch.setenv("SENSORKIT_CAPTURE_FRAMS", "3")

    code, _, err = sensorkit("config", "check")

    assert code == 0
    assert "SENSORKIT_CAPTURE_FRAMS: is read by nothing" in err
    assert "did you mean 'SENSORKIT_CAPTURE_FRAMES'?" in err


def test_the_file_that_is_named_before_the_command_is_read(here, sensorkit):
    (here / "other.yaml").write_text("preset: testing\n")

    code, out, _ = sensorkit("--config", "other.yaml", "config", "check")

    assert (code, out) == (
        0,
        "other.yaml: in order: 0 ports, 0 profiles, 0 sinks, preset testing\n",
    )


def test_a_file_named_after_the_command_is_sent_before_it(here, sensorkit):
    code, _, err = sensorkit("capture", "/dev/x", "--config", "site.yaml")

    assert code == 2
    assert err == (
        "sensorkit: --config stands before the command: `sensorkit --config FILE capture ...`\n"
    )


def test_the_two_files_of_evaluate_are_told_apart(here, sensorkit):
    (here / "site.yaml").write_text("ports: {a: {link: COM1}}\n")
    (here / "run.yaml").write_text("detectors: [sigma]\n")

    code, _, err = sensorkit("evaluate", "--config", "site.yaml")
    assert code == 2
    assert "`sensorkit --config site.yaml evaluate`" in err

    code, _, err = sensorkit("--config", "run.yaml", "evaluate")
    assert code == 2
    assert "`sensorkit evaluate --config FILE`" in err


def test_a_broken_file_stops_every_command_but_those_that_help_with_it(here, sensorkit):
    (here / "sensorkit.yaml").write_text("prots: {}\n")

    code, _, err = sensorkit("ports")
    assert code == 2
    assert "(read because of the current folder)" in err
    assert sensorkit("config", "schema", "plan")[0] == 0
    assert sensorkit("--config", "none", "ports")[0] == 0


def test_init_writes_a_file_that_is_in_order_and_never_over_another(here, sensorkit):
    code, out, _ = sensorkit("config", "init")
    assert code == 0
    assert out == "sensorkit.yaml: written; edit it, then: sensorkit config check\n"
    assert sensorkit("config", "check")[0] == 0

    (here / "sensorkit.yaml").write_text("# mine\n")
    code, _, err = sensorkit("config", "init")
    assert code == 2
    assert "is not overwritten" in err
    assert (here / "sensorkit.yaml").read_text() == "# mine\n"


def test_what_is_handed_down_to_processes_ends_with_the_command(here, sensorkit, monkeypatch):
    (here / "s.yaml").write_text("")
    seen = {}
    monkeypatch.setattr("sensorkit.cli.app.set_up_log", lambda *_, **__: seen.update(os.environ))

    sensorkit("--config", "s.yaml", "ports", "--preset", "demo")

    assert seen["SENSORKIT_PRESET"] == "demo"
    assert seen["SENSORKIT_CONFIG"] == str(here / "s.yaml")
    assert "SENSORKIT_PRESET" not in os.environ
    assert "SENSORKIT_CONFIG" not in os.environ


@pytest.mark.parametrize("command", ["evaluate", "demo"])
def test_a_run_and_a_demonstration_hand_nothing_down(here, sensorkit, monkeypatch, command):
    """Their notebooks and processes are asked for in full, and would take units and rates too."""
    monkeypatch.setenv("SENSORKIT_PRESET", "demo")
    seen = {}

    def note(log_file, *, log_json, verbose):
        seen.update(os.environ)
        raise KeyboardInterrupt

    monkeypatch.setattr("sensorkit.cli.app.set_up_log", note)
    sensorkit(command)

    assert (seen["SENSORKIT_PRESET"], seen["SENSORKIT_CONFIG"]) == ("", "none")


def test_what_the_file_says_is_printed_as_text(here, sensorkit):
    (here / "sensorkit.yaml").write_text(
        'defaults: {capture: {detector: "\\e[2J<script>\\u2028"}}\n', encoding="utf-8"
    )

    _, out, _ = sensorkit("config", "show", "capture")

    assert "\\x1b[2J<script>\\u2028" in out


def test_help_says_that_there_are_presets(here, sensorkit):
    _, out, _ = sensorkit("capture", "--help")

    assert "--preset NAME" in out
