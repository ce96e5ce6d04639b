"""`sensorkit datasets`: which public data sets there are, and how they get onto this machine."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensorkit.cli.app import app, command, counted, err, out, print_json, printable
from sensorkit.errors import DataError

if TYPE_CHECKING:
    from sensorkit.datasets import Card
    from sensorkit.datasets.fetching import Progress
    from sensorkit.datasets.places import Place

datasets = typer.Typer(
    help="Show and fetch public data sets with labelled faults.\n\n"
    "Example: sensorkit datasets list",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(datasets, name="datasets")

Name = Annotated[str, typer.Argument(metavar="NAME", help="As `sensorkit datasets list` has it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

WIDTH = 88


@command("list", datasets)
def list_(as_json: AsJson = False) -> None:
    """List the public data sets: which are here, how large they are, and what they are for.

    Example: sensorkit datasets list
    """
    from sensorkit import datasets as sets

    rows = [_row(sets.card(name), sets.find(name)) for name in sets.names()]
    if as_json:
        print_json(rows)
        return
    shown = [(row["name"], row["where"], _size(row), row["licence"]) for row in rows]
    shown.insert(0, ("name", "where", "size", "licence"))
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for cells, purpose in zip(shown, ["what for", *(row["purpose"] for row in rows)], strict=True):
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        out.print("  ".join((*padded, purpose)))


def _size(row: dict[str, Any]) -> str:
    return "by hand" if row["bytes"] is None else megabytes(row["bytes"])


def _row(card: Card, place: Place) -> dict[str, Any]:
    return {
        "name": card.name,
        "title": card.title,
        "where": place.kind,
        "folder": str(place.folder),
        "files": len(card.files),
        "bytes": card.total_bytes if card.files else None,
        "licence": card.licence,
        "purpose": card.purpose,
    }


def megabytes(size: int) -> str:
    """Return a size for people.

    >>> megabytes(9_639_169)
    '9.6 MB'
    """
    return f"{size / 1e6:.1f} MB"


@command("show", datasets)
def show(name: Name, as_json: AsJson = False) -> None:
    """Show the card of a data set: licence, known flaws, protocol and citation.

    Example: sensorkit datasets show skab
    """
    from sensorkit import datasets as sets

    card, place = sets.card(name), sets.find(name)
    if as_json:
        files = [file._asdict() for file in card.files]
        known = card.model_dump(mode="json", exclude={"sources"})
        print_json(known | {"where": place.kind, "folder": str(place.folder), "files": files})
        return
    size = f"{counted(len(card.files), 'file')}, {megabytes(card.total_bytes)}"
    facts = [
        ("name", card.name),
        ("title", card.title),
        ("for", card.purpose),
        ("contents", card.contents),
        ("licence", f"{card.licence}. {card.terms}"),
        ("homepage", card.homepage),
        ("where", f"{place.kind}: {place.folder}"),
        ("fetch", size if card.files else "by hand"),
    ]
    if card.elsewhere:
        facts.append(("the rest" if card.files else "from", card.elsewhere))
    facts.append(("protocol", card.protocol))
    for word, text in facts:
        _print_fact(word, text)
    for i, flaw in enumerate(card.flaws):
        _print_fact("" if i else "flaws", f"- {flaw}")
    out.print()
    out.print(card.citation.rstrip())


def _print_fact(word: str, text: str) -> None:
    """Print a line of the card; a long one goes on below its beginning."""
    lines = textwrap.wrap(printable(text), WIDTH, break_long_words=False, break_on_hyphens=False)
    for i, line in enumerate(lines):
        out.print(f"{'' if i else word:<10}{line}")


@command("fetch", datasets)
def fetch(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="One or more.")],
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Accept the licences without being asked.")
    ] = False,
    mirror: Annotated[
        str | None,
        typer.Option(help="Address with the same files below <address>/<folder of the set>/."),
    ] = None,
) -> None:
    """Download data sets into the cache; each file is checked against its SHA-256.

    The licence is shown first. What was cut off goes on where it ended. `SENSORKIT_CACHE` moves the
    cache; a set below `SENSORKIT_DATA` is left as it is.

    Example: sensorkit datasets fetch nab skab
    """
    from sensorkit import datasets as sets
    from sensorkit.datasets.places import not_here

    wanted = list(dict.fromkeys(names))
    for name in wanted:  # a wrong name is found before the first byte
        card, place = sets.card(name), sets.find(name)
        if not card.files and place.kind == "absent":
            raise DataError(f"{name}: {not_here(card, place.folder)}")
    for name in wanted:
        card, place = sets.card(name), sets.find(name)
        if place.kind in ("absent", "incomplete"):
            _ask(card, yes=yes)
        with _progress(card) as progress:
            folder = sets.fetch(name, progress=progress, mirror=mirror)
        err.print(printable(f"{name}: {_done(card, place)}"))
        out.print(printable(str(folder)))


def _ask(card: Card, *, yes: bool) -> None:
    """Show licence and size, and go on only if the user agrees."""
    size = f"{counted(len(card.files), 'file')}, {megabytes(card.total_bytes)}"
    err.print(printable(f"{card.name}: {card.title}; {size}"))
    err.print(printable(f"licence: {card.licence}. {card.terms}"))
    if yes:
        return
    if not sys.stdin.isatty():
        raise DataError(
            f"{card.name}: nothing was fetched, because nobody can be asked about the licence; "
            "say --yes to accept it"
        )
    if not typer.confirm("Fetch it?", err=True):
        raise DataError(f"{card.name}: nothing was fetched, because its licence was not accepted")


def _done(card: Card, place: Place) -> str:
    if place.kind == "here":
        had = len(card.files) - len(place.missing)
        of = f", {had} of {counted(len(card.files), 'file')}" if place.missing else ""
        return f"lies below SENSORKIT_DATA{of}; nothing was fetched"
    if not card.files:
        return "was put there by hand; nothing was fetched"
    return f"{counted(len(card.files), 'file')} as published"


@contextmanager
def _progress(card: Card) -> Iterator[Progress | None]:
    """Give what shows the bytes on a terminal, and nothing elsewhere."""
    if not err.is_terminal:
        yield None
        return
    from tqdm import tqdm

    with tqdm(
        desc=card.name, total=card.total_bytes, unit="B", unit_scale=True, leave=False
    ) as bar:

        def show_bytes(here: int, _: int) -> None:
            bar.update(here - bar.n)

        yield show_bytes


@command("path", datasets)
def path(
    name: Name,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare every file with its SHA-256 first.")
    ] = False,
) -> None:
    """Print the folder of a data set: below `SENSORKIT_DATA` if it is there, else in the cache.

    Example: sensorkit datasets path nab
    """
    from sensorkit import datasets as sets

    folder = sets.path(name)
    if verify:
        n = sets.verify(name, folder)
        err.print(printable(f"{name}: {counted(n, 'file')} as published"))
    out.print(printable(str(folder)))
