"""`sensorkit evaluate --dataset`, as a user types it."""

import json

import pytest

from sensorkit.report.files import write_json
from sensorkit.report.running import public


@pytest.fixture
def run(typing, capsys):
    """Run `sensorkit ...`; return exit code, output and errors."""
    return typing(capsys)


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Judge nothing: remember what was asked for and leave a run that passed."""
    calls = []

    def evaluate_public(*args, **options):
        calls.append((args, options))
        folder = tmp_path / "20260131T120000Z-abcdef"
        folder.mkdir(exist_ok=True)
        write_json(folder / "run.json", {"duration_s": 4.5})
        write_json(folder / "public.json", {"sentence": "By F1 mewma has 0.8."})
        return folder

    monkeypatch.setattr(public, "evaluate_public", evaluate_public)
    return calls


def test_a_public_set_is_judged_and_the_sentence_printed(run, asked, tmp_path):
    code, out, _ = run(
        *("evaluate", "--dataset", "skab", "--detectors", "mewma, sigma", "--limit", "3"),
        *("--set", "seed=7", "--workers", "2", "--out", str(tmp_path)),
    )
    assert code == 0
    assert "By F1 mewma has 0.8." in out
    ((args, options),) = asked
    assert args == ("skab", None, ["mewma", "sigma"], 3, tmp_path)
    assert (options["seed"], options["workers"]) == (7, 2)


def test_the_result_is_there_as_json(run, asked):
    code, out, _ = run("evaluate", "--dataset", "skab", "--json")
    assert code == 0
    assert json.loads(out)["sentence"] == "By F1 mewma has 0.8."


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--dataset", "skab", "--quick"), "--quick does not go with --dataset"),
        (("--dataset", "skab", "--require", "a.f1>=1"), "--require does not go with --dataset"),
        (("--dataset", "skab", "--set", "x=1"), "seed=NUMBER is all that can be set"),
        (("--limit", "3"), "--limit is for a public data set"),
        (("--detectors", "sigma"), "--detectors is for a public data set"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_use(run, asked, options, said):
    code, _, err = run("evaluate", *options)
    assert code == 2
    assert said in " ".join(err.split())
    assert not asked
