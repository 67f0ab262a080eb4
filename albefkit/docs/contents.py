"""The table of contents: which pages there are, made from what is installed."""

from __future__ import annotations

import typer

from albefkit.docs.command_line_page import command_line_page
from albefkit.docs.component_pages import component_chapter
from albefkit.docs.pages import Chapter
from albefkit.docs.project_pages import front_page, plugin_pages, rules_page
from albefkit.docs.recipe_pages import recipe_chapter
from albefkit.docs.shipped import shipped_recipes, users
from albefkit.docs.tutorials import tutorial_chapter


def contents(application: typer.Typer) -> Chapter:
    """Everything, in order.

    Args:
        application: the command line that is described.
    """
    recipes = shipped_recipes()
    plugins = plugin_pages()
    parts = [
        front_page(),
        tutorial_chapter(),
        recipe_chapter(recipes),
        component_chapter(users(recipes)),
        command_line_page(application),
        rules_page(),
        *([Chapter("Plugins", plugins)] if plugins else []),
    ]
    return Chapter("albefkit", parts)
