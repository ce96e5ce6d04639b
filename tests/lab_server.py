"""A JupyterLab for the tests: a server of its own on a free port, without the user's settings."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

START_S = 90


class JupyterLab:
    """The server, asked as its page asks it.

    Parameters
    ----------
    home : Path
        Holds settings and the log, and `work`, the folder that is served.
    settings : mapping
        Plugin -> settings, as Lab's own editor of settings has them.
    """

    def __init__(self, home: Path, settings: Mapping[str, Any]) -> None:
        self.home, self.folder = home, home / "work"
        self.folder.mkdir(exist_ok=True)
        self.token = secrets.token_hex(16)
        for plugin, value in settings.items():
            path = home / "settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(value))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        own = {
            "HOME": home,
            "IPYTHONDIR": home / "ipython",
            "JUPYTER_CONFIG_DIR": home / "config",
            "JUPYTER_DATA_DIR": home / "data",
            "JUPYTER_RUNTIME_DIR": home / "runtime",
            "JUPYTERLAB_SETTINGS_DIR": home / "settings",
            "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
            "JUPYTER_PREFER_ENV_PATH": "1",
            "OMP_NUM_THREADS": "1",
        }
        # The kernel is one for people: plots are widgets there.
        kept = {name: text for name, text in os.environ.items() if name != "SENSORKIT_QUIET"}
        with (home / "log.txt").open("wb") as log:
            self.server = subprocess.Popen(
                [
                    *(sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"),
                    *("--ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0"),
                    f"--IdentityProvider.token={self.token}",
                    f"--ServerApp.root_dir={self.folder}",
                    "--LabApp.extension_manager=readonly",
                ],
                env={**kept, **{name: str(value) for name, value in own.items()}},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def __enter__(self) -> Self:
        try:
            self.until(self._is_up)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.server.terminate()
        try:
            self.server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.server.kill()
            self.server.wait()

    def _is_up(self) -> bool:
        assert self.server.poll() is None, (self.home / "log.txt").read_text()
        try:
            self.ask("/api/status")
        except OSError:
            return False
        return True

    def until(self, condition: Callable[[], object], seconds: float = START_S) -> None:
        """Wait until *condition* holds; fail after so many seconds, with what the server said."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, (self.home / "log.txt").read_text()
            time.sleep(0.05)

    def ask(self, path: str, method: str = "GET") -> Any:
        """Return what the server's own interface answers."""
        request = urllib.request.Request(
            f"{self.address}{path}", method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            text = answer.read()
        return json.loads(text) if text else None
