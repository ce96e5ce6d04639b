"""Where the alerts of a capture go besides the screen: the sinks of sensorkit.yaml."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sensorkit.cli.config.settling import Settled, current

if TYPE_CHECKING:
    from sensorkit.config.sinks import FileSink
    from sensorkit.readings import Alert


class Sinks:
    """The files that alerts are added to, as they happen; none where the configuration has none.

    Parameters
    ----------
    settled : Settled, optional
        What holds for the command; that which runs by default.

    Raises
    ------
    UsageError
        If a file cannot be written, or a variable in its path is not set.
    """

    def __init__(self, settled: Settled | None = None) -> None:
        site = (settled or current()).site
        self.says = site is None or site.says_alerts
        """Whether they are said on the screen."""
        self._files: dict[str, FileSink] = {}
        if site is not None and site.config.sinks:
            from sensorkit.config.sinks import FileSink

            files = site.alert_files(os.environ)
            self._files = {name: FileSink(path) for name, path in files.items()}

    def add(self, alerts: Sequence[Alert]) -> list[str]:
        """Write alerts, and return what went wrong; a file that fails is not written again."""
        if not alerts or not self._files:
            return []
        from sensorkit import detect

        problems = []
        for row in detect.report(alerts):
            for name, file in list(self._files.items()):
                try:
                    file.add(row)
                except OSError as error:  # a full disk must not cost a byte of the capture
                    del self._files[name]
                    file.close()
                    problems.append(
                        f"{file.path}: no more alerts are written there: {error.strerror}"
                    )
        return problems

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()
        self._files = {}
