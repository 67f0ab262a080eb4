"""From a checked recipe to the parts of a run: only those that somebody needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from albefkit.alignment.space import NoSpace, Space
from albefkit.data.base import Dataset, Split
from albefkit.distill.teacher import NoTeacher, Teacher
from albefkit.engine.optimizers import OptimizerRecipe
from albefkit.engine.pretrainer import Pretrainer
from albefkit.evaluation.base import Evaluator
from albefkit.interop.ancestor import Ancestor, read_ancestor
from albefkit.layers.load_report import LoadReport
from albefkit.network import Network
from albefkit.objectives.base import Objective
from albefkit.recipe.spec import ComponentSpec
from albefkit.refusals import require_meaning, require_splits
from albefkit.registry.errors import ComponentError, Problem, RecipeError
from albefkit.seeding import stream
from albefkit.text.tokenizer import Corpus, Tokenizer
from albefkit.text.wordpiece import LEAST_COUNT

if TYPE_CHECKING:
    from albefkit.recipe.load import Recipe


@dataclass(frozen=True)
class Assembly:
    """Everything a run needs.

    Args:
        recipe: what was asked for.
        dataset: what to train and evaluate on.
        pretrainer: student, teacher, space and objectives.
        optimizer: how weights are moved.
        evaluators: by the name the recipe gives them.
        load_report: what became of the weights that `init` names; None without them.
    """

    recipe: Recipe
    dataset: Dataset
    pretrainer: Pretrainer
    optimizer: OptimizerRecipe
    evaluators: Mapping[str, Evaluator]
    load_report: LoadReport | None = None

    @property
    def tokenizer(self) -> Tokenizer | None:
        """The tokenizer of the texts, or None when there are none."""
        text = self.pretrainer.student.text
        return text.tokenizer if text else None


def assemble(
    recipe: Recipe,
    *,
    tokenizer_file: Path | None = None,
    inherit: bool = True,
    dataset: Dataset | None = None,
) -> Assembly:
    """Build the parts of a recipe.

    Every part starts from random numbers of its own, so that leaving one out leaves the others as
    they were.

    Args:
        recipe: from `load_recipe`.
        tokenizer_file: a tokenizer saved by an earlier run, to be used instead of training one.
        inherit: start from the weights that `init` names; false where others come in anyway.
        dataset: in place of the recipe's own, whose files may be gone.

    Raises:
        RecipeError: the parts do not go together; all reasons at once.
        ComponentError: a part cannot be built.
    """
    builder = _Builder(recipe.settings.train.seed)
    if dataset is None:
        dataset = _dataset(builder, recipe)
    objectives = _objectives(builder, recipe, dataset)
    evaluators = _evaluators(builder, recipe, dataset)
    ancestor = _ancestor(recipe) if inherit else None
    corpus = _corpus(dataset, tokenizer_file, ancestor)
    pretrainer, report = _pretrainer(builder, recipe, objectives, corpus, ancestor)
    return Assembly(
        recipe=recipe,
        dataset=dataset,
        pretrainer=pretrainer,
        optimizer=builder.build("optimizer", recipe.settings.optimizer),
        evaluators=evaluators,
        load_report=report,
    )


class _Builder:
    """Builds components, each from its own stream of random numbers."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def build(self, path: str, spec: ComponentSpec, **neighbours: Any) -> Any:
        with self.random(path):
            return spec.build(neighbours)

    @contextmanager
    def random(self, path: str) -> Iterator[None]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(stream(self.seed, "initialise", path))
            yield


def _dataset(builder: _Builder, recipe: Recipe) -> Dataset:
    return builder.build("data", recipe.settings.data)


def _objectives(builder: _Builder, recipe: Recipe, dataset: Dataset) -> dict[str, Objective]:
    objectives: dict[str, Objective] = {
        name: builder.build(f"objectives.{name}", line.component, name=name, dataset=dataset)
        for name, line in recipe.settings.objectives.items()
    }
    require_meaning(recipe, objectives, _needs(objectives))
    return objectives


def _needs(objectives: Mapping[str, Objective]) -> frozenset[str]:
    """What of a student is used by anyone."""
    return frozenset().union(*(objective.needs for objective in objectives.values()))


def _evaluators(builder: _Builder, recipe: Recipe, dataset: Dataset) -> dict[str, Evaluator]:
    evaluators: dict[str, Evaluator] = {
        name: builder.build(f"evaluate.{name}", spec)
        for name, spec in recipe.settings.evaluate.items()
    }
    require_splits(recipe, dataset, evaluators)
    return evaluators


def _ancestor(recipe: Recipe) -> Ancestor | None:
    if recipe.settings.init is None:
        return None
    try:
        return read_ancestor(recipe.settings.init)
    except ComponentError as error:
        problems = [
            Problem(str(recipe.source), "init", f"{each.path} {each.message}", each.hint)
            for each in error.problems
        ]
        raise RecipeError(problems) from error


def _corpus(dataset: Dataset, tokenizer_file: Path | None, ancestor: Ancestor | None) -> Corpus:
    """What a tokenizer is trained on, or the file of one: word embeddings go with their ids."""
    if tokenizer_file is None and ancestor is not None:
        tokenizer_file = ancestor.tokenizer
    return Corpus(lambda: _texts(dataset.split("train")), tokenizer_file)


def _texts(split: Split) -> Iterator[str]:
    """Captions and lexicon; a word counts from two occurrences on."""
    yield from split.captions()
    for _ in range(LEAST_COUNT):
        yield split.lexicon


def _pretrainer(
    builder: _Builder,
    recipe: Recipe,
    objectives: Mapping[str, Objective],
    corpus: Corpus,
    ancestor: Ancestor | None,
) -> tuple[Pretrainer, LoadReport | None]:
    """What is trained, and what became of the weights it starts from."""
    student = _student(builder, recipe, objectives, corpus)
    space = _space(builder, recipe) if "features" in _needs(objectives) else NoSpace()
    if not any("features" in objective.reads for objective in objectives.values()):
        _freeze_alignment(student, space)
    report = ancestor.begin(student, space, objectives) if ancestor else None
    teacher = _teacher(builder, recipe, student, space, objectives)
    if ancestor is not None:
        ancestor.begin_teacher(teacher, objectives)
    pretrainer = Pretrainer(
        student=student,
        teacher=teacher,
        space=space,
        objectives=objectives,
        weights={name: line.weight for name, line in recipe.settings.objectives.items()},
    )
    return pretrainer, report


def _student(
    builder: _Builder, recipe: Recipe, objectives: Mapping[str, Objective], corpus: Corpus
) -> Network:
    model, alignment = recipe.settings.model, recipe.settings.alignment
    needs = _needs(objectives)
    vision = builder.build("model.vision", model.vision) if model.vision else None
    text = builder.build("model.text", model.text, corpus=corpus) if model.text else None
    fusion = None
    if "fused" in needs and model.fusion:
        fusion = builder.build("model.fusion", model.fusion, vision=vision, text=text)
    shared_width = alignment.width if alignment and "features" in needs else None
    with builder.random("projections"):
        student = Network(vision, text, fusion, shared_width)
    for name, objective in objectives.items():
        with builder.random(f"heads.{name}"):
            if (head := objective.head(student)) is not None:
                student.heads[name] = head
    return student


def _space(builder: _Builder, recipe: Recipe) -> Space:
    alignment = recipe.settings.alignment
    assert alignment is not None
    keys = builder.build("alignment.keys", alignment.keys, shared_width=alignment.width)
    return Space(keys, alignment.temperature, alignment.temperature_range)


def _freeze_alignment(student: Network, space: Space | NoSpace) -> None:
    """Features are at most what pairs are chosen by: no loss reaches them, and data parallelism
    would wait for their gradients.
    """
    for part in (student.image_projection, student.text_projection, space):
        if part is not None:
            part.requires_grad_(False)


def _teacher(
    builder: _Builder,
    recipe: Recipe,
    student: Network,
    space: Space | NoSpace,
    objectives: Mapping[str, Objective],
) -> Teacher | NoTeacher:
    asked = frozenset().union(*(objective.asks(objectives) for objective in objectives.values()))
    needs = frozenset().union(*(objectives[name].reads for name in asked), space.needs_of_teacher)
    if not needs:
        return NoTeacher()
    if recipe.settings.teacher is None:
        asking = [name for name, objective in objectives.items() if objective.asks(objectives)]
        who = " and ".join(
            [f"objectives.{name}" for name in asking] + ["alignment.keys"] * (not asking)
        )
        raise RecipeError(
            Problem(
                str(recipe.source),
                "teacher",
                f"{who} asks a teacher, and this recipe has none.",
                "Add 'teacher: {type: momentum}', or drop what asks "
                "(objectives.mod; alignment.keys: in-batch needs no teacher).",
            )
        )
    teacher = builder.build("teacher", recipe.settings.teacher)
    teacher.mirror(student, _mirrored(needs) | {f"heads.{name}" for name in asked})
    return teacher


def _mirrored(needs: frozenset[str]) -> frozenset[str]:
    parts = {"features": {"projections"}, "fused": {"fusion"}}
    return frozenset({"vision", "text"}).union(*(parts[need] for need in needs))
