"""Which figures of a study are told first, and what they are called."""

from __future__ import annotations

from collections.abc import Sequence

from albefkit.ablation.study import Study

MORE = 3
"""Metrics beside the headline, at most."""

OF_ONE_EVALUATOR = 2
"""As many of the headline's evaluator before the others have their say."""


def telling_metrics(study: Study) -> list[str]:
    """The headline metric, and up to three more that tell most beside it.

    An evaluator compares some of its metrics item by item and leaves others alone: the first are
    what it finds worth telling (all of them, where nothing was compared). A metric at several
    cutoffs (`text_r1`, `text_r5`) is told at the first. One whose name is another's with something
    in front (`itc_text_r1`) is a stage or a variant of that, and told only where there is room.
    Two of the headline's evaluator come first, then one of each other evaluator.
    """
    if not study.headline:
        return []
    names = _one_cutoff(_worth_telling(study))
    stages = [name for name in names if _is_stage(name, names)]
    plain = [name for name in names if name not in stages]
    own = evaluator_of(study.headline)
    ours = [name for name in plain[1:] if evaluator_of(name) == own]
    ours += [name for name in stages if evaluator_of(name) == own][: OF_ONE_EVALUATOR - len(ours)]
    firsts = {evaluator_of(name): name for name in reversed(plain)}
    others = [name for name in firsts.values() if evaluator_of(name) != own]
    others.sort(key=plain.index)
    ranked = [*ours[:OF_ONE_EVALUATOR], *others, *ours[OF_ONE_EVALUATOR:]]
    return [study.headline, *ranked[:MORE]]


def all_metrics(study: Study) -> list[str]:
    """Every metric that some row has, the headline first."""
    found = dict.fromkeys(name for row in study.rows for name in row.metrics)
    return sorted(found, key=lambda name: name != study.headline)


def short_names(study: Study) -> dict[str, str]:
    """What metrics are called: without their evaluator where there is only one."""
    names = [*all_metrics(study), study.headline]
    if len({evaluator_of(name) for name in names}) > 1:
        return {name: name for name in names}
    return {name: name.partition(".")[2] or name for name in names}


def decimals_of(study: Study, metric: str) -> int:
    """How many decimals a metric is written with: one for percent, three for shares."""
    values = [abs(value) for row in study.rows for value in row.metrics.get(metric, {}).values()]
    return 1 if max(values, default=100.0) > 1.5 else 3


def evaluator_of(metric: str) -> str:
    """Who found it."""
    return metric.partition(".")[0]


def _worth_telling(study: Study) -> list[str]:
    """The headline first, whether it was compared or not."""
    compared = {name for row in study.rows for name in row.effects}
    known = [name for name in all_metrics(study) if not compared or name in compared]
    return list(dict.fromkeys([study.headline, *known]))


def _one_cutoff(names: Sequence[str]) -> list[str]:
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name.rstrip("0123456789"), name)
    return list(found.values())


def _is_stage(name: str, names: Sequence[str]) -> bool:
    evaluator, _, metric = name.partition(".")
    others = (each.partition(".")[2] for each in names if evaluator_of(each) == evaluator)
    return any(metric.endswith(f"_{other}") for other in others)
