"""For the tests of the command line: a pump at any port, and the program as the shell sees it."""

from collections.abc import Callable
from typing import Any

import pytest

from picoinfuse import cli
from tests.fake_pump import FakePump


@pytest.fixture(autouse=True)
def _no_port_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PICOINFUSE_PORT", raising=False)


@pytest.fixture
def pump(monkeypatch: pytest.MonkeyPatch) -> FakePump:
    """At any port."""
    pump = FakePump()
    monkeypatch.setattr("picoinfuse.client.session.open_port", lambda url: pump)
    return pump


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The program as the shell sees it: exit status, stdout, stderr."""

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code: Any = cli.main(arguments)
        except SystemExit as end:
            code = end.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
