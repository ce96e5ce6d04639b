"""Fetch a public data set into the cache: asked for, checked, and only once at a time."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from sensorkit.datasets.cards import Card, File, card
from sensorkit.datasets.places import cache, find, not_here
from sensorkit.errors import DataError, FetchError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

Progress = Callable[[int, int], None]
"""Called with the bytes that are here and those there will be."""


def fetch(
    name: str,
    *,
    progress: Progress | None = None,
    mirror: str | None = None,
    timeout: float = 30.0,
    attempts: int = 4,
) -> Path:
    """Download what is missing of a data set into the cache, and return its folder.

    The licence is the caller's business: `card(name)` has it. A set that lies below
    `SENSORKIT_DATA`, wholly or in part, is left alone. Files that are in the cache and have
    the right SHA-256 are not asked for again; one that was cut off goes on where it ended. A file
    gets its name only when it is whole, so that no broken one is ever taken for good. Several
    processes may fetch the same set at once: one does, the others wait for it.

    Parameters
    ----------
    name : str
    progress : callable, optional
        Called with bytes here and bytes in all, for every 8 KiB.
    mirror : str, optional
        An address below which the files lie by their paths in the set, `<mirror>/nab/data/...`,
        instead of where the card says; the hashes are the card's all the same.
    timeout : float
        Seconds without a byte after which a connection counts as cut.
    attempts : int
        So many in a row that bring nothing, then it is given up.

    Returns
    -------
    Path

    Raises
    ------
    DataError
        An unknown name, or a set without checksums, which is not fetched: with where to get it.
    ValueError
        *timeout* is not above 0, or *attempts* below 1.
    FetchError
        No connection, an answer that is no file, a wrong hash, a full disk. What has arrived of
        an unfinished file stays, and the next fetch goes on with it.
    """
    if not timeout > 0:
        raise ValueError(f"timeout is {timeout}; a number of seconds above 0 is wanted")
    if attempts < 1:
        raise ValueError(f"attempts is {attempts}; a whole number from 1 on is wanted")
    data_set = card(name)
    place = find(name)
    if place.kind == "here":
        return place.folder
    if not data_set.files:
        if place.kind == "cached":
            return place.folder
        raise DataError(f"{name}: {not_here(data_set, place.folder)}")
    folder = cache() / data_set.directory
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _one_at_a_time(folder.parent / f".{data_set.directory}.lock"):
            _fetch_all(data_set, folder, progress, mirror, timeout, attempts)
    except OSError as error:
        from sensorkit.datasets.download import cannot_write

        raise FetchError(cannot_write(Path(error.filename or folder), error)) from error
    return folder


def _fetch_all(
    data_set: Card,
    folder: Path,
    progress: Progress | None,
    mirror: str | None,
    timeout: float,
    attempts: int,
) -> None:
    import pooch  # type: ignore[import-untyped]

    from sensorkit.datasets.download import Resuming

    _check_room(data_set, folder)
    urls = {file.path: _address(data_set, file, mirror) for file in data_set.files}
    # pooch tells of each file on stderr; progress and errors are ours.
    pooch.get_logger().setLevel(logging.WARNING)
    keeper = pooch.create(
        path=folder,
        base_url="",
        registry={file.path: f"sha256:{file.sha256}" for file in data_set.files},
        urls=urls,
    )
    done = 0

    def arrived(size: int) -> None:
        if progress is not None:
            progress(done + size, data_set.total_bytes)

    downloader = Resuming(
        folder=folder,
        files={urls[file.path]: file for file in data_set.files},
        arrived=arrived,
        timeout=timeout,
        attempts=attempts,
    )
    with downloader.session:
        for file in data_set.files:
            _make_ready((folder / file.path).parent)
            keeper.fetch(file.path, downloader=downloader)
            done += file.bytes
            arrived(0)


def _make_ready(folder: Path) -> None:
    """Make the folder of a file, and clear what pooch left there when it was killed."""
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("tmp????????"):
        if left.is_file() and left.stat().st_size == 0:
            left.unlink()


def _address(data_set: Card, file: File, mirror: str | None) -> str:
    if mirror is None:
        return file.url
    return f"{mirror.rstrip('/')}/{data_set.directory}/{quote(file.path)}"


def _check_room(data_set: Card, folder: Path) -> None:
    """Raise before the first byte if the disk cannot take the last one."""
    here = [folder / file.path for file in data_set.files]
    here += [path.with_name(f"{path.name}.part") for path in here]
    wanted = data_set.total_bytes - sum(path.stat().st_size for path in here if path.exists())
    free = shutil.disk_usage(folder).free
    if wanted > free:
        raise FetchError(
            f"{folder}: {wanted / 1e6:.1f} MB are wanted and {free / 1e6:.1f} MB are free; make "
            "room or set SENSORKIT_CACHE to another disk"
        )


@contextmanager
def _one_at_a_time(lock: Path) -> Iterator[None]:
    """Hold *lock* against other processes; the system lets go of it if this one dies."""
    with lock.open("a+b") as stream:
        if sys.platform == "win32":
            while True:
                try:
                    msvcrt.locking(stream.fileno(), msvcrt.LK_LOCK, 1)
                    break
                except OSError:  # it tries for ten seconds
                    continue
            try:
                yield
            finally:
                stream.seek(0)
                msvcrt.locking(stream.fileno(), msvcrt.LK_UNLCK, 1)
        else:
            with suppress(OSError):  # a file system without locks; the hash still tells
                fcntl.flock(stream, fcntl.LOCK_EX)
            yield
