"""The sections of a recipe.

A field here is a key there: the type is what it takes, the docstring what it means. Everything
else a recipe says belongs to components, whose constructors are their grammar.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from albefkit.recipe.shapes import (
    ComponentShape,
    Named,
    NamedShape,
    OfKind,
    OptionalShape,
    SectionShape,
    Shape,
)
from albefkit.recipe.signature import section_parameters
from albefkit.recipe.spec import ComponentSpec
from albefkit.registry import default

Vision = Annotated[ComponentSpec, OfKind("vision")]
Text = Annotated[ComponentSpec, OfKind("text")]
Fusion = Annotated[ComponentSpec, OfKind("fusion")]
Keys = Annotated[ComponentSpec, OfKind("keys")]
Teacher = Annotated[ComponentSpec, OfKind("teacher")]
Dataset = Annotated[ComponentSpec, OfKind("dataset")]
Optimizer = Annotated[ComponentSpec, OfKind("optimizer")]

Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(gt=0, le=1)]
AboveZero = Annotated[float, Field(gt=0)]


@dataclass(frozen=True, kw_only=True)
class ModelSection:
    """The parts of the network.

    Args:
        vision: reads images.
        text: reads words.
        fusion: lets the words of a pair look at its image.
    """

    vision: Vision | None = None
    text: Text | None = None
    fusion: Fusion | None = None


@dataclass(frozen=True, kw_only=True)
class AlignmentSection:
    """The space that images and texts share before they are fused.

    Args:
        width: size of a feature in the shared space.
        temperature: what similarities are divided by, at the start; it is learned.
        temperature_range: where the temperature is kept; null lets it go anywhere.
        keys: what a pair is told apart from.
    """

    width: Positive = 256
    temperature: AboveZero = 0.07
    temperature_range: tuple[AboveZero, AboveZero] | None = (0.001, 0.5)
    keys: Keys = default("in-batch")


@dataclass(frozen=True, kw_only=True)
class ObjectiveLine:
    """One objective and how much it counts.

    Args:
        component: the objective.
        weight: factor of its loss in the sum.
    """

    component: ComponentSpec
    weight: Annotated[float, Field(ge=0)] = 1.0


@dataclass(frozen=True, kw_only=True)
class RandAugmentSection:
    """Random changes of colour and shape.

    Args:
        operations: how many are made of each image.
        level: how strong they are, 0 to 10.
        overflow: what becomes of values beyond 0..255: `clip`, or `wrap` round as in the released
            code, whose contrast turns most photographs white.
    """

    operations: Count = 2
    level: Annotated[int, Field(ge=0, le=10)] = 7
    overflow: Literal["clip", "wrap"] = "clip"


@dataclass(frozen=True, kw_only=True)
class AugmentSection:
    """How training images are varied.

    Args:
        crop_scale: smallest and largest share of the image's area that a crop keeps; `auto`: as
            little as leaves the data's texts true.
        flip: mirror images: `always` (half of them), `unless-sided` (where the caption says left or
            right, the words change sides too), `never`.
        randaugment: changes of colour and shape; null leaves them out.
    """

    crop_scale: tuple[Share, Share] | Literal["auto"] = (0.2, 1.0)
    flip: Literal["always", "unless-sided", "never"] = "unless-sided"
    randaugment: RandAugmentSection | None = None


@dataclass(frozen=True, kw_only=True)
class TrainSection:
    """How long, how many at a time, how exactly.

    Args:
        epochs: passes over the training split.
        steps: optimizer steps, however many passes they make; null: so many as `epochs` says.
        max_steps: stop after so many optimizer steps even if more are planned; null: do not.
        batch_size: pairs in a batch, on each device.
        length_buckets: texts of like length share a batch, so that there is less padding: so many
            batches of the shuffled data at a time are sorted by length; 1 sorts nothing.
        accumulate: batches per optimizer step.
        checkpoint_activations: keep only what goes into each layer and compute the rest again on
            the way back: less memory, about a third more time, the same numbers.
        update_early: move weights on the way back, as soon as their gradients are there, and forget
            these: less memory, the same numbers; not with `accumulate`, `clip_norm`, fp16 or
            several processes.
        compile: translate repeated layers into machine code of their own at the first step, which
            takes minutes; dropout then falls elsewhere: true, false, or `auto`: on a GPU.
        precision: numbers in the network: `auto` takes the fastest that is safe here.
        seed: what every random choice depends on.
        workers: processes that read data; `auto` looks at the machine.
        log_every: optimizer steps between lines of metrics.
        keep_checkpoints: how many of the last checkpoints to keep; the best is kept besides.
        evaluate_every: epochs between evaluations; null: at the end only.
        clip_norm: longest gradient; null: no limit.
    """

    epochs: Positive = 30
    steps: Positive | None = None
    max_steps: Positive | None = None
    batch_size: Positive = 64
    length_buckets: Positive = 1
    accumulate: Positive = 1
    checkpoint_activations: bool = False
    update_early: bool = False
    compile: Literal["auto"] | bool = False
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    seed: Count = 42
    workers: Count | Literal["auto"] = "auto"
    log_every: Positive = 10
    keep_checkpoints: Positive = 2
    evaluate_every: Positive | None = None
    clip_norm: AboveZero | None = None


@dataclass(frozen=True, kw_only=True)
class RecipeSettings:
    """A whole recipe.

    Args:
        model: the parts of the network.
        alignment: the space that images and texts share; null where no objective needs one.
        teacher: a second network whose answers temper what the data say; built if somebody asks it.
        objectives: what is learned: name -> objective; the name is the default type.
        data: images with their texts.
        augment: how training images are varied.
        optimizer: how the weights are moved.
        train: how long, how many at a time, how exactly.
        evaluate: what is measured: name -> evaluator; the name is the default type.
        init: what the weights start from: a run's folder, or a file in the released format; null:
            what the parts start from by themselves.
    """

    model: ModelSection
    alignment: AlignmentSection | None = None
    teacher: Teacher | None = None
    objectives: Annotated[Mapping[str, ObjectiveLine], Named("objective")]
    data: Dataset
    augment: AugmentSection = AugmentSection()
    optimizer: Optimizer = default("adamw")
    train: TrainSection = TrainSection()
    evaluate: Annotated[Mapping[str, ComponentSpec], Named("evaluator")] = default({})
    init: str | None = None


def default_type(path: tuple[str, ...]) -> str | None:
    """The type of the component at `path` where a recipe does not say one, if the grammar does."""
    shape: Shape = SectionShape(RecipeSettings)
    fallback: object = None
    for key in path:
        if isinstance(shape, SectionShape) and key in section_parameters(shape.section):
            parameter = section_parameters(shape.section)[key]
            shape, fallback = parameter.shape, parameter.plain_default
        elif isinstance(shape, NamedShape):
            shape, fallback = ComponentShape(shape.kind), key
        else:
            return None
        if isinstance(shape, OptionalShape):
            shape = shape.inner
    return fallback if isinstance(shape, ComponentShape) and isinstance(fallback, str) else None


def is_named(path: tuple[str, ...]) -> bool:
    """Whether the keys at `path` are names of components, which null removes."""
    shape = section_parameters(RecipeSettings).get(path[0]) if len(path) == 1 else None
    return shape is not None and isinstance(shape.shape, NamedShape)
