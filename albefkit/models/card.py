"""The card of a model: what it is, how well it does, where it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from albefkit import __version__
from albefkit.models.abilities import Ability
from albefkit.models.stored import Stored
from albefkit.recipe.dump import to_yaml

FRONT = """---
library_name: albefkit
tags:
{tags}
---
"""
USES: dict[Ability, str] = {
    "similarity": 'model.similarity(["photo.jpg"], ["a dog on a beach", "a red car"])',
    "match": 'model.match("photo.jpg", ["a dog on a beach", "a red car"])',
    "classify": 'model.classify("photo.jpg", "a dog on a beach")',
    "answer": 'model.answer("photo.jpg", "what is on the beach?")',
    "ground": 'model.ground("photo.jpg", "a dog on a beach")',
}
TRAINING = "train"
"""What a summary has of training itself, beside evaluators."""


def card(stored: Stored, abilities: Sequence[Ability]) -> str:
    """A model card in Markdown, with the front matter that the hub reads.

    Args:
        stored: the model.
        abilities: what it can be asked.
    """
    recipe = stored.recipe
    tags = "\n".join(f"- {tag}" for tag in ("albef", "vision-language", *abilities))
    parts = [
        FRONT.format(tags=tags),
        f"# {recipe.name}\n",
        "A vision-language model in the manner of [ALBEF](https://arxiv.org/abs/2107.07651), "
        f"trained with albefkit {__version__} by the recipe below.\n",
        _use(stored, abilities),
        _metrics(stored),
        _provenance(stored),
        f"## Recipe\n\n```yaml\n{to_yaml(recipe.resolved)}```\n",
    ]
    return "\n".join(parts)


def _use(stored: Stored, abilities: Sequence[Ability]) -> str:
    images = stored.recipe.settings.model.fusion
    several = images is not None and images.params.get("images", 1) > 1
    lines = ["import albefkit", "", 'model = albefkit.from_pretrained("path or owner/name")']
    lines += [
        USES[each].replace('"photo.jpg"', '("left.jpg", "right.jpg")') if several else USES[each]
        for each in abilities
    ]
    code = "\n".join(lines)
    return f"## Use\n\n```python\n{code}\n```\n"


def _metrics(stored: Stored) -> str:
    steps = stored.metrics.get(TRAINING, {}).get("steps")
    rows = [
        f"| {name} | {metric} | {value:.2f} |"
        for name, figures in stored.metrics.items()
        if name != TRAINING
        for metric, value in figures.items()
    ]
    if not rows:
        return "## Figures\n\nNone were measured.\n"
    when = "" if steps is None else f" after step {steps:.0f}"
    mine = "" if stored.step is None else f" These weights are those of step {stored.step}."
    table = "\n".join(["| evaluator | figure | value |", "|---|---|---|", *rows])
    return f"## Figures\n\nMeasured at the end of the run{when}.{mine}\n\n{table}\n"


def _provenance(stored: Stored) -> str:
    rows = [f"| recipe | {stored.recipe.name}, hash {stored.recipe.hash} |"]
    if stored.recipe.settings.init is not None:
        rows.append(f"| started from | {stored.recipe.settings.init} |")
    for name, value in stored.provenance.items():
        words = _providers(value) if name == "components" else _in_words(value)
        rows.append(f"| {name} | {words} |")
    table = "\n".join(["| | |", "|---|---|", *rows])
    return f"## Provenance\n\n{table}\n"


def _providers(components: Sequence[Mapping[str, str]]) -> str:
    """Whose the components are, each distribution once."""
    return ", ".join(sorted({f"{each['distribution']} {each['version']}" for each in components}))


def _in_words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {each}" for name, each in value.items() if each is not None)
    return "unknown" if value is None else str(value)
