"""From a recipe to the parts of a run."""

import pytest

from albefkit.assemble import assemble
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import RecipeError

SMALL = ["data.train=64", "data.val=4", "data.test=4"]


def test_a_recipe_without_a_loss_is_refused():
    with pytest.raises(RecipeError, match="nothing would be learnt"):
        assemble(load_recipe("albef_tiny", sets=SMALL, drops=["itc", "itm", "mlm"]))


def test_hard_negatives_need_somebody_who_trains_the_similarity():
    with pytest.raises(RecipeError, match=r"Use negatives: random\."):
        assemble(load_recipe("albef_tiny", sets=[*SMALL, "objectives.itc=null"]))


def test_dropping_itc_takes_the_hard_negatives_that_it_taught_with_it():
    recipe = load_recipe("albef_tiny", sets=SMALL, drops=["itc"])
    assert recipe.resolved["objectives"]["itm"]["negatives"]["type"] == "random"
    assert assemble(recipe).pretrainer.student.image_projection is None


def test_an_idea_that_the_recipe_does_not_have_cannot_be_dropped():
    sets = [*SMALL, "objectives.itm.negatives=random"]
    with pytest.raises(RecipeError, match="nothing to drop by this name"):
        load_recipe("albef_tiny", sets=sets, drops=["hard-negatives"])


def test_data_without_the_split_an_evaluator_wants_are_refused_before_training(tmp_path):
    (tmp_path / "train.json").write_text('[{"image": "a.jpg", "caption": "a dog"}]')
    sets = ["data.type=captions", f"data.root={tmp_path}"]
    with pytest.raises(RecipeError, match=r"evaluate\.retrieval\.split.*\n.*have no split 'test'"):
        assemble(load_recipe("albef_tiny", sets=sets))
