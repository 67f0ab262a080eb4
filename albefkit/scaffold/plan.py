"""What a new distribution is to be called, and whether it may be."""

from __future__ import annotations

import importlib.util
import keyword
import re
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from packaging.utils import InvalidName, canonicalize_name

from albefkit.registry.catalogue import entries, known_kind
from albefkit.registry.entry import HOME, Entry
from albefkit.registry.errors import Problem, RecipeError
from albefkit.registry.installed import installed
from albefkit.registry.kinds import group

_COMPONENT = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_SUMMARY = 90
"""A docstring's first line has room for no more."""


@dataclass(frozen=True)
class Plan:
    """A distribution with one component, before it is written.

    Args:
        name: of the distribution.
        kind: of the component.
        component: what recipes call it.
        summary: what it does, in a line that ends in a full stop or the like.
    """

    name: str
    kind: str
    component: str
    summary: str

    @property
    def distribution(self) -> str:
        """The name as `distribution/component` in a recipe has it."""
        return canonicalize_name(self.name)

    @property
    def module(self) -> str:
        """The package that is imported."""
        return self.distribution.replace("-", "_")

    @property
    def file(self) -> str:
        """The module of the component inside that package."""
        return self.component.replace("-", "_")

    @property
    def cls(self) -> str:
        """The component's class."""
        return "".join(part.capitalize() for part in self.component.split("-"))

    @property
    def group(self) -> str:
        """The entry-point group, which carries the contract's version."""
        return group(self.kind)


def component_of(name: str) -> str:
    """What the component of a distribution is called unless somebody says otherwise: the
    distribution's name without `albefkit-`.
    """
    return canonicalize_name(name).removeprefix(f"{HOME}-")


def sentence(text: str) -> str:
    """A summary as a docstring begins: it ends in a full stop where it has no end of its own."""
    text = text.strip()
    return text if text.endswith((".", "?", "!")) else f"{text}."


def require_possible(plan: Plan) -> None:
    """Refuse names that cannot be, and those that are taken here; report everything at once.

    Raises:
        ComponentError: there is no such kind.
        RecipeError: something about the names or the summary is wrong.
    """
    known_kind(plan.kind)
    found = [*_wrong_name(plan), *_wrong_component(plan), *_wrong_summary(plan)]
    if found:
        raise RecipeError(found)


def _wrong_name(plan: Plan) -> list[Problem]:
    where = f"NAME {plan.name}"
    try:
        canonicalize_name(plan.name, validate=True)
    except InvalidName:
        message = "is no name of a distribution: letters, digits and '-', '_', '.' between them"
        return [Problem(where, "", message, "as in albefkit-swin; --out says where it is written")]
    if not plan.module.isidentifier() or keyword.iskeyword(plan.module):
        message = f"would be imported as '{plan.module}', which Python cannot"
        return [Problem(where, "", message, f"begin with a letter, as in {HOME}-{plan.name}")]
    hint = "take another name"
    try:
        message = f"is installed here already, in version {version(plan.name)}"
        return [Problem(where, "", message, hint)]
    except PackageNotFoundError:
        pass
    if importlib.util.find_spec(plan.module) is not None:
        message = f"would be imported as '{plan.module}', and there is such a module here already"
        return [Problem(where, "", message, hint)]
    return []


def _wrong_component(plan: Plan) -> list[Problem]:
    where = f"--component {plan.component}"
    if not _COMPONENT.fullmatch(plan.component):
        message = "expected lower-case words with '-' between them, the first beginning in a letter"
        return [Problem(where, "", message, "as in cross-attention")]
    if keyword.iskeyword(plan.file) or keyword.iskeyword(plan.cls):
        return [Problem(where, "", "is a word of Python's own", "take another name")]
    taken = next((each for each in _declared(plan.kind) if each.name == plan.component), None)
    if taken is not None:
        message = f"there is a {plan.kind} '{taken.name}' already, of {taken.provider}"
        return [Problem(where, "", message, "give another name with --component")]
    return []


def _declared(kind: str) -> list[Entry]:
    """Every component of a kind that is installed here, whether or not it can be used."""
    here = installed()
    foreign = [each.entry for each in here.foreign]
    return [each for each in (*entries(kind), *here.left_out, *foreign) if each.kind == kind]


def _wrong_summary(plan: Plan) -> list[Problem]:
    fits = len(plan.summary) <= _LONGEST_SUMMARY and plan.summary.isprintable()
    if fits and plan.summary.strip(". ") and not set('"\\') & set(plan.summary):
        return []
    message = (
        f"expected a line of up to {_LONGEST_SUMMARY} characters, no double quote, no backslash"
    )
    return [Problem("--summary", "", message)]
