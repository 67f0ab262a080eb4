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
        assemble(load_recipe("albef_tiny", sets=SMALL, drops=["itc"]))
