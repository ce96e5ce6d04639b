"""docs/decisions/index.md: the list of decision records."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "decisions"
TEMPLATE = "0000-template.md"

OPENING = f"""# Decisions

What shaped the project, one page each: what had to be decided, what was, and what follows from it.
A new one is a copy of `docs/decisions/{TEMPLATE}` with the next number; `make docs` lists it.

"""


def page(folder: Path = FOLDER) -> str:
    """Return the list, by number."""
    records = [path for path in sorted(folder.glob("[0-9]*.md")) if path.name != TEMPLATE]
    return OPENING + "".join(f"- [{title(path)}]({path.name})\n" for path in records)


def title(path: Path) -> str:
    """Return the heading of a page, without its mark."""
    return path.read_text(encoding="utf-8").split("\n", 1)[0].removeprefix("# ")
