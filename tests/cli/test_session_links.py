"""The links of one capture: names, profiles and speeds, before anything is opened."""

import pytest

from sensorkit.cli.session.links import named_links
from sensorkit.errors import UsageError

P, B = ["serial_monitor"], ["115200"]


def names(*links, profiles=P):
    return [one.name for one in named_links(links, profiles, B, None)]


def test_one_link_is_what_it_is_today():
    (one,) = named_links(["/dev/ttyUSB0"], P, B, None)
    assert (one.url, one.name, one.baud, one.profile.name) == (
        "/dev/ttyUSB0", None, 115200, "serial_monitor",
    )  # fmt: skip


def test_a_name_is_given_to_one_link_in_either_way():
    assert named_links(["left=/dev/a"], P, B, None)[0].name == "left"
    assert named_links(["/dev/a"], P, B, "left")[0].name == "left"


def test_links_without_a_name_are_called_after_their_device():
    assert names("/dev/a", "left=/dev/b", "/dev/c") == ["monitor-1", "left", "monitor-2"]
    assert names("/dev/a", "monitor-1=/dev/b") == ["monitor-2", "monitor-1"]
    assert names("/dev/a", "MONITOR-1=/dev/b") == ["monitor-2", "MONITOR-1"]


@pytest.mark.parametrize(
    "link", ["file:a=b.log", "socket://h:1?x=y", "./a=b", "/dev/by-id/x=1", "COM3", "-"]
)
def test_an_equals_sign_inside_a_link_gives_it_no_name(link):
    assert named_links([link], P, B, None)[0].url == link


def test_a_file_with_an_equals_sign_is_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a=b").write_text("")
    assert named_links(["a=b"], P, B, None)[0].url == "a=b"


def test_a_value_with_a_name_is_for_that_link_alone():
    found = named_links(
        ["left=/dev/a", "right=/dev/b"],
        ["serial_monitor", "right=examples/profiles/weather_csv.yaml"],
        ["left=9600"],
        None,
    )
    assert [(one.profile.name, one.baud) for one in found] == [
        ("serial_monitor", 9600),
        ("weather_csv", 115200),
    ]


@pytest.mark.parametrize(
    ("links", "wanted"),
    [
        (["a=/dev/x", "b=/dev/x"], "/dev/x: is named twice"),
        (["a=/dev/x", "b=/dev/../dev/x"], "named twice, which is /dev/x"),
        (["a=/dev/x", "a=/dev/y"], "two links are called 'a'; give each device a name"),
        (["a=/dev/x", "A=/dev/y"], "two links are called 'a' and 'A', which is one folder"),
        (["derived=/dev/x", "/dev/y"], "'derived' cannot be the name of a folder everywhere"),
        (["CON=/dev/x", "/dev/y"], "'CON' cannot be the name of a folder everywhere"),
        (["nul.txt=/dev/x", "/dev/y"], "'nul.txt' cannot be the name of a folder"),
        (["a.=/dev/x", "/dev/y"], "'a.' cannot be the name of a folder"),
        (["a" * 65 + "=/dev/x", "/dev/y"], "cannot be the name of a device"),
        (["-", "/dev/y"], "standard input is one link alone"),
    ],
)
def test_what_cannot_be_a_session_is_refused(links, wanted):
    with pytest.raises(UsageError) as caught:
        named_links(links, P, B, None)
    assert wanted in str(caught.value)


def test_a_link_to_the_same_port_is_the_same_port(tmp_path):
    port, other = tmp_path / "tty", tmp_path / "by-id"
    port.write_text("")
    other.symlink_to(port)
    with pytest.raises(UsageError, match="is named twice"):
        named_links([f"a={port}", f"b={other}"], P, B, None)


def test_two_new_pseudo_terminals_are_two():
    assert len(named_links(["pty:", "pty:"], P, B, None)) == 2


@pytest.mark.parametrize(
    ("profiles", "bauds", "wanted"),
    [
        (
            ["lft=fermenter"],
            B,
            "--profile lft=fermenter: unknown name 'lft'; there are left, right",
        ),
        (P, ["up=9600"], "--baud up=9600: unknown name 'up'"),
        (P, ["left=fast"], "--baud fast: a whole number is wanted"),
        (P, ["0"], "--baud 0: from 1 to"),
        (P, ["9" * 400], "a whole number is wanted"),
        (P, ["-1"], "a whole number is wanted"),
    ],
)
def test_a_value_that_fits_no_link_is_refused(profiles, bauds, wanted):
    with pytest.raises(UsageError) as caught:
        named_links(["left=/dev/a", "right=/dev/b"], profiles, bauds, None)
    assert wanted in str(caught.value)


def test_a_name_for_several_links_is_refused():
    with pytest.raises(UsageError, match="--device x: is for one link without a name"):
        named_links(["/dev/a", "/dev/b"], P, B, "x")


@pytest.mark.parametrize("name", ["../up", "a/b", "=cmd()", "1st", "", "<b>", "a b"])
def test_a_name_that_is_no_name_is_refused(name):
    with pytest.raises(UsageError):
        named_links(["/dev/a"], P, B, name)
