"""From a checked component to the thing itself."""

from __future__ import annotations

import pytest

from albefkit.recipe.load import load_recipe
from albefkit.registry import Ablation, default
from albefkit.registry.errors import ComponentError, DataError, Problem, RecipeError
from tests.toy import bases, components


def test_neighbours_go_where_they_are_asked_for(recipe):
    settings = load_recipe(recipe, sets=["model.fusion=mixer"]).settings
    vision = settings.model.vision.build({"corpus": "words", "name": "x"})
    text = settings.model.text.build({"corpus": "words"})
    fusion = settings.model.fusion.build({"vision": vision, "text": text})
    assert (vision.patch_size, text.corpus, fusion.text) == (8, "words", text)
    itm = settings.objectives["itm"].component.build({"name": "itm"})
    assert isinstance(itm, components.Matching) and itm.name == "itm"
    assert isinstance(itm.negatives, components.Hard) and isinstance(itm.alpha, components.Ramp)


def test_a_missing_neighbour(recipe):
    with pytest.raises(ComponentError) as caught:
        load_recipe(recipe).settings.model.text.build({})
    assert str(caught.value) == (
        "toy.yaml:3:9  model.text\n"
        "    text 'reader' of albefkit 0.1.0 needs a 'corpus', and this recipe gives it none"
    )


def test_a_value_that_the_constructor_refuses(recipe):
    spec = load_recipe(recipe, sets=["alignment.keys.size=-3"]).settings.alignment.keys
    with pytest.raises(RecipeError) as caught:
        spec.build({})
    assert str(caught.value).endswith("alignment.keys\n    a queue has a length, got -3")
    assert isinstance(caught.value.__cause__, ValueError)


def test_errors_of_constructors_keep_their_kind_and_get_a_place(recipe):
    class Bad(bases.Dataset):
        def __init__(self, *, how: str) -> None:
            if how == "data":
                raise DataError("no images")
            if how == "placed":
                raise DataError(Problem("x.json:3", "", "no images"))
            raise RuntimeError("sorry")

    def build(how: str) -> None:
        with Bad.register("bad"):
            load_recipe(recipe, sets=[f"data={{type: bad, how: {how}}}"]).settings.data.build({})

    with pytest.raises(DataError, match=r"^command line  --set data.* how: data}\n    no images$"):
        build("data")
    with pytest.raises(DataError, match=r"^x.json:3\n    no images$"):
        build("placed")
    with pytest.raises(ComponentError, match="cannot be built\n    RuntimeError: sorry") as caught:
        build("other")
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_what_a_stranger_class_may_look_like(recipe):
    class Bare(bases.Objective):
        pass

    class Nested(bases.Objective):
        ablations = {"all": Ablation({"inner.exclude": "image"}, "x")}  # noqa: RUF012

        def __init__(self, name: str = "?", *, inner: components.Hard = default("hard")) -> None:
            self.inner = inner

    with Bare.register("bare"), Nested.register("nested"):
        sets = ["objectives={bare: {}, nested: {}}"]
        loaded = load_recipe(recipe, sets=sets, drops=["all"])
        assert loaded.settings.objectives["bare"].component.build({"name": "x"})
        nested = loaded.settings.objectives["nested"].component
        assert nested.build({}).inner.exclude == "image"
        with pytest.raises(RecipeError, match="expected a Hard, got negatives 'random'"):
            load_recipe(recipe, sets=[*sets, "objectives.nested.inner=random"])


def test_parameters_with_their_meanings(recipe):
    spec = load_recipe(recipe).settings.model.vision
    assert next(iter(spec.parameters())) == ("model.vision.patch_size", 8, "pixels along a side.")
