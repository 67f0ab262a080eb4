"""Which recipes an ablation compares: a base, and edits of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from albefkit.recipe.diff import diff
from albefkit.recipe.drops import components, droppable
from albefkit.recipe.load import Recipe, load_recipe
from albefkit.registry.errors import Problem, RecipeError
from albefkit.registry.names import did_you_mean

FULL = "full"
"""What the base recipe is called beside its edits."""


@dataclass(frozen=True)
class Wishes:
    """What is to be compared.

    Args:
        base: the recipe that is edited, and that the others are compared with.
        recipes: further recipes beside it.
        sets: edits of every one of them, `path=value`.
        drops: what to take out, `a` or `a+b` for both at once; each is a variant.
        leave_one_out: a variant for everything that can be dropped.
        swaps: `part=component`; each is a variant.
        adds: `objective` or `objective=settings`; each is a variant.
        sweep: `path=value,value`: all variants at each of the values; None: as the recipe says.
        stepwise: compare each variant with the one before it, not with the base.
    """

    base: str
    recipes: Sequence[str] = ()
    sets: Sequence[str] = ()
    drops: Sequence[str] = ()
    leave_one_out: bool = False
    swaps: Sequence[str] = ()
    adds: Sequence[str] = ()
    sweep: str | None = None
    stepwise: bool = False


@dataclass(frozen=True)
class Variant:
    """One recipe of an ablation.

    Args:
        name: what it is called in tables.
        group: the point of the sweep it belongs to, `path: value`; empty without a sweep.
        reference: the name of the variant of its group that it is compared with; None: of none.
        source: the recipe it is an edit of.
        sets: `path=value` edits.
        drops: what is taken out.
    """

    name: str
    source: str
    group: str = ""
    reference: str | None = None
    sets: tuple[str, ...] = ()
    drops: tuple[str, ...] = ()

    def recipe(self, *more: str) -> Recipe:
        """The edited recipe, with further `path=value` edits.

        Raises:
            RecipeError: an edit does not fit the recipe.
        """
        return load_recipe(self.source, sets=[*self.sets, *more], drops=self.drops)


def variants(wishes: Wishes) -> list[Variant]:
    """All recipes of an ablation, the base first, group by group.

    Raises:
        RecipeError: an edit does not fit the base recipe, or two variants have one name.
    """
    named = _with_references(_edits(wishes), wishes.stepwise)
    found = [
        replace(variant, group=group, sets=(*wishes.sets, *point, *variant.sets))
        for group, point in _points(wishes.sweep)
        for variant in named
    ]
    for variant in found:
        variant.recipe()
    return found


def droppable_edits(recipe: str, sets: Sequence[str] = ()) -> dict[str, tuple[str, list[str]]]:
    """What can be dropped from a recipe -> what is then missing, and what that changes in it."""
    whole = load_recipe(recipe, sets=sets)
    found: dict[str, tuple[str, list[str]]] = {}
    for name, meaning in droppable(whole.settings).items():
        without = load_recipe(recipe, sets=sets, drops=[name])
        found[name] = meaning, [str(each) for each in diff(whole.resolved, without.resolved)]
    return found


def _edits(wishes: Wishes) -> list[Variant]:
    several = bool(wishes.recipes)
    base = Path(wishes.base).stem
    settings = load_recipe(wishes.base, sets=wishes.sets).settings
    drops = list(wishes.drops)
    if wishes.leave_one_out:
        drops += [name for name in droppable(settings) if name not in drops]
    return [
        Variant(base if several else FULL, wishes.base),
        *(Variant(Path(other).stem, other) for other in wishes.recipes),
        *(_dropped(wishes.base, drop) for drop in drops),
        *(_swapped(wishes, swap) for swap in wishes.swaps),
        *(_added(wishes.base, add) for add in wishes.adds),
    ]


def _with_references(named: list[Variant], stepwise: bool) -> list[Variant]:
    names = [variant.name for variant in named]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        message = f"two variants have the name '{min(twice)}'"
        raise RecipeError(Problem("command line", "", message, "leave one out, or rename a file"))
    references = [None, *(names[:-1] if stepwise else names[:1] * (len(names) - 1))]
    pairs = zip(named, references, strict=True)
    return [replace(variant, reference=reference) for variant, reference in pairs]


def _dropped(source: str, drop: str) -> Variant:
    drops = tuple(name.strip() for name in drop.split("+"))
    return Variant(", ".join(f"no {name}" for name in drops), source, drops=drops)


def _swapped(wishes: Wishes, swap: str) -> Variant:
    part, value = _split("--swap", swap, "fusion=joint")
    specs = components(load_recipe(wishes.base, sets=wishes.sets).settings)
    paths = {spec.path: spec for spec in specs}
    found = [path for path, spec in paths.items() if part in (path, path.split(".")[-1], spec.kind)]
    if len(found) != 1:
        known = ", ".join(found or paths)
        what = "several parts go" if found else "no part of the recipe goes"
        message = f"{what} by the name '{part}'.{did_you_mean(part, list(paths))}"
        raise RecipeError(Problem("command line", f"--swap {swap}", message, f"parts: {known}"))
    return Variant(f"{part}: {value}", wishes.base, sets=(f"{found[0]}={value}",))


def _added(source: str, add: str) -> Variant:
    name, _, settings = add.partition("=")
    return Variant(f"with {name}", source, sets=(f"objectives.{name}={settings or '{}'}",))


def _points(sweep: str | None) -> list[tuple[str, tuple[str, ...]]]:
    """Each point of a sweep: its name, and the edit that makes it."""
    if sweep is None:
        return [("", ())]
    path, values = _split("--sweep", sweep, "data.noise=0,0.2,0.4")
    points = [value.strip() for value in values.split(",")]
    return [(f"{path}: {value}", (f"{path}={value}",)) for value in points]


def _split(option: str, text: str, example: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name.strip() or not equals or not value.strip():
        message = f"expected a name, '=' and what to put there, got '{text}'"
        raise RecipeError(Problem("command line", option, message, f"as in {option} {example}"))
    return name.strip(), value.strip()
