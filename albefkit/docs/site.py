"""From the registries to a folder of HTML that is there whole or not at all."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from albefkit.docs.pages import Chapter
from albefkit.docs.project_pages import copy_pictures
from albefkit.registry.errors import AlbefkitError, ComponentError, Problem, RecipeError

MARKER = "albefkit-site.json"
"""Lists the files of a site: what of a folder a later build may replace."""
CONFIGURATION = Path(__file__).with_name("mkdocs.yml")


@dataclass(frozen=True)
class Site:
    """What was written.

    Args:
        folder: where.
        pages: how many.
        warnings: what mkdocs had to say, as of a plugin's docstring that refers to nothing.
    """

    folder: Path
    pages: int
    warnings: Sequence[str]


def build_site(folder: Path, make: Callable[[], Chapter], *, strict: bool = False) -> Site:
    """Make pages, and a site of them.

    Args:
        folder: new, empty, or a former site, which is then replaced.
        make: gives the pages; it is asked once nothing else stands in the way.
        strict: whether a warning is an error.

    Raises:
        ComponentError: mkdocs-material is not installed.
        RecipeError: the folder holds something else, or cannot be written.
        AlbefkitError: there were warnings, and `strict`.
    """
    if any(find_spec(module) is None for module in ("mkdocs", "material")):
        message = 'mkdocs-material is not installed: python -m pip install "albefkit[docs]"'
        raise ComponentError(message)
    folder = folder.expanduser().absolute()
    _require_replaceable(folder)
    with _working_folder(folder) as work:
        pages, warnings = _render(work, make())
        if strict and warnings:
            problems = [Problem("docs", "", warning) for warning in warnings]
            raise AlbefkitError(problems)
        _mark(work / "site")
        _swap(work / "site", folder, work / "former")
    return Site(folder, pages, warnings)


def _render(work: Path, book: Chapter) -> tuple[int, list[str]]:
    """Pages into `work/pages`, the site into `work/site`."""
    from mkdocs.commands.build import build
    from mkdocs.config import load_config

    book.write(work / "pages")
    copy_pictures(work / "pages")
    with _heard() as warnings:
        settings: dict[str, Any] = {
            "docs_dir": str(work / "pages"),
            "site_dir": str(work / "site"),
            "nav": book.navigation(),
        }
        build(load_config(str(CONFIGURATION), **settings))
    return len(list(book.pages())), warnings


@contextmanager
def _heard() -> Iterator[list[str]]:
    """Collect what mkdocs warns of, instead of having it printed."""
    heard: list[str] = []
    logger, handler = logging.getLogger("mkdocs"), logging.Handler(logging.WARNING)
    handler.emit = lambda record: heard.append(record.getMessage())
    before, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield heard
    finally:
        logger.removeHandler(handler)
        logger.propagate = before


def _require_replaceable(folder: Path) -> None:
    """Refuse a folder in which something lies that no build has put there."""
    ours = _marked(folder)
    found = _files(folder) if folder.is_dir() else [folder.name] if folder.exists() else []
    strange = next((file for file in found if file not in ours), None)
    if strange is not None:
        message = f"holds something that no build has put there: {strange}"
        raise RecipeError(Problem("--out", str(folder), message, "Give a new or an empty folder."))


def _files(folder: Path) -> Iterator[str]:
    return (p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


def _marked(folder: Path) -> set[str]:
    try:
        return {MARKER, *json.loads((folder / MARKER).read_text(encoding="utf-8"))}
    except (OSError, ValueError, TypeError):
        return set()


def _mark(folder: Path) -> None:
    (folder / MARKER).write_text(json.dumps(sorted(_files(folder)), indent=0), encoding="utf-8")


@contextmanager
def _working_folder(folder: Path) -> Iterator[Path]:
    """A folder beside `folder`, on the same disk, that is gone at the end."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        message = f"cannot be written: {error.strerror or error}"
        raise RecipeError(Problem("--out", str(folder), message)) from error
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _swap(new: Path, folder: Path, former: Path) -> None:
    """Put `new` in the place of `folder`; what was there moves to `former`, or back."""
    replaced = folder.exists()
    if replaced:
        folder.replace(former)
    try:
        new.replace(folder)
    except OSError:
        if replaced:
            former.replace(folder)
        raise
