"""Errors become words and exit codes in one place."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from albefkit.cli import main as cli
from albefkit.cli import panel
from albefkit.registry import errors


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    return int(caught.value.code or 0)


@pytest.fixture
def verb(monkeypatch):
    """Makes `albefkit toy` raise an error."""

    def make(error: BaseException) -> None:
        def command() -> None:
            """Do nothing well."""
            raise error

        module = ModuleType("albefkit.cli.toy")
        module.command = command  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "albefkit.cli.toy", module)
        monkeypatch.setattr(cli, "VERBS", (*cli.VERBS, "toy"))

    return make


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.RecipeError("no"), 2),
        (errors.ComponentError("no"), 2),
        (errors.DataError("no"), 3),
        (errors.NumericError("no"), 4),
        (errors.Interrupted("no"), 5),
        (KeyboardInterrupt(), 5),
    ],
)
def test_exit_codes(verb, error, code, capsys):
    verb(error)
    assert run("toy") == code
    out, err = capsys.readouterr()
    assert out == "" and "Traceback" not in err and err.startswith("albefkit: ")


@pytest.mark.parametrize("arguments", [("--debug", "toy"), ("toy", "--debug")])
def test_debug_shows_the_traceback(verb, arguments):
    verb(errors.DataError("no"))
    with pytest.raises(errors.DataError):
        cli.main(arguments)


def test_our_own_mistakes_are_not_hidden(verb):
    verb(ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        cli.main(["toy"])


@pytest.mark.parametrize("arguments", [("nonsense",), ("check",), ("check", "--nonsense")])
def test_usage_is_typers_own(arguments, capsys):
    assert run(*arguments) == 2
    assert "Usage:" in capsys.readouterr().err


def test_help_and_version(capsys):
    assert run("--help") == 0
    text = capsys.readouterr().out
    assert all(each in text for each in (*cli.VERBS, "--debug", "--version"))
    assert run("--version") == 0
    assert capsys.readouterr().out.startswith("albefkit 0")


def test_plain_lines_where_there_is_no_terminal(verb, capsys):
    problems = [errors.Problem("r.yaml:1:2", "a.b", "wrong [bold]", "do this")] * 2
    verb(errors.RecipeError(problems))
    assert run("toy") == 2
    line = "r.yaml:1:2  a.b\n    wrong [bold]\n    do this\n"
    assert capsys.readouterr().err == f"albefkit: there are 2 problems\n{line}{line}"


@pytest.mark.parametrize("no_color", [False, True])
def test_a_panel_on_a_terminal(capsys, monkeypatch, no_color):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    problem = errors.Problem("r.yaml:1:2", "a.b", "wrong [bold]", "do this")
    panel.show(errors.RecipeError([problem, errors.Problem("", "", "and this")]))
    text = capsys.readouterr().err
    assert "there are 2 problems" in text and "wrong [bold]" in text and "and this" in text
    assert text.lstrip("\x1b[0123456789;m").startswith("╭")
    assert ("\x1b[31m" in text) is not no_color
