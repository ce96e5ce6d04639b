"""Downloads from a server on this machine that cuts, stalls, lies and forgets."""

import gzip
import signal
import socket
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest

from sensorkit import datasets
from sensorkit.datasets import download, fetching
from sensorkit.errors import DataError, FetchError

from .conftest import CONTENT

ONE, TWO = "/toy_files/a/one%3D1.bin", "/toy_files/two.bin"


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """The pauses between attempts, in seconds; none is really waited."""
    pauses = []
    monkeypatch.setattr(download.Resuming.__init__, "__defaults__", _with_sleep(pauses.append))
    return pauses


def _with_sleep(sleep):
    import time

    given = download.Resuming.__init__.__defaults__
    return tuple(sleep if default is time.sleep else default for default in given)


def fetch(server, **more):
    return datasets.fetch("toy", mirror=server.url, **more)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_is_fetched_is_what_the_card_says(toy, server):
    folder = fetch(server)
    assert contents(folder) == CONTENT
    assert datasets.path("toy") == folder
    assert datasets.verify("toy") == 2


def test_nothing_is_asked_for_twice(toy, server):
    fetch(server)
    fetch(server)
    assert [path for path, _ in server.asked] == [ONE, TWO]


def test_a_cut_connection_goes_on_where_it_ended(toy, server, waits):
    server.answers = [lambda handler: handler.send(most=40000)]
    assert contents(fetch(server)) == CONTENT
    assert server.asked[:2] == [(ONE, None), (ONE, "bytes=40000-")]
    assert waits == [1.0]


def test_what_arrived_stays_for_the_next_fetch(toy, server):
    server.answers = [lambda handler: handler.send(most=40000)] + 5 * [lambda handler: None]
    with pytest.raises(FetchError, match=r"40000 of 102400 bytes are here.*fetch again"):
        fetch(server, attempts=2)
    assert datasets.find("toy").kind == "incomplete"
    server.answers, server.asked = [], []
    assert contents(fetch(server)) == CONTENT
    assert server.asked[0] == (ONE, "bytes=40000-")


def test_a_server_without_ranges_begins_again(toy, server):
    server.ranges = False
    server.answers = [lambda handler: handler.send(most=40000)]
    assert contents(fetch(server)) == CONTENT


def test_a_server_without_ranges_that_always_cuts_is_given_up(toy, server, waits):
    server.ranges = False
    server.answers = 50 * [lambda handler: handler.send(most=40000)]
    with pytest.raises(FetchError, match="attempts without progress: 3"):
        fetch(server, attempts=3)
    assert len(server.asked) == 4
    assert waits == [1.0, 1.0, 2.0]


def test_a_line_that_brings_a_little_each_time_is_not_given_up(toy, server):
    server.answers = 9 * [lambda handler: handler.send(most=10_000)]
    assert contents(fetch(server, attempts=2)) == CONTENT


def test_another_part_than_asked_for_is_not_appended(toy, server):
    server.answers = [
        lambda handler: handler.send(most=40000),
        lambda handler: handler.send(start=39999),
    ]
    assert contents(fetch(server)) == CONTENT


def test_content_that_was_changed_is_not_kept(toy, server):
    server.content[ONE] = server.content[ONE][:-1] + b"x"
    with pytest.raises(FetchError, match=r"SHA-256 \w{64}, \w{64} is expected"):
        fetch(server)
    folder = datasets.find("toy").folder
    assert contents(folder) == {}


def test_a_damaged_rest_of_an_earlier_fetch_is_fetched_anew(toy, server):
    part = datasets.find("toy").folder / "a" / "one=1.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 40000)
    assert contents(fetch(server)) == CONTENT
    assert server.asked[:2] == [(ONE, "bytes=40000-"), (ONE, None)]


@pytest.mark.parametrize("size", [102_400, 102_401, 200_000])
def test_a_rest_as_long_as_the_file_or_longer_is_no_obstacle(toy, server, size):
    part = datasets.find("toy").folder / "a" / "one=1.bin.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * size)
    assert contents(fetch(server)) == CONTENT


def test_a_file_in_the_cache_that_was_damaged_is_fetched_again(toy, server):
    folder = fetch(server)
    (folder / "two.bin").write_bytes(b"x" * len(CONTENT["two.bin"]))
    assert contents(fetch(server)) == CONTENT
    assert server.asked[2:] == [(TWO, None)]


def test_more_than_the_card_says_is_not_kept(toy, server):
    def send_more(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(CONTENT["a/one=1.bin"] + b"and more")

    server.answers = [send_more]
    with pytest.raises(FetchError, match="more than the expected 102400 bytes"):
        fetch(server)
    assert contents(datasets.find("toy").folder) == {}


def test_a_file_that_has_become_shorter_is_given_up_at_once(toy, server, waits):
    server.content[ONE] = server.content[ONE][:100]
    with pytest.raises(FetchError, match=r"100 bytes, and 102400 are expected; .*at its source"):
        fetch(server)
    assert (len(server.asked), waits) == (1, [])


def login(kind, body, handler):
    """Answer as a network does that wants a login first; without a length if *body* is chunked."""
    handler.send_response(200)
    handler.send_header("Content-Type", kind)
    if kind != "text/html":
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.mark.parametrize("kind", ["text/plain", "text/html"])
def test_a_page_that_wants_a_login_does_not_cost_what_had_arrived(toy, server, kind):
    server.answers = [
        lambda handler: handler.send(most=40000),
        partial(login, kind, b"<html>Who are you?</html>"),
    ]
    with pytest.raises(FetchError, match=r"are you behind a login\?"):
        fetch(server)
    part = datasets.find("toy").folder / "a" / "one=1.bin.part"
    assert part.read_bytes() == CONTENT["a/one=1.bin"][:40000]
    server.asked = []
    assert contents(fetch(server)) == CONTENT
    assert server.asked[0] == (ONE, "bytes=40000-")


def test_the_length_of_a_compressed_answer_says_nothing(toy, server):
    def compressed(handler):
        body = gzip.compress(CONTENT["a/one=1.bin"])
        handler.send_response(200)
        handler.send_header("Content-Encoding", "gzip")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    server.answers = [compressed]
    assert contents(fetch(server)) == CONTENT


def test_not_found_is_said_at_once_with_the_address(toy, server, waits):
    server.answers = [lambda handler: handler.send_error(404)]
    with pytest.raises(FetchError, match=r"one%3D1\.bin: the server answers 404 Not Found; the"):
        fetch(server)
    assert waits == []


def test_a_busy_server_is_asked_again(toy, server, waits):
    server.answers = 2 * [lambda handler: handler.send_error(503)]
    assert contents(fetch(server)) == CONTENT
    assert waits == [1.0, 2.0]


def test_a_server_that_stalls_is_given_up_after_the_timeout(toy, server):
    def stall_after(most, handler):
        handler.send(most=most)
        handler.server.over.wait(10)

    server.answers = [partial(stall_after, 40000), partial(stall_after, 0)]
    with pytest.raises(FetchError, match=r"nothing came for 0\.1 s .*; 32768 of 102400 bytes"):
        fetch(server, timeout=0.1, attempts=1)


def test_a_server_that_never_answers_is_given_up_after_the_timeout(toy, server):
    server.answers = 2 * [lambda handler: handler.server.over.wait(10)]
    with pytest.raises(FetchError, match=r"nothing came for 0\.1 s .*; 0 of 102400 bytes"):
        fetch(server, timeout=0.1, attempts=2)


def test_no_server_is_said_in_one_sentence(toy, server):
    server.server_close()
    with pytest.raises(FetchError, match="refused, lost or cut") as told:
        fetch(server, attempts=1)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    "mirror",
    ["mirror", "ftp://127.0.0.1", "http://", "file:///tmp", f"https://{'a' * 70}.com", "http://[a"],
)
def test_an_address_that_cannot_be_asked_is_refused_at_once(toy, waits, mirror):
    with pytest.raises(FetchError, match="is no address that can be asked; https://HOST"):
        datasets.fetch("toy", mirror=mirror)
    assert waits == []


def test_a_certificate_that_is_none_is_said_at_once_with_the_reason(toy, server, waits):
    with pytest.raises(FetchError, match=r"no safe connection: .*; if a proxy of your own"):
        datasets.fetch("toy", mirror=server.url.replace("http:", "https:"))
    assert waits == []


def test_a_proxy_that_is_not_there_is_said_at_once(toy, server, waits, monkeypatch):
    server.server_close()
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, server.url.replace("//", "//me:secret@"))
    with pytest.raises(FetchError, match=r"the proxy cannot be used: .*; look after HTTPS_PROXY"):
        datasets.fetch("toy", mirror="http://example.invalid")
    assert waits == []


def test_an_address_that_leads_in_circles_is_said_at_once(toy, server, waits):
    def send_on(handler):
        handler.send_response(302)
        handler.send_header("Location", handler.path)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    server.answers = 99 * [send_on]
    with pytest.raises(FetchError, match="from one address to the next without end"):
        fetch(server)
    assert waits == []


def test_a_name_that_nobody_knows_is_said(toy, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(FetchError, match=r"the name of the host was not found \(DNS\) \(att"):
        datasets.fetch("toy", mirror="http://example.invalid", attempts=1)


@pytest.mark.parametrize("answer", [404, 503])
def test_a_password_in_an_address_is_never_shown(toy, server, answer):
    server.answers = 9 * [lambda handler: handler.send_error(answer)]
    mirror = server.url.replace("//", "//me:secret@")
    with pytest.raises(FetchError, match=r"http://127\.0\.0\.1:\d+/toy_files/a") as told:
        datasets.fetch("toy", mirror=mirror, attempts=1)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"timeout": -1}, "timeout is -1; a number of seconds above 0"),
        ({"timeout": float("nan")}, "timeout is nan"),
        ({"attempts": 0}, "attempts is 0; a whole number from 1 on"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused_before_the_first_byte(toy, server, more, why):
    with pytest.raises(ValueError, match=why):
        fetch(server, **more)
    assert server.asked == []


def test_progress_ends_at_all_bytes_and_never_goes_back(toy, server):
    seen = []
    fetch(server, progress=lambda here, total: seen.append((here, total)))
    total = sum(map(len, CONTENT.values()))
    assert seen[-1] == (total, total)
    assert seen == sorted(seen)


def test_a_disk_without_room_is_seen_before_the_first_byte(toy, server, monkeypatch):
    room = type("Usage", (), {"free": 100})
    monkeypatch.setattr(fetching.shutil, "disk_usage", lambda _: room)
    with pytest.raises(FetchError, match=r"MB are wanted and 0\.0 MB are free; make room"):
        fetch(server)
    assert server.asked == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_disk_that_fills_up_is_said_so(toy, server):
    part = datasets.find("toy").folder / "a" / "one=1.bin.part"
    part.parent.mkdir(parents=True)
    part.symlink_to("/dev/full")
    with pytest.raises(FetchError, match="the disk is full; make room or set SENSORKIT_CACHE"):
        fetch(server)
    assert not (part.parent / "one=1.bin").exists()


def test_a_cache_that_cannot_be_written_is_named(toy, server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("SENSORKIT_CACHE", str(tmp_path / "file"))
    with pytest.raises(FetchError, match=r"file.*cannot be written.*set SENSORKIT_CACHE"):
        fetch(server)


def test_a_set_below_sensorkit_data_is_left_alone(toy, server, tmp_path, monkeypatch):
    monkeypatch.setenv("SENSORKIT_DATA", str(tmp_path))
    (tmp_path / "toy_files").mkdir()
    (tmp_path / "toy_files" / "two.bin").write_bytes(b"mine")
    assert fetch(server) == tmp_path / "toy_files"
    assert server.asked == []


def test_without_a_mirror_the_address_of_the_card_is_asked(toy):
    data_set = datasets.card("toy")
    urls = [fetching._address(data_set, file, None) for file in data_set.files]
    assert urls == ["https://example.org/data/a/one%3D1.bin", "https://example.org/data/two.bin"]


@pytest.mark.parametrize("name", ["gecco", "tsb_ad"])
def test_a_set_without_checksums_is_not_fetched(name, tmp_path, monkeypatch):
    monkeypatch.setenv("SENSORKIT_CACHE", str(tmp_path))
    monkeypatch.delenv("SENSORKIT_DATA", raising=False)
    with pytest.raises(DataError, match=f"{name}: .*no checksums to fetch it by; put it into"):
        datasets.fetch(name)


# Two processes

CHILD = """
import sys
from pathlib import Path
from sensorkit.datasets import cards, fetch
cards.Card.folder = Path(sys.argv[1])
fetch("toy", mirror=sys.argv[2])
"""


def child(tmp_path, server):
    return subprocess.Popen([sys.executable, "-c", CHILD, str(tmp_path / "cards"), server.url])


def test_of_two_processes_one_fetches_and_the_other_waits(toy, server, tmp_path):
    first, second = threading.Event(), threading.Event()

    def hold(handler):
        first.set()
        second.wait(0.5)  # nobody else is to ask meanwhile
        handler.send()

    def intrude(handler):
        second.set()
        handler.send()

    server.answers = [hold, intrude]
    process = child(tmp_path, server)
    assert first.wait(30)
    folder = fetch(server)
    assert process.wait(30) == 0
    assert contents(folder) == CONTENT
    assert [path for path, _ in server.asked] == [ONE, TWO]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_process_that_was_killed_leaves_its_part_and_no_lock(toy, server, tmp_path):
    arrived = threading.Event()

    def stall(handler):
        handler.send(most=40000)
        arrived.set()
        handler.server.over.wait(30)

    server.answers = [stall]
    process = child(tmp_path, server)
    assert arrived.wait(30)
    part = datasets.find("toy").folder / "a" / "one=1.bin.part"
    _until(lambda: part.exists() and part.stat().st_size == 32_768)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    assert contents(fetch(server)) == CONTENT
    assert server.asked[1] == (ONE, "bytes=32768-")


def _until(true):
    tick = threading.Event()
    for _ in range(1000):
        if true():
            return
        tick.wait(0.01)
    raise AssertionError("it did not happen within ten seconds")
