# ruff: noqa: RUF001 - minus signs and dashes are what is tested
"""Every writer's output is read back."""

import csv
import io
import re
import statistics
from dataclasses import replace

import pytest
from rich.console import Console

from albefkit.report.csv_table import to_csv
from albefkit.report.latex import to_latex
from albefkit.report.markdown import to_markdown
from albefkit.report.rich_table import to_rich
from albefkit.report.table import study_table
from albefkit.report.telling import telling_metrics
from albefkit.report.wording import finding
from tests.report.made_up import (
    ALL,
    HEADLINE,
    failed,
    hostile,
    one_seed,
    stepwise,
    study,
    swept,
    unfinished,
    without_effects,
)


def column(table, heading, section=0):
    at = [each.heading for each in table.columns].index(heading)
    return [line.cells[at] for line in table.sections[section].lines]


def printed(table, width):
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(to_rich(table))
    return console.export_text()


def test_quality_uncertainty_and_cost_stand_side_by_side():
    made = swept()
    table = study_table(made)
    values = made.rows[0].metrics[HEADLINE].values()
    spread = f"{statistics.fmean(values):.1f} ± {statistics.stdev(values):.1f}"
    assert column(table, "r_mean")[0] == spread
    assert column(table, "Δ r_mean") == ["–", "−0.4", "−1.9"]
    assert column(table, "95 % interval", section=1)[1] == "−4.4 to −1.8"
    assert column(table, "p (Holm)", section=1)[1] == "0.004"
    assert column(table, "verdict", section=1) == ["–", "clear", "inside the noise"]
    assert column(table, "parameters")[0] == "3.86 M"
    assert column(table, "FLOPs per sample")[0] == "373 M"
    assert column(table, "samples/s")[0] == "356"
    assert column(table, "peak memory")[0] == "1 GiB"
    assert column(table, "minutes") == ["4.1", "2.9", "4.1"]
    assert column(table, "steps") == ["1500"] * 3
    assert [line.mark for line in table.sections[1].lines] == ["plain", "clear", "unclear"]
    assert [section.title for section in table.sections] == ["data.noise: 0", "data.noise: 0.4"]


def test_what_tells_most_is_chosen_by_rule():
    """The first cutoff of each kind, no other stage, as long as nothing was compared."""
    names = [f"retrieval.{name}" for name in ("r_mean", "text_r1", "image_r1")]
    assert telling_metrics(without_effects())[:3] == names
    other = {"answers.accuracy": {42: 50.0}, "answers.accuracy_yes": {42: 50.0}}
    rows = [replace(row, metrics={**row.metrics, **other}) for row in without_effects().rows]
    assert telling_metrics(study(rows)) == [*names, "answers.accuracy"]


def test_one_seed_has_no_spread_and_says_so():
    table = study_table(one_seed())
    assert not any("±" in cell for cell in column(table, "r_mean"))
    assert column(table, "verdict")[1] == "clear for this seed"
    assert any("one seed" in note for note in table.notes)


def test_without_effects_figures_are_shown_all_the_same():
    table = study_table(without_effects())
    assert column(table, "verdict") == ["–", "–"]
    assert "±" in column(table, "r_mean")[1]


def test_failed_seeds_are_told_in_their_row():
    table = study_table(swept())
    assert column(table, "failed", section=1) == ["–", "–", "1 of 3 seeds: ValueError: loss is nan"]
    assert column(study_table(unfinished()), "failed") == [
        "3 of 3 seeds: not begun",
        "3 of 3 seeds: alignment: nothing to align",
    ]
    assert column(study_table(unfinished()), "parameters") == ["–", "–"]


def test_a_ladder_names_what_each_row_is_compared_with():
    assert column(study_table(stepwise()), "against") == ["–", "one", "two"]


@pytest.mark.parametrize(
    ("make", "row", "said"),
    [
        (
            swept,
            1,
            "r_mean changes by −0.4 points (95 % −1.7 to +0.9): inside the noise of 3 seeds",
        ),
        (swept, 4, "(95 % −4.4 to −1.8): clear of the noise of 3 seeds (p 0.004)"),
        (one_seed, 1, "clear of the noise of 500 test items (p 0.001), with one seed only"),
        (unfinished, 1, "3 of 3 seeds: alignment: nothing to align"),
        (without_effects, 1, "From full to fusion: joint"),
    ],
)
def test_a_row_is_told_in_a_sentence(make, row, said):
    assert said in finding(make().rows[row], make())


def test_a_run_that_fails_without_a_word_is_told_all_the_same():
    made = study([failed("no itm", "", "\n ", seeds=[42])])
    assert column(study_table(made), "failed") == ["1 of 3 seeds: it did not say why"]


@pytest.mark.parametrize("width", [80, 110, 240])
def test_a_terminal_shows_one_table_or_several_as_it_has_room_and_loses_nothing(width):
    table = study_table(swept())
    text = printed(table, width)
    assert max(map(len, text.splitlines())) <= width
    assert (text.count("┏") == 1) == (width == 240)
    for heading in table.headings:
        assert all(word in text for word in heading.split())
    for section in table.sections:
        assert section.title in text
        for line in section.lines:
            assert all(cell in text for cell in line.cells[:-1])
    assert "no hard-negatives, data.noise: 0.4: failed in 1 of 3 seeds: ValueError" in text


def test_what_is_in_brackets_is_no_style():
    assert "[red]\"q\", 'r'[/red]" in printed(study_table(hostile()), 400)


def test_markdown_keeps_its_columns_whatever_names_hold():
    table = study_table(hostile())
    text = to_markdown(table)
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(table.sections[0].lines)
    counts = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
    assert counts == {len(table.columns) + 1}
    assert "<script>" not in text
    assert r"a\|b" in text and r"50%\_x \$y\$ ^\~\\" in text


def test_csv_has_plain_numbers_and_everything():
    made = swept()
    lines = list(csv.DictReader(io.StringIO(to_csv(made))))
    assert len(lines) == sum(len(row.metrics) for row in made.rows)
    [line] = [
        line
        for line in lines
        if (line["variant"], line["group"]) == ("no hard-negatives", "data.noise: 0.4")
        and line["metric"] == HEADLINE
    ]
    values = made.rows[-1].metrics[HEADLINE].values()
    assert float(line["mean"]) == pytest.approx(statistics.fmean(values))
    assert float(line["sd"]) == pytest.approx(statistics.stdev(values))
    assert (line["seeds"], line["seeds_failed"], line["reference"]) == ("2", "1", "full")
    assert float(line["effect_difference"]) == pytest.approx(-1.9)
    assert line["effect_clear"] == "False"
    assert float(line["memory"]) == 1 << 30
    assert line["failures"].splitlines()[-1] == "ValueError: loss is nan"


def test_csv_brings_back_every_name():
    made = hostile()
    lines = list(csv.DictReader(io.StringIO(to_csv(made))))
    assert list(dict.fromkeys(line["variant"] for line in lines)) == [row.name for row in made.rows]
    assert (lines[-1]["metric"], lines[-1]["parameters"]) == ("", "")


def test_latex_is_balanced_and_has_as_many_cells_in_every_row():
    table = study_table(hostile())
    text = to_latex(table)
    bare = re.sub(r"\\[&%$#_{}]", "", text)  # escaped ones stand for themselves
    assert bare.count("{") == bare.count("}")
    assert bare.count("$") % 2 == 0
    begun, ended = (re.findall(rf"\\{word}{{(\w+)}}", text) for word in ("begin", "end"))
    assert sorted(begun) == sorted(ended)
    rows = [line for line in bare.splitlines() if re.search(r"&.*\\\\$", line)]
    assert len(rows) >= len(table.sections[0].lines) + 1
    plain = [row for row in rows if "multicolumn" not in row]
    assert {row.count("&") for row in plain} == {len(table.columns) - 1}
    assert r"50\%\_x \$y\$ \textasciicircum{}\textasciitilde{}\textbackslash{}" in text
    assert r"\textless{}script\textgreater{}" in text and r"a\textbar{}b" in text


@pytest.mark.parametrize("make", ALL.values(), ids=ALL)
@pytest.mark.parametrize(
    "write", [to_markdown, to_latex, lambda table: printed(table, 100)], ids=["md", "tex", "rich"]
)
def test_whatever_was_found_is_written(make, write):
    made = make()
    text = write(study_table(made))
    assert "Ablation of albef" in text
    assert made.rows[0].name.split()[0] in text


def test_a_wall_of_reasons_is_cut_short():
    made = study([*without_effects().rows, failed("no itc", "", "word " * 500)])
    assert len(column(study_table(made), "failed")[-1]) < 200
