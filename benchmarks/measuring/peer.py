"""The other interpreter: it holds the same arrays and runs a job when asked to."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np

PROGRAM = Path(__file__).with_name("theirs.py")


class Peer:
    """Published packages in a process of their own.

    Parameters
    ----------
    python : str
        Interpreter in which they are installed.
    nab : Path, optional
        A checkout of numenta/NAB, whose scorer is in no package.
    clock : {"wall", "cpu"}
        With "cpu" the packages have one thread, so that their time can be compared.
    """

    def __init__(self, python, nab=None, clock="wall"):
        command = [str(python), str(PROGRAM), clock, *([str(nab)] if nab else [])]
        threads = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"} if clock == "cpu" else {}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | threads,
        )
        told = self._answer()
        self.versions, self.left_out = told["versions"], told["left_out"]

    def load(self, data):
        """Give it the arrays; return its jobs as (row, package)."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "data.npz"
            np.savez(path, **data)
            return [tuple(job) for job in self._ask({"load": str(path)})["jobs"]]

    def run(self, job):
        """Return the seconds and the numbers of one call."""
        told = self._ask({"run": job})
        return told["seconds"], told["value"]

    def _ask(self, question):
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args[0]} has ended; its message is above")
        return json.loads(line)

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
