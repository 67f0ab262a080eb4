"""The project's own documents, which are pages as they stand."""

from __future__ import annotations

import shutil
from pathlib import Path

from albefkit.docs.pages import Page
from albefkit.recipe.library import shipped_folder

FRONT, RULES = "README.md", "CONTRIBUTING.md"


def front_page() -> Page:
    """What albefkit is."""
    return Page(FRONT, "albefkit", _text(FRONT))


def rules_page() -> Page:
    """How the code is laid out, and how to add to it."""
    return Page(RULES, "Contributing", _text(RULES))


def plugin_pages() -> list[Page]:
    """What the plugins in the checkout say of themselves; there are none in a wheel."""
    files = sorted((_top() / "plugins").glob("*/README.md"))
    paths = [file.relative_to(_top()).as_posix() for file in files]
    return [Page(path, Path(path).parent.name, _text(path)) for path in paths]


def copy_pictures(folder: Path) -> None:
    """Put the pictures that these documents show, which lie beside the recipes, where the pages
    below `folder` look for them.
    """
    recipes = shipped_folder()
    for picture in recipes.rglob("*.png"):
        target = folder / "recipes" / picture.relative_to(recipes)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(picture, target)


def _text(path: str) -> str:
    return (_top() / path).read_text(encoding="utf-8")


def _top() -> Path:
    """Where the documents are: in the wheel, or at the top of a checkout."""
    here = Path(__file__).resolve().parent
    packaged = here / "project"
    return packaged if packaged.is_dir() else here.parents[1]
