"""Write the pages that are made of the code: `python docs/making [--check]`.

With --check nothing is written; it ends with 1 and names the pages that the code no longer makes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import architecture
import command_line
import decisions
import fault_pictures
import layers
import profile_pictures
import typer

from sensorkit.cli.app import app, load_commands
from sensorkit.cli.config.command import schema_made, schema_text

DOCS = Path(__file__).parents[1]


def pages() -> dict[str, str]:
    """Return the text of each page that is made of the code, by its place in docs/."""
    return {
        "architecture.md": architecture.page(),
        "cli.md": command_line.page(),
        "decisions/index.md": decisions.page(),
        "faults.md": fault_pictures.page(),
        "images/layers.svg": layers.picture(),
        **fault_pictures.files(),
        **profile_pictures.pictures(),
        **schemas(),
    }


def schemas() -> dict[str, str]:
    """Return the JSON Schemas of the files that people write, by their places."""
    load_commands()
    root = typer.main.get_command(app)
    return {
        f"schemas/{what}.schema.json": schema_text(schema_made(what, root))
        for what in ("config", "plan", "profile")
    }


def main() -> None:
    """Write what has changed and say so; with --check only say so."""
    stale = [
        name
        for name, text in pages().items()
        if not (DOCS / name).is_file() or (DOCS / name).read_text(encoding="utf-8") != text
    ]
    if "--check" in sys.argv[1:]:
        if stale:
            sys.exit(f"not as the code has it: docs/{', docs/'.join(stale)}; `make docs` writes it")
        return
    made = pages()
    for name in stale:
        (DOCS / name).write_text(made[name], encoding="utf-8", newline="\n")
        sys.stdout.write(f"docs/{name}: written anew\n")


if __name__ == "__main__":
    main()
