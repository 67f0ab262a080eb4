"""Studies as an ablation might find them."""

from __future__ import annotations

import math
import random
from dataclasses import replace

from albefkit.ablation.effects import Effect
from albefkit.ablation.study import Curve, Expense, Row, Study

SEEDS = [42, 43, 44]
METRICS = {
    "retrieval.text_r1": -29.0,
    "retrieval.text_r5": 5.0,
    "retrieval.image_r1": -26.0,
    "retrieval.image_r5": 6.0,
    "retrieval.r_mean": 0.0,
    "retrieval.itc_text_r1": -42.0,
    "retrieval.itc_r_mean": -7.0,
}
HEADLINE = "retrieval.r_mean"


def effect(difference: float, half: float, p: float, seeds: int = 3) -> Effect:
    return Effect(difference, difference - half, difference + half, p / 2, p, seeds, 500)


def row(
    name: str,
    group: str = "",
    level: float = 83.0,
    reference: str | None = None,
    found: Effect | None = None,
    seeds: list[int] = SEEDS,
    minutes: float = 4.1,
    changes: tuple[str, ...] = (),
) -> Row:
    draws = random.Random(f"{name}{group}")
    metrics = {
        metric: {seed: level + offset + draws.uniform(-0.8, 0.8) for seed in seeds}
        for metric, offset in METRICS.items()
    }
    return Row(
        name,
        group,
        reference,
        list(changes),
        f"model:\n  name: {name}\n",
        Expense(3_860_000, 2_190_000, 3.64e8 * minutes / 4, 1500, 1460 / minutes, minutes, 1 << 30),
        metrics,
        {"retrieval.r_mean": 1.06, "retrieval.text_r1": 0.2},
        {HEADLINE: found, "retrieval.text_r1": found} if found else {},
        curves(draws, level, seeds),
    )


def curves(draws: random.Random, level: float, seeds: list[int]) -> list[Curve]:
    steps = list(range(10, 1501, 10))

    def values(start: float, end: float, noise: float) -> dict[int, list[float]]:
        return {
            seed: [
                end + (start - end) * math.exp(-step / 300) + draws.uniform(-noise, noise)
                for step in steps
            ]
            for seed in seeds
        }

    return [
        Curve("loss/itc", steps, values(3.7, 2.0 - level / 100, 0.1), 3.4657),
        Curve("loss/itm", steps, values(0.66, 0.35, 0.02), 0.6365),
        Curve("loss/mlm", steps, values(6.9, 1.8, 0.1), 6.85),
        Curve("bound/itc", steps, values(0.0, 2.2, 0.1)),
        Curve("itm.accuracy", steps, values(0.66, 0.9, 0.01)),
        Curve(HEADLINE, [500, 1000, 1500], {s: [level - 20, level - 4, level] for s in seeds}),
        Curve("retrieval.text_r5", [1500], {s: [level] for s in seeds}),
    ]


def failed(name: str, group: str, reason: str, seeds: list[int] = SEEDS) -> Row:
    expense = Expense(0, 0, 0.0, 0)
    return Row(name, group, "full", [], "{}\n", expense, failures=dict.fromkeys(seeds, reason))


def study(rows: list[Row], seeds: list[int] = SEEDS, sweep: str | None = None) -> Study:
    return Study(
        title="albef_tiny",
        command="albefkit ablate --drop mod --drop hard-negatives --seeds 3",
        machine="AMD EPYC, 2 threads, bf16",
        code="1a2b3c4d",
        seeds=seeds,
        budget="steps",
        headline=HEADLINE if any(each.metrics for each in rows) else "",
        sweep=sweep,
        rows=rows,
    )


def swept() -> Study:
    """Two groups of three rows of three seeds, one seed of one row missing."""
    rows = []
    for noise, gain, p in (("0", 0.4, 0.62), ("0.4", 3.1, 0.004)):
        group, level = f"data.noise: {noise}", 90 - 30 * float(noise)
        gone = ("objectives.mod: gone, was {alpha: {type: ramp, to: 0.4, epochs: 1}}",)
        random_ones = ("objectives.itm.negatives: hard -> random",)
        without = effect(-gain, 1.3, p)
        easy = effect(-1.9, 2.6, 0.21)
        rows += [
            row("full", group, level),
            row("no mod", group, level - gain, "full", without, minutes=2.9, changes=gone),
            row("no hard-negatives", group, level - 1.9, "full", easy, changes=random_ones),
        ]
    lost = 'Traceback (most recent call last):\n  File "a.py", line 1\nValueError: loss is nan'
    rows[-1] = replace(
        rows[-1],
        failures={44: lost},
        metrics={
            name: {s: v for s, v in each.items() if s != 44}
            for name, each in rows[-1].metrics.items()
        },
    )
    return study(rows, sweep="data.noise")


def hostile() -> Study:
    """Names that mean something to HTML, Markdown, LaTeX, CSV, rich and matplotlib."""
    names = [
        "a|b",
        "<script>alert(1)</script>",
        "50%_x $y$ ^~\\",
        "[red]\"q\", 'r'[/red]",
        "_\u0007名",
    ]
    rows = [row("full & co")]
    rows += [
        row(name, "", 82.0, "full & co", effect(-1.0, 2.0, 0.5), changes=(f"{name}: 1 -> 2",))
        for name in names
    ]
    rows.append(failed("{x}", "", "</pre><img src=x onerror=alert(1)> | broken\nsecond line"))
    return study(rows)


def one_seed() -> Study:
    found = effect(-2.5, 1.0, 0.001, seeds=1)
    return study(
        [row("full", seeds=[42]), row("no mod", "", 80.5, "full", found, seeds=[42])], seeds=[42]
    )


def without_effects() -> Study:
    return study([row("full"), row("fusion: joint", "", 71.0, "full")])


def unfinished() -> Study:
    return study(
        [
            replace(failed("full", "", "not begun"), reference=None),
            failed("no mod", "", "alignment: nothing to align", seeds=[-1]),
        ]
    )


def stepwise() -> Study:
    """A ladder: each row is compared with the one before it."""
    return study(
        [
            row("one", "", 70.0),
            row("two", "", 75.0, "one", effect(5.0, 1.0, 0.001)),
            row("three", "", 75.2, "two", effect(0.2, 0.9, 0.8)),
        ]
    )


ALL = {
    "swept": swept,
    "hostile": hostile,
    "one_seed": one_seed,
    "without_effects": without_effects,
    "unfinished": unfinished,
    "stepwise": stepwise,
}
