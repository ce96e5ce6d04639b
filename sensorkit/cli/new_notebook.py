"""`sensorkit new-notebook`: a notebook for a recording or a device of yours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sensorkit.cli.app import command, out, printable


@command("new-notebook")
def new_notebook(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the notebook.")],
    recording: Annotated[
        Path | None, typer.Option(help="Folder of a healthy recording of your device.")
    ] = None,
    port: Annotated[
        str, typer.Option(metavar="LINK", help="The device, to be captured and watched.")
    ] = "",
    baud: Annotated[int, typer.Option(min=1, help="Speed of the port.")] = 115200,
    profile: Annotated[
        str, typer.Option(help="Of the device at the port: a shipped name, or a .yaml file.")
    ] = "serial_monitor",
    folder: Annotated[Path, typer.Option(help="Where the notebook goes.")] = Path("notebooks"),
    force: Annotated[
        bool, typer.Option("--force", help="Replace a notebook of that name.")
    ] = False,
) -> None:
    """Write a notebook for your recording: look at it, break a copy, choose a detector, watch.

    It runs as it is. Without --recording it captures the device at --port first, and without
    either an emulated one.

    Example: sensorkit new-notebook mydevice --recording recordings/monday
    """
    from sensorkit.notebook.template import new_notebook as write

    path = write(
        name,
        folder,
        recording=recording,
        port=port,
        baud=baud,
        profile=profile,
        force=force,
    )
    out.print(printable(f"{path}: open it with `jupyter lab {path}` and press Run All"))
