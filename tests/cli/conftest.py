"""Commands typed as a user types them."""

import pytest

from sensorkit.cli import app


@pytest.fixture
def typing(monkeypatch):
    """Make a function that runs `sensorkit WORDS ...` as `main` does.

    It returns exit status, output and errors, as *captured* by `capsys` or `capfd`.
    """

    def make(captured, *words):
        def command(*arguments):
            monkeypatch.setattr("sys.argv", ["sensorkit", *words, *map(str, arguments)])
            with pytest.raises(SystemExit) as stopped:
                app.main()
            said = captured.readouterr()
            return stopped.value.code or 0, said.out, said.err

        return command

    return make
