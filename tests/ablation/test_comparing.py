"""Comparing runs that were asked the same, and refusing those that were not."""

import json

import numpy as np
import pytest

from albefkit.ablation.comparing import compare
from albefkit.ablation.statistics import effects_of
from albefkit.registry.errors import DataError, RecipeError
from tests.ablation.kept_runs import NAMES, keep_run

ONE = {"r1": [0.0, 100.0, 0.0, 100.0], "r5": [0.0, 100.0, 100.0, 100.0]}
OTHER = {"r1": [100.0, 100.0, 0.0, 100.0], "r5": [100.0, 100.0, 100.0, 100.0]}


def test_two_runs_are_compared_item_by_item(tmp_path):
    a, b = keep_run(tmp_path / "a", ONE), keep_run(tmp_path / "b", OTHER)
    found = compare(a, b)
    assert (found.seeds, found.changes) == ([42], [])
    expected = effects_of(
        {f"retrieval.{name}": (np.array([OTHER[name]]), np.array([ONE[name]])) for name in ONE},
        seed=0,
    )
    assert {figure.name: figure.effect for figure in found.figures} == expected
    first = found.figures[0]
    assert (first.first, first.second, first.effect.difference) == (50.0, 75.0, 25.0)
    assert first.verdict == "inside the noise"
    assert any(note.startswith("one seed") for note in found.notes)


def test_items_are_paired_by_what_they_are_called(tmp_path):
    a = keep_run(tmp_path / "a", ONE)
    backwards = {name: figures[::-1] for name, figures in OTHER.items()}
    b = keep_run(tmp_path / "b", OTHER)
    c = keep_run(tmp_path / "c", backwards, names=NAMES[::-1])
    assert compare(a, c).figures == compare(a, b).figures
    assert compare(b, c).figures[0].effect.low == compare(b, c).figures[0].effect.high == 0.0


def test_seeds_are_matched(tmp_path):
    for seed in (42, 43, 44):
        keep_run(tmp_path / "a" / f"run-{seed}", ONE, seed=seed)
    for seed, figures in ((44, ONE), (43, OTHER)):
        keep_run(tmp_path / "b" / str(seed), figures, seed=seed)
    keep_run(tmp_path / "b" / "stopped", OTHER, seed=42, done=False)
    found = compare(tmp_path / "a", tmp_path / "b")
    assert found.seeds == [43, 44]
    assert (found.figures[0].effect.seeds, found.figures[0].effect.items) == (2, 4)
    assert found.figures[0].second == 62.5
    (note,) = found.notes
    assert "stopped" in note and "run-42" in note and "run-43" not in note


def test_a_clear_difference_is_called_so(tmp_path):
    names = [str(number) for number in range(200)]
    rng = np.random.default_rng(0)
    low, high = (rng.normal(mean, 1.0, 200).tolist() for mean in (50.0, 60.0))
    a = keep_run(tmp_path / "a", {"r1": low}, names=names)
    b = keep_run(tmp_path / "b", {"r1": high}, names=names)
    assert [each.verdict for each in compare(a, b).figures] == ["higher"]
    assert [each.verdict for each in compare(b, a).figures] == ["lower"]


def test_what_the_recipes_say_differently_is_said(tmp_path):
    objectives = {"objectives": {"itc": {"type": "itc"}, "mod": {"type": "mod"}}}
    a = keep_run(tmp_path / "a", ONE, recipe=objectives | {"data": {"noise": 0.3}})
    b = keep_run(tmp_path / "b", OTHER, seed=43, recipe={"data": {"noise": 0.0}})
    found = compare(a, b)
    assert [each.brief for each in found.changes] == [
        "objectives.mod: gone",
        "data.noise: 0.3 -> 0.0",
    ]
    assert "the seeds differ: 42 and 43" in found.notes
    assert any("data differ: data.noise" in note for note in found.notes)


def test_evaluators_that_only_one_has_are_left_out(tmp_path):
    a, b = keep_run(tmp_path / "a", ONE), keep_run(tmp_path / "b", OTHER)
    keep_run(b, {"accuracy": [0.0] * 4}, evaluator="vqa")
    found = compare(a, b)
    assert {figure.name for figure in found.figures} == {"retrieval.r1", "retrieval.r5"}
    assert f"vqa: no figures item by item in {a}" in found.notes


@pytest.mark.parametrize(
    ("different", "message"),
    [
        ({"names": [*NAMES[:3], "scene 9"]}, r"4 items here and 4 in .*; 3 are the same"),
        ({"names": ["scene 0"] * 4}, "1 are the same"),
        ({"split": "val"}, "about 'val' here and about 'test'"),
    ],
)
def test_other_questions_are_refused(tmp_path, different, message):
    a, b = keep_run(tmp_path / "a", ONE), keep_run(tmp_path / "b", OTHER, **different)
    with pytest.raises(DataError, match=f"retrieval (asked|is) .*{message}"):
        compare(a, b)


def test_folders_that_are_no_runs_of_one_recipe_are_refused(tmp_path):
    a = keep_run(tmp_path / "a", ONE)
    with pytest.raises(RecipeError, match="does not exist"):
        compare(a, tmp_path / "nowhere")
    keep_run(tmp_path / "b" / "1", ONE)
    keep_run(tmp_path / "b" / "2", ONE)
    with pytest.raises(RecipeError, match="several runs with the seed 42: 1, 2"):
        compare(a, tmp_path / "b")
    keep_run(tmp_path / "c" / "1", ONE, seed=1)
    keep_run(tmp_path / "c" / "2", ONE, seed=2, recipe={"alignment": None})
    with pytest.raises(RecipeError, match="several recipes; 1 and 2 differ: alignment: new"):
        compare(a, tmp_path / "c")
    keep_run(tmp_path / "d", ONE, done=False)
    with pytest.raises(RecipeError, match="no finished run"):
        compare(a, tmp_path / "d")


def test_without_a_seed_or_a_figure_in_common_there_is_nothing_to_compare(tmp_path):
    for seed in (1, 2):
        keep_run(tmp_path / "a" / str(seed), ONE, seed=seed)
        keep_run(tmp_path / "b" / str(seed), ONE, seed=seed + 2)
    with pytest.raises(RecipeError, match=r"seeds are 3, 4, those of .* 1, 2"):
        compare(tmp_path / "a", tmp_path / "b")
    c, d = keep_run(tmp_path / "c", ONE), keep_run(tmp_path / "d", {}, names=[])
    with pytest.raises(RecipeError, match="retrieval: no figures item by item in"):
        compare(c, d)


def test_a_run_that_cannot_be_read_is_named(tmp_path):
    a, b = keep_run(tmp_path / "a", ONE), keep_run(tmp_path / "b", OTHER)
    (b / "eval" / "retrieval.json").write_text(json.dumps(ONE)[:-5])
    with pytest.raises(DataError, match=r"b\n +this run cannot be read"):
        compare(a, b)
