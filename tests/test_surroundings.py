"""A notebook is live only if somebody has it open."""

from types import SimpleNamespace

import pytest

from sensorkit import surroundings


@pytest.fixture
def shell(monkeypatch):
    """Return a shell with a kernel, as IPython has it in a notebook."""
    made = SimpleNamespace(kernel=object(), user_ns={})
    monkeypatch.setattr("IPython.get_ipython", lambda: made)
    monkeypatch.delenv("SENSORKIT_QUIET", raising=False)
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    return made


def test_a_kernel_that_nobody_has_open_is_not_live(shell):
    assert shell.kernel
    assert not surroundings.in_notebook()


@pytest.mark.usefixtures("shell")
def test_a_notebook_open_in_jupyterlab_is_live(monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "/notebooks/a.ipynb")
    assert surroundings.in_notebook()


def test_a_notebook_open_in_an_editor_is_live(shell):
    shell.user_ns["__vsc_ipynb_file__"] = "a.ipynb"
    assert surroundings.in_notebook()


@pytest.mark.usefixtures("shell")
def test_a_quiet_run_is_never_live(monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "/notebooks/a.ipynb")
    monkeypatch.setenv("SENSORKIT_QUIET", "1")
    assert not surroundings.in_notebook()


def test_a_script_started_from_a_notebook_is_not_live(monkeypatch):
    monkeypatch.setattr("IPython.get_ipython", lambda: None)
    monkeypatch.delenv("SENSORKIT_QUIET", raising=False)
    monkeypatch.setenv("JPY_SESSION_NAME", "/notebooks/a.ipynb")
    assert not surroundings.in_notebook()
