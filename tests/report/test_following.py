"""The driver hears how far a notebook's long piece of work is."""

import pytest

from sensorkit.report.running.notebooks import PROGRESS, Job, execute

pytestmark = pytest.mark.slow

SAY = "import os, pathlib, time\nsaid = pathlib.Path(os.environ['SENSORKIT_PROGRESS'])"


def test_what_a_notebook_says_of_its_progress_is_told_once_and_whole(write_notebook, tmp_path):
    assert PROGRESS == "SENSORKIT_PROGRESS"
    path = write_notebook(
        "long",
        "where: str = ''  # nothing to say here",
        SAY,
        "said.write_text('1 4 sigma on rig\\n'); time.sleep(1.6)",
        "said.write_text('2 4 half a li'); time.sleep(1.2)",
        "said.write_text('4 4 \\n'); time.sleep(1.2)",
    )
    heard = []

    outcomes = execute(
        [iter([Job(path, {}, tmp_path / "out.ipynb")])],
        log_file=tmp_path / "log.txt",
        follow=lambda *news: heard.append(news),
    )

    assert outcomes[0].status == "passed", outcomes[0].reason
    assert heard == [("long", 1, 4, "sigma on rig"), ("long", 4, 4, "")]
