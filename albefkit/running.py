"""A recipe becomes a trained, evaluated model in a folder of its own."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from albefkit.assemble import Assembly, assemble
from albefkit.data.base import SplitName
from albefkit.distributed import World, launched_world, process_group
from albefkit.engine.advice import Adviser
from albefkit.engine.allocator import keep_freed_memory
from albefkit.engine.checkpoint import Checkpoint, Checkpoints
from albefkit.engine.compiling import compile_layers
from albefkit.engine.devices import DeviceName, choose_device
from albefkit.engine.display import make_display
from albefkit.engine.files import write_json, write_text
from albefkit.engine.garbage import uncollected
from albefkit.engine.hearing import heard_warnings
from albefkit.engine.keeping import LogFile, MetricsFile, TensorBoard
from albefkit.engine.manifest import component_list, environment, load_reports
from albefkit.engine.precision import Precision, choose_precision
from albefkit.engine.readiness import make_ready
from albefkit.engine.records import Journal
from albefkit.engine.run_directory import RunDirectory, find_run, new_run_directory
from albefkit.engine.signals import Interruption
from albefkit.engine.stepping import NonFiniteLossError
from albefkit.engine.trainer import Trainer
from albefkit.evaluation.base import Result
from albefkit.feeding import LoaderSource, subject, train_loader, training_order
from albefkit.recipe.load import Recipe
from albefkit.refusals import require_answers
from albefkit.registry.errors import Interrupted, Problem, RecipeError
from albefkit.resuming import require_same_data, require_same_world, same_recipe


@dataclass(frozen=True)
class Options:
    """How to run, apart from what the recipe says.

    Args:
        out: the run's folder; None: one below `runs/`.
        resume: go on with the run in `out`, or with the newest one of the recipe.
        tensorboard: write events for TensorBoard too.
        device: where to compute; `auto` takes a GPU if there is one.
    """

    out: Path | None = None
    resume: bool = False
    tensorboard: bool = False
    device: DeviceName = "auto"


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Args:
        folder: where everything is.
        summary: what `summary.json` holds.
        results: what each evaluator found; empty on all ranks but the first.
    """

    folder: Path
    summary: dict[str, dict[str, float]]
    results: dict[str, Result]


def run(recipe: Recipe, options: Options, console: Console) -> Outcome:
    """Train and evaluate a recipe.

    Raises:
        AlbefkitError: of the kind that says whose mistake it is; `Interrupted` when stopped from
            outside after everything was saved.
    """
    world = launched_world()
    device = choose_device(options.device, world)
    keep_freed_memory()
    journal = Journal([make_display(console)] if world.leads else [])
    with process_group(world, device), heard_warnings(journal.warn):
        return _Run(recipe, options, world, device, journal).carry_out()


class _Run:
    """One run, from the folder to the summary."""

    def __init__(
        self,
        recipe: Recipe,
        options: Options,
        world: World,
        device: torch.device,
        journal: Journal,
    ) -> None:
        self.recipe = recipe
        self.options = options
        self.world = world
        self.device = device
        self.journal = journal

    def carry_out(self) -> Outcome:
        """Build, train, evaluate."""
        if self.options.tensorboard:
            TensorBoard.require()
        directory = find_run(self.options.out, self.recipe.name) if self.options.resume else None
        checkpoint = None
        if directory is not None:
            self.recipe = same_recipe(directory, self.recipe)
            checkpoint = Checkpoints(directory.checkpoints, 1).last()
        if checkpoint is not None:
            require_same_world(checkpoint, self.world)
        assembly = self._assemble(directory, checkpoint)
        precision = self._precision(checkpoint)
        if directory is not None:
            require_same_data(directory, assembly.dataset)
        elif self.world.leads:
            directory = self._begin(assembly, precision)
        if self.world.leads:
            assert directory is not None
            self._listen(directory)
        for part, owner in _loadable(assembly).items():
            report = getattr(owner, "load_report", None)
            if report is not None and report.pretrained:
                self.journal.note(f"{part}: {report.summary()}")
        trainer = self._trainer(assembly, precision, directory)
        if checkpoint is not None:
            trainer.resume(checkpoint)
        return self._finish(trainer, directory if self.world.leads else None)

    def _assemble(self, directory: RunDirectory | None, checkpoint: Checkpoint | None) -> Assembly:
        """The parts of the recipe on their device, as they will be trained there."""
        tokenizer = directory.tokenizer if directory and directory.tokenizer.is_file() else None
        with uncollected():
            assembly = assemble(self.recipe, tokenizer_file=tokenizer, inherit=checkpoint is None)
        require_answers(self.recipe, assembly.pretrainer.student, assembly.evaluators)
        train = self.recipe.settings.train
        make_ready(assembly.pretrainer, train, self.device)
        compile_layers(assembly.pretrainer, train.compile, self.device)
        return assembly

    def _precision(self, checkpoint: Checkpoint | None) -> Precision:
        """That of the checkpoint, so that a measurement cannot come out differently."""
        wanted = checkpoint.meta()["precision"] if checkpoint else None
        return choose_precision(wanted or self.recipe.settings.train.precision, self.device)

    def _begin(self, assembly: Assembly, precision: Precision) -> RunDirectory:
        """Make the folder and write down what is known before the first step."""
        recipe, seed = self.recipe, self.recipe.settings.train.seed
        directory = new_run_directory(self.options.out, recipe.name, recipe.hash, seed)
        write_text(directory.recipe, recipe.given)
        write_json(directory.manifest, manifest(assembly, precision, self.world))
        if assembly.tokenizer is not None:
            assembly.tokenizer.save(directory.tokenizer)
        if assembly.dataset.classes:
            write_json(directory.classes, assembly.dataset.classes)
        # Last: this file is what makes a folder a run.
        write_text(directory.resolved, recipe.to_yaml())
        return directory

    def _listen(self, directory: RunDirectory) -> None:
        self.journal.add(LogFile(directory.log))
        self.journal.add(MetricsFile(directory.metrics))
        if self.options.tensorboard:
            self.journal.add(TensorBoard(directory.events))
        self.journal.note(f"run: {directory.path}")

    def _trainer(
        self, assembly: Assembly, precision: Precision, directory: RunDirectory | None
    ) -> Trainer:
        settings = self.recipe.settings
        order = training_order(assembly, self.world)
        source = LoaderSource(train_loader(assembly, order, settings.train.workers))
        checkpoints = None
        if directory is not None and self.world.leads:
            checkpoints = Checkpoints(directory.checkpoints, settings.train.keep_checkpoints)
        trainer = Trainer(
            pretrainer=assembly.pretrainer,
            recipe=assembly.optimizer,
            source=source,
            settings=settings.train,
            precision=precision,
            world=self.world,
            journal=self.journal,
            checkpoints=checkpoints,
            examine=partial(examine, assembly, precision, self.journal),
            title=self.recipe.name,
            meta={
                "recipe": self.recipe.name,
                "hash": self.recipe.hash,
                "seed": settings.train.seed,
                "precision": precision.name,
                "processes": self.world.size,
            },
        )
        if settings.alignment is not None:
            span = settings.alignment.temperature_range
            trainer.adviser = Adviser(trainer.total_steps, span)
        return trainer

    def _finish(self, trainer: Trainer, directory: RunDirectory | None) -> Outcome:
        """Train, evaluate, and leave the folder in order whatever happens."""
        results: dict[str, Result] = {}
        try:
            if directory is not None:
                directory.status = "running"
            with Interruption(self.journal.warn) as interruption:
                trainer.train(interruption)
                with interruption.nothing_to_save():
                    results = trainer.evaluate(None)
        except BaseException as error:
            if directory is not None:
                _leave(directory, error)
                write_json(directory.summary, {"train": trainer.figures()})
            if isinstance(error, Interrupted):
                raise self._resumable(error, directory) from None
            if isinstance(error, torch.OutOfMemoryError):
                raise _too_big(error) from error
            raise
        finally:
            self.journal.end()
        summary = {name: result.metrics for name, result in results.items()}
        summary["train"] = trainer.figures()
        if directory is None:
            return Outcome(Path(), summary, {})
        for name, result in results.items():
            directory.save_result(name, vars(result))
        write_json(directory.summary, summary)
        directory.status = "done"
        return Outcome(directory.path, summary, results)

    def _resumable(self, error: Interrupted, directory: RunDirectory | None) -> Interrupted:
        """The same, with what to type to go on."""
        if directory is None:
            return error
        hint = f"go on with: albefkit run {shlex.quote(str(directory.path))} --resume"
        return Interrupted(
            Problem("", str(directory.path), str(error), f"everything is saved; {hint}")
        )


def examine(
    assembly: Assembly, precision: Precision, journal: Journal, split: SplitName | None
) -> Mapping[str, Result]:
    """Run every evaluator: on `split` if the dataset has it, else on the evaluator's own."""
    wanted = split if split in assembly.dataset.splits else None
    who = subject(assembly, precision, journal.progress)
    return {
        name: evaluator.evaluate(who, wanted) for name, evaluator in assembly.evaluators.items()
    }


def manifest(assembly: Assembly, precision: Precision, world: World) -> dict[str, Any]:
    """Everything one would have to know to run a recipe again."""
    recipe = assembly.recipe
    reports = load_reports(_loadable(assembly))
    return {
        "recipe": {"name": recipe.name, "source": str(recipe.source), "hash": recipe.hash},
        "command": shlex.join(sys.argv),
        "seed": recipe.settings.train.seed,
        **environment(precision, world),
        "components": component_list(recipe.components()),
        "data": {
            "type": recipe.settings.data.name,
            "train": assembly.dataset.split("train").fingerprint,
        },
        "pretrained": any(report["pretrained"] for report in reports.values()),
        "load_reports": reports,
    }


def _loadable(assembly: Assembly) -> dict[str, object | None]:
    """What may have started from weights, and then has a load report."""
    student = assembly.pretrainer.student
    parts = {"vision": student.vision, "text": student.text, "fusion": student.fusion}
    return {**parts, "init": assembly}


def _too_big(error: torch.OutOfMemoryError) -> RecipeError:
    hint = (
        "train.checkpoint_activations=true takes less, and so does a smaller train.batch_size, "
        "with train.accumulate to make up for it"
    )
    message = f"the GPU's memory is full: {str(error).splitlines()[0]}"
    return RecipeError(Problem("", "train.batch_size", message, hint))


def _leave(directory: RunDirectory, error: BaseException) -> None:
    stopped = isinstance(error, Interrupted | KeyboardInterrupt)
    directory.status = "interrupted" if stopped else "failed"
    if isinstance(error, NonFiniteLossError):
        write_json(directory.path / "not_finite.json", error.dump)
