"""What a page shows of a study beside its table and its figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from albefkit.ablation.study import Row, Study
from albefkit.report.table import Mark
from albefkit.report.telling import all_metrics, decimals_of, short_names
from albefkit.report.wording import (
    NONE,
    finding,
    interval,
    mean_and_spread,
    number,
    signed,
    verdict,
)


@dataclass(frozen=True)
class Sentence:
    """A finding.

    Args:
        text: the sentence.
        verdict: the same in two words.
        mark: how it is shown.
    """

    text: str
    verdict: str
    mark: Mark


@dataclass(frozen=True)
class Edit:
    """What a row changes.

    Args:
        name: of the row.
        groups: where, if it does not change the same everywhere.
        changes: from the first row of its group.
    """

    name: str
    groups: str
    changes: list[str]


@dataclass(frozen=True)
class Failure:
    """Runs without figures.

    Args:
        who: the row, and its seeds.
        reason: all that is known.
    """

    who: str
    reason: str


@dataclass(frozen=True)
class MetricCell:
    """One metric of one row.

    Args:
        figure: mean and spread.
        difference: to its reference, with interval; empty where there is none.
        mark: whether that stands out of the noise.
    """

    figure: str
    difference: str
    mark: Mark


@dataclass(frozen=True)
class MetricLine:
    """One metric.

    Args:
        metric: its name.
        cells: one for each row of the group.
        chance: what guessing gives.
    """

    metric: str
    cells: list[MetricCell]
    chance: str


@dataclass(frozen=True)
class Sheet:
    """All metrics of one group.

    Args:
        names: of its rows that have any.
        lines: one for each metric.
    """

    names: list[str]
    lines: list[MetricLine]


def findings(study: Study) -> dict[str, list[Sentence]]:
    """Each comparison in a sentence, group by group; of a first row only that it failed."""
    found: dict[str, list[Sentence]] = {}
    for row in study.rows:
        if row.reference is not None or not row.metrics:
            found.setdefault(row.group, []).append(_sentence(row, study))
    return found


def sheets(study: Study) -> dict[str, Sheet]:
    """Every metric of every row, group by group."""
    groups = dict.fromkeys(row.group for row in study.rows if row.metrics)
    found = {}
    for group in groups:
        rows = [row for row in study.rows if row.group == group and row.metrics]
        names = [name for name in all_metrics(study) if any(name in row.metrics for row in rows)]
        lines = [_metric_line(name, rows, study) for name in names]
        found[group] = Sheet([row.name for row in rows], lines)
    return found


def failures(study: Study) -> list[Failure]:
    """Why runs have no figures, each reason once for a row."""
    found = []
    for row in study.rows:
        for reason in dict.fromkeys(row.failures.values()):
            seeds = [seed for seed, why in row.failures.items() if why == reason]
            known = ", ".join(str(seed) for seed in seeds if seed in study.seeds)
            who = ", ".join(part for part in (row.name, row.group) if part)
            found.append(Failure(f"{who}, seed {known}" if known else who, reason))
    return found


def edits(study: Study) -> list[Edit]:
    """What each row changes, once where that is the same in all groups."""
    where: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for row in study.rows:
        where.setdefault((row.name, tuple(row.changes)), []).append(row.group)
    names = [name for name, _ in where]
    return [
        Edit(name, ", ".join(groups) if names.count(name) > 1 else "", list(changes))
        for (name, changes), groups in where.items()
    ]


def how_it_was_made(study: Study) -> dict[str, str]:
    """What somebody needs who wants to make it again."""
    return {
        "command": study.command,
        "recipe": study.title,
        "seeds": ", ".join(map(str, study.seeds)),
        "budget": study.budget,
        **({"sweep": study.sweep} if study.sweep else {}),
        "machine": study.machine,
        "code": study.code,
    }


def _sentence(row: Row, study: Study) -> Sentence:
    effect = row.effects.get(study.headline)
    if effect is not None:
        mark: Mark = "clear" if effect.clear else "unclear"
        return Sentence(finding(row, study), verdict(effect), mark)
    if row.metrics:
        return Sentence(finding(row, study), "no comparison", "plain")
    return Sentence(finding(row, study), "failed", "failed")


def _metric_line(metric: str, rows: Sequence[Row], study: Study) -> MetricLine:
    decimals = decimals_of(study, metric)
    floors = [row.chance[metric] for row in rows if metric in row.chance]
    return MetricLine(
        short_names(study)[metric],
        [_metric_cell(metric, row, decimals) for row in rows],
        number(floors[0], decimals) if floors else NONE,
    )


def _metric_cell(metric: str, row: Row, decimals: int) -> MetricCell:
    figure = mean_and_spread(row.metrics.get(metric, {}).values(), decimals)
    effect = row.effects.get(metric)
    if effect is None:
        return MetricCell(figure, "", "plain")
    difference = f"{signed(effect.difference, decimals)} ({interval(effect, decimals)})"
    return MetricCell(figure, difference, "clear" if effect.clear else "unclear")
