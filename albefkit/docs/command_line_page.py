"""Every verb with its options, as typer describes them."""

from __future__ import annotations

import typer
from typer.cli import get_docs_for_click
from typer.main import get_command

from albefkit.docs.markdown import prose
from albefkit.docs.pages import Page

PATH = "command_line.md"
NAME = "albefkit"


def command_line_page(application: typer.Typer) -> Page:
    """The whole command line on one page."""
    command = get_command(application)
    context = typer.Context(command, info_name=NAME, **command.context_settings)
    text = get_docs_for_click(obj=command, ctx=context, name=NAME, title="The command line")
    return Page(PATH, "Command line", prose(text))
