"""Download one file so that a cut connection costs only what had not yet arrived.

pooch keeps the registry and moves a file to its place once its hash is right, but its own HTTP
downloader starts again after every cut. This one is given to it instead.
"""

from __future__ import annotations

import errno
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
import urllib3

from sensorkit.datasets.cards import File
from sensorkit.datasets.places import sha256_of
from sensorkit.errors import FetchError

CHUNK = 1 << 13
"""Bytes. A chunk that a stalled connection did not fill is lost, so it is small."""

CONTENT_RANGE = re.compile(r"bytes (\d+)-")
USER = re.compile(r"(?<=://)[^/?#]*@")
"""Name and password in an address."""

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers that may be another one in a moment (RFC 9110, 6585)."""


class _Cut(Exception):  # noqa: N818 - what happened to the connection; it never leaves this module
    """The answer ended, or did not come; the next attempt may have more luck."""


@dataclass
class Resuming:
    """A pooch downloader: what has arrived stays in `<file>.part`, and the next attempt goes on.

    Parameters
    ----------
    folder : Path
        Of the data set.
    files : mapping of str to File
        By the URL that pooch asks for.
    arrived : callable
        Called with the number of bytes of the present file that are here.
    timeout : float
        Seconds without a byte after which a connection counts as cut.
    attempts : int
        So many in a row that bring nothing new, then it is given up.
    pause : float
        Seconds before the second attempt; twice as many before each following one.
    sleep : callable
        `time.sleep`; a test brings its own.
    """

    folder: Path
    files: Mapping[str, File]
    arrived: Callable[[int], None] = lambda _: None
    timeout: float = 30.0
    attempts: int = 4
    pause: float = 1.0
    sleep: Callable[[float], None] = time.sleep
    session: requests.Session = field(default_factory=requests.Session)

    def __call__(self, url: str, output_file: str, _pooch: Any) -> None:
        """Bring *url* to *output_file*, whole and with the right hash, or raise FetchError."""
        file, shown = self.files[url], without_user(url)
        part = self.folder / f"{file.path}.part"
        from_before = part.exists()
        self._complete(url, file, part)
        found = sha256_of(part)
        if found != file.sha256 and from_before:
            # The rest of an earlier fetch may be of a file that has changed since, or damaged.
            part.unlink()
            self._complete(url, file, part)
            found = sha256_of(part)
        if found != file.sha256:
            part.unlink()
            raise FetchError(
                f"{shown}: has the SHA-256 {found}, {file.sha256} is expected: it was changed at "
                "its source or on the way; nothing of it was kept, so try another connection"
            )
        part.replace(output_file)

    def _complete(self, url: str, file: File, part: Path) -> None:
        """Ask until *part* is as long as the file."""
        most = _size(part)
        failed = 0
        while (had := _size(part)) != file.bytes:
            if had > file.bytes:  # of another version of the file
                part.unlink()
            try:
                self._ask(url, file, part)
                problem = "the answer ended too early"
            except _Cut as cut:
                problem = str(cut)
            had = _size(part)
            # A server without ranges begins again each time: only what is new counts.
            failed = 0 if had > most else failed + 1
            most = max(most, had)
            if had == file.bytes:
                return
            if failed >= self.attempts:
                raise FetchError(
                    f"{without_user(url)}: {problem} (attempts without progress: {failed}); {had} "
                    f"of {file.bytes} bytes are here, so look after the connection and fetch "
                    "again: it goes on from there"
                )
            self.sleep(self.pause * 2.0 ** max(failed - 1, 0))

    def _ask(self, url: str, file: File, part: Path) -> None:
        """Make one request for what is missing of *part*, and append what comes."""
        had, shown = _size(part), without_user(url)
        # Bytes as they are in the file; a compressed answer could not be continued.
        headers = {"Accept-Encoding": "identity"}
        if had:
            headers["Range"] = f"bytes={had}-"
        try:
            with self.session.get(
                url, headers=headers, stream=True, timeout=self.timeout
            ) as answer:
                if answer.status_code == requests.codes.requested_range_not_satisfiable:
                    part.unlink()  # the file at the source is shorter than what is here
                    raise _Cut("the server has fewer bytes than are here already")
                if answer.status_code in PASSING:
                    raise _Cut(f"the server answers {answer.status_code} {answer.reason}")
                if not answer.ok:
                    raise FetchError(
                        f"{shown}: the server answers {answer.status_code} {answer.reason}; the "
                        "address may have moved: `sensorkit datasets show` names the homepage"
                    )
                self._write(answer, part, file, had)
        except requests.Timeout as error:
            raise _Cut(f"nothing came for {self.timeout:g} s") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise self._failure(shown, error) from error

    def _failure(self, shown: str, error: Exception) -> _Cut | FetchError:
        """Say what happened to a request: it is worth another attempt, or it is not."""
        if isinstance(error, ValueError):  # no scheme, one that is not HTTP, no host, a bad one
            return FetchError(
                f"{shown}: is no address that can be asked; https://HOST/... is wanted"
            )
        cause = _cause(error)
        if isinstance(error, requests.exceptions.ProxyError):
            return FetchError(
                f"{shown}: the proxy cannot be used: {_sentence(cause)}; look after HTTPS_PROXY, "
                "HTTP_PROXY and NO_PROXY"
            )
        if isinstance(error, requests.TooManyRedirects):
            return FetchError(
                f"{shown}: is sent from one address to the next without end; are you behind a "
                "login? Open it in a browser"
            )
        if isinstance(cause, ssl.SSLError) and not isinstance(
            cause, ssl.SSLEOFError | ssl.SSLZeroReturnError
        ):
            return FetchError(
                f"{shown}: no safe connection: {_sentence(cause)}; if a proxy of your own signs "
                "its traffic, name its certificate in REQUESTS_CA_BUNDLE"
            )
        if isinstance(cause, socket.gaierror | urllib3.exceptions.NameResolutionError):
            return _Cut("the name of the host was not found (DNS)")
        if "timed out" in str(error):  # in the middle of an answer
            return _Cut(f"nothing came for {self.timeout:g} s")
        return _Cut("the connection was refused, lost or cut")

    def _write(self, answer: requests.Response, part: Path, file: File, had: int) -> None:
        goes_on = answer.status_code == requests.codes.partial_content and had > 0
        if goes_on:
            given = CONTENT_RANGE.match(answer.headers.get("Content-Range", ""))
            if not given or int(given[1]) != had:
                part.unlink()
                raise _Cut("the server answers with another part of the file than was asked for")
        else:
            _demand_the_file(answer, file)
        size = had if goes_on else 0
        # The end of an answer that is too short is worth keeping; its length is looked at later.
        answer.raw.enforce_content_length = False
        try:
            with part.open("ab" if goes_on else "wb", buffering=0) as stream:
                for chunk in answer.iter_content(CHUNK):
                    size += stream.write(chunk)
                    self.arrived(size)
                    if size > file.bytes:
                        break
        except requests.RequestException:
            raise
        except OSError as error:
            raise FetchError(cannot_write(part, error)) from error
        if size > file.bytes:
            part.unlink()
            raise FetchError(
                f"{file.path}: more than the expected {file.bytes} bytes come from "
                f"{without_user(answer.url)}; "
                "it was changed at its source; nothing of it was kept"
            )


def _demand_the_file(answer: requests.Response, file: File) -> None:
    """Raise if an answer from the first byte on is another page; what is here is not touched.

    A network that wants a login first answers every request with its own page, and 200.
    """
    kind = answer.headers.get("Content-Type", "")
    length = answer.headers.get("Content-Length", "")
    plain = answer.headers.get("Content-Encoding", "identity") == "identity"
    if kind.startswith("text/html") and not file.path.endswith((".html", ".htm")):
        had = "a page in HTML"
    elif plain and length.isdecimal() and int(length) != file.bytes:
        had = f"{length} bytes, and {file.bytes} are expected"
    else:
        return
    raise FetchError(
        f"{without_user(answer.url)}: answers with {had}; are you behind a login? Open it in a "
        "browser: either that shows another page, or the file was changed at its source"
    )


def without_user(url: str) -> str:
    """Return an address as it may be shown: without name and password.

    >>> without_user("https://me:secret@example.org/nab")
    'https://example.org/nab'
    """
    return USER.sub("", url)


def _cause(error: BaseException) -> BaseException:
    """Return what lies behind an error of requests, which wraps one of urllib3, and so on."""
    for _ in range(9):
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((a for a in error.args if isinstance(a, BaseException)), None)
        if inner is None or isinstance(error, urllib3.exceptions.NameResolutionError):
            break
        error = inner
    return error


def _sentence(error: BaseException) -> str:
    said = getattr(error, "verify_message", "") or getattr(error, "strerror", "") or str(error)
    return " ".join(without_user(str(said)).split())


def cannot_write(place: Path, error: OSError) -> str:
    """Say what keeps a file from being written, and what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        what = "the disk is full; make room or set SENSORKIT_CACHE to another disk"
        return f"{place}: {what}, then fetch again: it goes on from there"
    reason = error.strerror or str(error)
    return f"{place}: cannot be written: {reason}; set SENSORKIT_CACHE to a folder that can"


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
