"""From templates to a folder: written whole or not at all."""

from __future__ import annotations

import ast
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from albefkit import __version__
from albefkit.engine.files import require_free
from albefkit.registry.errors import Problem, RecipeError
from albefkit.scaffold.plan import Plan

TEMPLATES = Path(__file__).with_name("templates")
"""A folder for each kind, and `every_kind`, whose files are used where a kind has none."""

COMPONENT = "{module}/{file}.py"
FILES = {
    "pyproject.toml": "pyproject.toml.jinja",
    "README.md": "README.md.jinja",
    ".gitignore": "gitignore.jinja",
    ".github/workflows/tests.yml": "tests.yml.jinja",
    "{module}/__init__.py": "__init__.py.jinja",
    COMPONENT: "component.py.jinja",
    "recipes/{component}.yaml": "recipe.yaml.jinja",
    "tests/conftest.py": "conftest.py.jinja",
    "tests/test_conformance.py": "test_conformance.py.jinja",
    "tests/test_recipe.py": "test_recipe.py.jinja",
}
"""File of a distribution -> its template."""


def usual_summary(kind: str) -> str:
    """What the component does that a new distribution of this kind begins with."""
    return (TEMPLATES / kind / "summary.txt").read_text(encoding="utf-8").strip()


def render(plan: Plan) -> dict[str, str]:
    """Every file of a distribution: its path below the folder -> its text.

    Raises:
        RecipeError: the class would have the name of something that its file needs.
    """
    environment = Environment(
        loader=FileSystemLoader([TEMPLATES / plan.kind, TEMPLATES / "every_kind"]),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
    )
    names = {
        "name": plan.name,
        "kind": plan.kind,
        "component": plan.component,
        "summary": plan.summary,
        "distribution": plan.distribution,
        "module": plan.module,
        "file": plan.file,
        "cls": plan.cls,
        "group": plan.group,
        "version": __version__,
    }
    texts = {
        file.format(**names): environment.get_template(template).render(names)
        for file, template in FILES.items()
    }
    if plan.cls in _used(texts[COMPONENT.format(**names)]):
        message = f"its class would be called {plan.cls}, which its file uses for something else"
        hint = "give another name with --component"
        raise RecipeError(Problem(f"--component {plan.component}", "", message, hint))
    return texts


def write(texts: Mapping[str, str], folder: Path) -> None:
    """Write files into a new folder, or into an empty one.

    Args:
        texts: path of a file below the folder -> its text.
        folder: afterwards it holds all files, or is as it was.

    Raises:
        RecipeError: there is something in the folder, or it cannot be written.
    """
    require_free(folder, "--out")
    place = folder.resolve()
    if place == Path.cwd().resolve():
        message = "is the working directory, which is not replaced"
        raise RecipeError(Problem("--out", str(folder), message, "Give a folder inside it."))
    beside = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    try:
        for name, text in texts.items():
            file = beside / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        if place.exists():
            place.rmdir()
        beside.rename(place)
    except OSError as error:
        reason = error.strerror or str(error)
        raise RecipeError(Problem(str(folder), "", f"cannot be written: {reason}")) from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _used(source: str) -> set[str]:
    """The names that a module imports or uses."""
    nodes = list(ast.walk(ast.parse(source)))
    imported = {each.asname or each.name for each in nodes if isinstance(each, ast.alias)}
    return imported | {each.id for each in nodes if isinstance(each, ast.Name)}
