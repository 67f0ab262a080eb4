"""`extends`, `--set` and `--drop`."""

from __future__ import annotations

from pathlib import Path

import pytest

from albefkit.recipe.drops import droppable
from albefkit.recipe.layers import merge, read_layers
from albefkit.recipe.load import load_recipe
from albefkit.recipe.source import parse
from albefkit.registry.errors import RecipeError

BIASED = """
    from albefkit.registry import Ablation
    from tests.toy.bases import Objective


    class Biased(Objective):
        ablations = {
            "bias": Ablation({"bias": None}, "no bias"),
            "gain": Ablation({"gain": 1.0}, "no gain"),
        }

        def __init__(self, *, bias: float | None = -1.0, gain: float = 2.0) -> None: ...
"""


def merged(base: str, over: str, path: tuple[str, ...] = ()):
    nodes = [parse(text, "r.yaml", Path()) for text in (base, over)]
    return merge(nodes[0], nodes[1], path).python()


def refusal(call) -> str:
    with pytest.raises(RecipeError) as caught:
        call()
    return str(caught.value)


@pytest.mark.parametrize(
    ("base", "over", "expected"),
    [
        ("a: {x: 1, y: 2}", "a: {y: 3}", {"a": {"x": 1, "y": 3}}),
        ("a: [1, 2]", "a: [3]", {"a": [3]}),
        ("a: {x: 1}", "a: null", {"a": None}),
        ("a: null", "a: {x: 1}", {"a": {"x": 1}}),
        ("a: {type: t, x: 1}", "a: {type: u, y: 2}", {"a": {"type": "u", "y": 2}}),
        ("a: {type: t, x: 1}", "a: {type: t, y: 2}", {"a": {"type": "t", "x": 1, "y": 2}}),
        ("a: {type: t, x: 1}", "a: {y: 2}", {"a": {"type": "t", "x": 1, "y": 2}}),
        ("a: t", "a: {y: 2}", {"a": {"type": "t", "y": 2}}),
        ("a: t", "a: {type: u}", {"a": {"type": "u"}}),
        ("a: {type: t, x: 1}", "a: u", {"a": "u"}),
        ("objectives: {itm: {n: 1}}", "objectives: {itm: null}", {"objectives": {}}),
        (
            "objectives: {itm: {n: 1}}",
            "objectives: {itm: {type: mlm}}",
            {"objectives": {"itm": {"type": "mlm"}}},
        ),
        (
            "objectives: {itm: {n: 1}}",
            "objectives: {itm: {type: itm}}",
            {"objectives": {"itm": {"n": 1, "type": "itm"}}},
        ),
        ("optimizer: {lr: 1}", "optimizer: {type: sgd}", {"optimizer": {"type": "sgd"}}),
        (
            "optimizer: {lr: 1}",
            "optimizer: {type: adamw}",
            {"optimizer": {"lr": 1, "type": "adamw"}},
        ),
    ],
)
def test_merging(base, over, expected):
    assert merged(base, over) == expected


def test_extends_files_lists_and_places(folder):
    Path("below").mkdir()
    Path("a.yaml").write_text("x: 1\ny: 1\nz: {p: 1}\n")
    Path("below/b.yaml").write_text("extends: ../a.yaml\ny: 2\n")
    Path("c.yaml").write_text("z: {q: 3}\n")
    Path("d.yaml").write_text("extends: [below/b.yaml, c.yaml]\nw: 4\n")
    text, tree = read_layers(Path("d.yaml").resolve())
    assert tree.python() == {"x": 1, "y": 2, "z": {"p": 1, "q": 3}, "w": 4}
    assert text.startswith("extends:")
    assert str(tree.mapping["z"].mapping["p"].place) == "a.yaml:3:8"
    assert str(tree.mapping["y"].place) == "below/b.yaml:2:4"


def test_circles_are_refused(folder):
    Path("a.yaml").write_text("extends: b.yaml\n")
    Path("b.yaml").write_text("x: 1\nextends: a.yaml\n")
    Path("self.yaml").write_text("extends: self.yaml\n")
    assert refusal(lambda: load_recipe("a.yaml")) == (
        "b.yaml:2:10  extends\n    goes in a circle: a.yaml extends b.yaml extends a.yaml"
    )
    assert "self.yaml extends self.yaml" in refusal(lambda: load_recipe("self.yaml"))


def test_what_extends_cannot_mean(folder):
    Path("a.yaml").write_text("extends: nobody.yaml\n")
    text = refusal(lambda: load_recipe("a.yaml"))
    assert text.startswith("a.yaml:1:10  extends\n    there is no recipe 'nobody.yaml'.")
    Path("a.yaml").write_text("extends: [3]\n")
    assert refusal(lambda: load_recipe("a.yaml")) == (
        "a.yaml:1:11  extends\n    expected the name of a recipe, or a list of names"
    )
    Path("a.yaml").write_text("extends: .\n")
    assert "is a folder" in refusal(lambda: load_recipe("a.yaml"))


def test_sets_in_any_order(recipe, folder):
    for edits in (["data.type=captions", "data.root=x"], ["data.root=x", "data.type=captions"]):
        assert load_recipe(recipe, sets=edits).resolved["data"] == {"type": "captions", "root": "x"}
    assert load_recipe(recipe, sets=["train.epochs=3", "train.epochs=4"]).settings.train.epochs == 4
    assert load_recipe(recipe, sets=["alignment.keys.size=7"]).resolved["alignment"]["keys"] == {
        "type": "queue",
        "size": 7,
    }


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ("train.epochs", "expected path=value, got 'train.epochs'\n    as in --set train.epochs=3"),
        ("=3", "expected path=value, got '=3'"),
        ("train..epochs=3", "expected path=value"),
        ("train.epochs=[", "not YAML: while parsing a flow node"),
        ("train.epochs={a: 1, a: 2}", "'a' stands here a second time"),
        ("train.epochs=!!python/name:x 1", "a recipe has no tags"),
        ("extends=other.yaml", "a recipe extends others in its file only"),
        ("train.epochs.x=3", "expected int, got a mapping"),
    ],
)
def test_edits_that_are_none(recipe, edit, expected):
    text = refusal(lambda: load_recipe(recipe, sets=[edit]))
    assert text.startswith(f"command line  --set {edit}") and expected in text


def test_drop_an_objective_or_an_ablation(recipe):
    assert list(load_recipe(recipe, drops=["itm"]).settings.objectives) == ["itm-easy"]
    both = load_recipe(recipe, drops=["hard-negatives"])
    assert both.resolved["objectives"]["itm"]["negatives"] == {"type": "random"}
    only = load_recipe(recipe, drops=["queue"])
    assert only.resolved["alignment"]["keys"] == {"type": "in-batch"}
    assert load_recipe(recipe, drops=["queue", "itm"]).settings.alignment.keys.name == "in-batch"


def test_what_is_dropped_may_be_a_number_and_is_offered_only_where_it_is_there(recipe, stranger):
    points = {"albefkit.v1.objective": {"biased": "vlp_extras.losses:Biased"}}
    stranger("vlp-extras", points=points, modules={"vlp_extras/losses.py": BIASED})
    edits = ["objectives.biased={}"]
    assert {"bias", "gain"} < set(droppable(load_recipe(recipe, sets=edits).settings))
    left = load_recipe(recipe, sets=edits, drops=["bias", "gain"])
    assert left.resolved["objectives"]["biased"] == {
        "type": "biased", "bias": None, "gain": 1.0, "weight": 1.0,
    }  # fmt: skip
    assert {"bias", "gain"}.isdisjoint(droppable(left.settings))


def test_drop_offers_what_can_be_dropped(recipe):
    assert refusal(lambda: load_recipe(recipe, drops=["hard-negative"])) == (
        "command line  --drop hard-negative\n"
        "    there is nothing to drop by this name. Did you mean 'hard-negatives'?\n"
        "    can be dropped: itm, itm-easy, queue, hard-negatives"
    )


def test_named_objectives_need_a_value_to_exist(folder, toys):
    Path("r.yaml").write_text("model: {}\nobjectives:\n  itm:\ndata: scenes\n")
    assert refusal(lambda: load_recipe("r.yaml")) == (
        "r.yaml:3:3  objectives.itm\n"
        "    there is nothing to take away\n"
        "    write 'itm: {}' to have it"
    )
