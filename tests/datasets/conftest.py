"""A data set of two small files, and a server on this machine that has them."""

import hashlib
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType

import pytest

from sensorkit.datasets import cards

CONTENT = {"a/one=1.bin": bytes(range(256)) * 400, "two.bin": b"second file\n" * 30}

CARD = """\
name: toy
title: A toy
purpose: to test with
licence: CC0
terms: Do as you like.
citation: none
homepage: https://example.org/toy
directory: toy_files
contents: Two files.
flaws: [It is small.]
protocol: None.
sources:
  - base: https://example.org/data
    files: |
{lines}
"""


def lines_of(content):
    rows = [f"{hashlib.sha256(b).hexdigest()} {len(b)} {path}" for path, b in content.items()]
    return "\n".join(f"      {row}" for row in rows)


class ToyLoader(ModuleType):
    LAYOUT = "any .bin"

    @staticmethod
    def find(root):
        return sorted(root.rglob("*.bin"))


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The name of a set that only these tests know; nothing of it is on this machine."""
    folder = tmp_path / "cards"
    folder.mkdir()
    (folder / "toy.yaml").write_text(CARD.format(lines=lines_of(CONTENT)), encoding="utf-8")
    monkeypatch.setattr(cards.Card, "folder", folder)
    monkeypatch.setitem(sys.modules, "sensorkit.datasets.load_toy", ToyLoader("load_toy"))
    monkeypatch.setenv("SENSORKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SENSORKIT_DATA", raising=False)
    cards.card.cache_clear()
    yield "toy"
    cards.card.cache_clear()


class Server(ThreadingHTTPServer):
    """Has the files of the toy, and misbehaves as it is told to."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = {f"/toy_files/{path}": body for path, body in CONTENT.items()}
        self.content = {path.replace("=", "%3D"): body for path, body in self.content.items()}
        self.asked = []
        """(path, Range header or None), in order."""
        self.ranges = True
        self.answers = []
        """What to do with the next requests, a function of the handler each; then all is well."""
        self.over = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """A client that goes away is what these tests are about."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range")))
        if self.server.answers:
            self.server.answers.pop(0)(self)
        else:
            self.send()

    def send(self, most=None, body=None, start=None):
        """Send the file or what is asked of it; only the first *most* bytes, then hang up."""
        whole = self.server.content[self.path] if body is None else body
        wanted = self.headers.get("Range") if self.server.ranges else None
        begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        begin = begin if start is None else start
        if wanted and begin >= len(whole):
            self.send_response(416)
            self.end_headers()
            return
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(whole) - begin))
        if wanted:
            self.send_header("Content-Range", f"bytes {begin}-{len(whole) - 1}/{len(whole)}")
        self.end_headers()
        rest = whole[begin:]
        self.wfile.write(rest if most is None else rest[:most])
        self.wfile.flush()

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    running = Server()
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.over.set()
    running.shutdown()
    running.server_close()
    thread.join()
