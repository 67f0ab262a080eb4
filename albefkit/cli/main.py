"""The command line: one file per verb, and one place where errors become words.

A verb is a module `albefkit.cli.<verb>`, a dash written `_`, with a function `command`, or with a
typer `app` for verbs that have verbs of their own. Its work is imported inside the function: only
what is used is loaded.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from albefkit.registry.errors import AlbefkitError, Interrupted

VERBS = (
    "run",
    "ablate",
    "compare",
    "diff",
    "evaluate",
    "predict",
    "check",
    "lock",
    "explain",
    "bench",
    "components",
    "schema",
    "data",
    "vqa-answers",
    "inspect",
    "convert",
    "doctor",
    "plugin",
    "docs",
)
"""In the order of `albefkit --help`."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    `--debug` may stand anywhere; it shows the traceback of an error that is otherwise put in words.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [each for each in given if each != "--debug"]
    asked = next((each for each in given if not each.startswith("-")), None)
    try:
        application([asked] if asked in VERBS else VERBS)(args=given, prog_name="albefkit")
    except AlbefkitError as error:
        if debug:
            raise
        from albefkit.cli.panel import show

        show(error)
        sys.exit(error.exit_code)


def application(verbs: Sequence[str]) -> typer.Typer:
    """The command line with some of its verbs."""
    app = typer.Typer(
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        help="Train, take apart and compare ALBEF-style vision-language models.",
    )
    app.callback()(_root)
    for verb in verbs:
        module: Any = importlib.import_module(f"albefkit.cli.{verb.replace('-', '_')}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=verb)
        else:
            app.command(verb)(_interruptible(module.command))
    return app


def _interruptible(command: Callable[..., None]) -> Callable[..., None]:
    """The same command; Ctrl-C where it knows no better end becomes an error like others."""

    @functools.wraps(command)
    def wrapped(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except KeyboardInterrupt:
            raise Interrupted("interrupted") from None

    return wrapped


def _version(asked: bool) -> None:
    if asked:
        from albefkit import __version__

        typer.echo(f"albefkit {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Options of every verb; `main` reads `--debug` wherever it stands."""


if __name__ == "__main__":
    main()
