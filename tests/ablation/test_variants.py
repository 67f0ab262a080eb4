"""Which recipes an ablation compares."""

import pytest

from albefkit.ablation.variants import Wishes, droppable_edits, variants
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import RecipeError


def found(**wishes):
    return {(each.group, each.name): each for each in variants(Wishes(base="albef_tiny", **wishes))}


def test_each_drop_is_a_variant_and_a_plus_makes_one_of_two():
    by_name = found(drops=["mod", "mod+hard-negatives"])
    assert [name for _, name in by_name] == ["full", "no mod", "no mod, no hard-negatives"]
    assert by_name["", "full"].recipe().hash == load_recipe("albef_tiny").hash
    both = by_name["", "no mod, no hard-negatives"].recipe().resolved["objectives"]
    assert "mod" not in both and both["itm"]["negatives"]["type"] == "random"


def test_everything_that_can_go_goes_once():
    names = [name for _, name in found(drops=["mlm"], leave_one_out=True)]
    assert sorted(names) == sorted(
        ["full", "no mlm", "no itc", "no itm", "no mod", "no hard-negatives"]
    )


def test_parts_are_swapped_by_their_kind_or_their_place():
    by_name = found(swaps=["keys=momentum-queue", "model.vision={type: patches, width: 128}"])
    queue = by_name["", "keys: momentum-queue"].recipe().resolved
    assert queue["alignment"]["keys"]["type"] == "momentum-queue"
    patches = by_name["", "model.vision: {type: patches, width: 128}"].recipe().resolved
    assert patches["model"]["vision"]["type"] == "patches"


def test_an_objective_is_added_under_its_name():
    by_name = found(adds=["easy={type: itm, negatives: random}"])
    assert by_name["", "with easy"].recipe().resolved["objectives"]["easy"]["type"] == "itm"


def test_a_sweep_crosses_all_variants_and_each_point_has_its_own_reference():
    by_name = found(drops=["mod"], sweep="data.noise=0,0.4")
    assert list(by_name) == [
        ("data.noise: 0", "full"),
        ("data.noise: 0", "no mod"),
        ("data.noise: 0.4", "full"),
        ("data.noise: 0.4", "no mod"),
    ]
    noisy = by_name["data.noise: 0.4", "no mod"]
    assert noisy.reference == "full" and noisy.recipe().resolved["data"]["noise"] == 0.4


def test_steps_are_compared_with_the_step_before():
    ladder = found(drops=["mod", "mod+mlm"], stepwise=True).values()
    assert [each.reference for each in ladder] == [None, "full", "no mod"]


def test_recipes_stand_beside_each_other_by_their_names():
    by_name = found(recipes=["ablations/no_mod", "ablations/no_itc"])
    assert [name for _, name in by_name] == ["albef_tiny", "no_mod", "no_itc"]


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"drops": ["modd"]}, "nothing to drop by this name. Did you mean 'mod'"),
        ({"swaps": ["fusion"]}, "expected a name, '='"),
        ({"swaps": ["wheel=joint"]}, "no part of the recipe goes by the name 'wheel'"),
        ({"swaps": ["schedule=constant"]}, "several parts go by the name 'schedule'"),
        ({"drops": ["mod", "mod"]}, "two variants have the name 'no mod'"),
        ({"sweep": "data.noise"}, "as in --sweep data.noise=0,0.2,0.4"),
        ({"sweep": "data.noise=0,2"}, "data.noise"),
    ],
)
def test_what_does_not_fit_the_recipe_is_said_before_anything_runs(wishes, said):
    with pytest.raises(RecipeError, match=said):
        found(**wishes)


def test_the_list_says_what_an_edit_changes_with_its_consequences():
    meaning, changes = droppable_edits("albef_tiny")["itc"]
    assert "itc" in meaning
    assert any("objectives.itm.negatives" in change and "random" in change for change in changes)
