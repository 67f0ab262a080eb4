"""The messages about a recipe, word for word."""

from __future__ import annotations

from pathlib import Path

import pytest

from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import RecipeError
from tests.toy import components
from tests.toy.fixtures import RECIPE


def refusal(recipe: Path, *sets: str) -> str:
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe, sets=sets)
    return str(caught.value)


def test_a_right_recipe_is_typed(recipe):
    loaded = load_recipe(recipe)
    settings = loaded.settings
    assert settings.model.vision.params == {"patch_size": 8, "pretrained": "auto"}
    assert settings.model.fusion is None
    assert settings.alignment.temperature_range == (0.001, 0.5)
    assert settings.alignment.keys.name == "queue"
    assert settings.teacher.params["momentum"].params == {"value": 0.99}
    assert settings.objectives["itm-easy"].weight == 0.5
    assert settings.objectives["itm"].component.params["alpha"].params == {"to": 0.4, "epochs": 1.0}
    assert settings.evaluate["retrieval"].params == {"rerank": 4}
    assert settings.train.epochs == 2 and settings.train.batch_size == 64
    assert settings.augment.randaugment is None
    assert settings.optimizer.params["lr"].plain() == {"type": "constant", "value": 1e-4}
    assert loaded.given == RECIPE and loaded.name == "toy" and loaded.source == recipe.resolve()
    paths = [spec.path for spec in loaded.components()]
    assert paths[:4] == ["model.vision", "model.text", "alignment.keys", "teacher"]
    assert "objectives.itm.negatives" in paths


def test_all_problems_at_once_in_the_files_words(folder, toys):
    Path("bad.yaml").write_text(
        "model:\n"
        "  vision: {type: camera, patch_sise: 8}\n"
        "objectives:\n"
        "  itm:\n"
        "    negatives: hrad\n"
        "data: {type: captions}\n"
        "trian: {epochs: 3}\n"
        "train:\n"
        "  batch_size: many\n"
        "  precision: bf61\n"
    )
    line = Path(components.__file__).read_text().splitlines().index("class Camera(bases.Vision):")
    assert refusal(Path("bad.yaml")) == (
        "bad.yaml:7:1  trian\n"
        "    a recipe takes no 'trian'. Did you mean 'train' (a mapping)?\n"
        "bad.yaml:2:26  model.vision.patch_sise\n"
        "    'camera' takes no 'patch_sise'. Did you mean 'patch_size' (int, 16)?"
        f"   tests/toy/components.py:{line + 1}\n"
        "bad.yaml:5:16  objectives.itm.negatives\n"
        "    there is no negatives 'hrad'. Did you mean 'hard'?\n"
        "    available: hard, random (albefkit 0.1.0)\n"
        "bad.yaml:6:1  data.root\n"
        "    'captions' needs 'root' (a path): where the images are.\n"
        "bad.yaml:9:15  train.batch_size\n"
        "    expected int, got text 'many'\n"
        "bad.yaml:10:14  train.precision\n"
        "    expected 'auto', 'fp32', 'bf16' or 'fp16', got text 'bf61'. Did you mean 'bf16'?"
    )


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        ("alignment.temperature=hot", "\n    expected float, got text 'hot'"),
        ("alignment.temperature=0", "\n    expected greater than 0, got 0"),
        ("alignment.width=2.5", "\n    expected int, got 2.5"),
        ("alignment.width='2'", "\n    expected int, got text '2'"),
        ("alignment.width=true", "\n    expected int, got true"),
        ("alignment.width=[]", "\n    expected int, got an empty list"),
        (
            "alignment.temperature_range=[1]",
            "\n    expected [float, float] or null, got a list of 1",
        ),
        ("alignment.temperature_range=[0, x]", None),
        ("train.workers=some", "\n    expected int or 'auto', got text 'some'"),
        ("train.max_steps=0", "\n    expected greater than 0, got 0"),
        ("augment.crop_scale=[0.5, 2]", None),
        ("alignment.temperature_range=[-0.1, 0.5]", "  alignment.temperature_range.0"),
        ("augment.flip=nevre", None),
        ("augment=3", "\n    expected a mapping, got 3"),
        ("objectives=[itm]", "\n    expected a mapping from names to objectives, got a list of 1"),
        ("data=3", "\n    expected a dataset, got 3\n    available: captions, scenes"),
        ("objectives.itm.alpha=[]", None),
        (
            "objectives.itm.name=x",
            "\n    'name' of 'itm' is wired by albefkit, a recipe does not say it",
        ),
        ("objectives.itm.negatives.type=3", "\n    expected the type of negatives\n"),
        ("data.type=[]", "\n    expected the type of a dataset\n"),
        (
            "objectives.easy={negatives: hard}",
            "\n    there is no objective 'easy'.\n    available: itm, many (albefkit 0.1.0)"
            "\n    a name of your own needs a type: 'easy: {type: ...}'",
        ),
        (
            "objectives.itc=null",
            "\n    there is nothing to take away\n    write 'itc: {}' to have it",
        ),
        ("objectives.itm.weight=-1", "\n    expected greater than or equal to 0, got -1"),
        ("evaluate.retrieval.rerank=x", "\n    expected int, got text 'x'"),
        ("model.vision.pretrained=sure", "\n    expected 'auto', true or false, got text 'sure'"),
        ("data.type=captions", None),
        (
            "teacher.momentum=fast",
            "\n    there is no schedule 'fast'.\n    available: constant, ramp (albefkit 0.1.0)",
        ),
        ("model=null", None),
        ("x=1", "\n    a recipe takes no 'x'.\n    it takes: model, alignment, teacher, "),
    ],
)
def test_messages_about_one_value(recipe, edit, expected):
    text = refusal(recipe, edit)
    assert text.startswith(f"command line  --set {edit}")
    if expected is not None:
        assert text.startswith(f"command line  --set {edit}{expected}")


def test_elements_have_places_and_paths(recipe):
    assert refusal(recipe, "augment.crop_scale=[0.5, 2]").startswith(
        "command line  --set augment.crop_scale=[0.5, 2]  augment.crop_scale.1\n"
        "    expected less than or equal to 1, got 2"
    )
    assert refusal(recipe, "objectives.many.of=[a, 3]") == (
        "command line  --set objectives.many.of=[a, 3]  objectives.many.of.1\n"
        "    expected a string, got 3"
    )
    assert refusal(recipe, "objectives.many.parts=[hard, {type: hrad}]").startswith(
        "command line  --set objectives.many.parts=[hard, {type: hrad}]  "
        "objectives.many.parts.1.type\n"
        "    there is no negatives 'hrad'. Did you mean 'hard'?\n"
    )


def test_parts_of_every_shape(recipe):
    loaded = load_recipe(
        recipe,
        sets=[
            "objectives.many.parts=[hard, {type: hard, exclude: image}]",
            "objectives.many.by_name={a: 1, b: {type: ramp, to: 2}}",
            "objectives.many.pair=[0.5]",
            "objectives.many.maybe=3",
            "objectives.many.number_or_part=7",
            "objectives.many.switch=on",
            "objectives.many.file=a/b",
        ],
    )
    built = loaded.settings.objectives["many"].component.build({})
    assert [part.exclude for part in built.parts] == ["pair", "image"]
    assert built.by_name["a"].value == 1 and built.by_name["b"].to == 2
    assert isinstance(built.pair, tuple) and built.pair[0].value == 0.5
    assert built.maybe.value == 3 and built.number_or_part == 7
    assert built.switch is True and built.file == Path("a/b") and built.of is None


def test_a_word_for_a_truth_value_only_without_quotes(recipe):
    many = load_recipe(recipe, sets=["objectives.many={number_or_part: random, switch: No}"])
    built = many.settings.objectives["many"].component.build({})
    assert built.switch is False and isinstance(built.number_or_part, components.Random)
    assert "expected true or false, got text 'on'" in refusal(
        recipe, "objectives.many={switch: 'on'}"
    )


def test_a_default_is_a_layer_below(recipe):
    loaded = load_recipe(recipe, sets=["objectives.itm.alpha.epochs=3"])
    alpha = loaded.settings.objectives["itm"].component.params["alpha"]
    assert alpha.plain() == {"type": "ramp", "to": 0.4, "epochs": 3.0}
    loaded = load_recipe(recipe, sets=["optimizer.lr=0.5", "alignment=null"])
    assert loaded.settings.optimizer.params["lr"].params == {"value": 0.5}
    assert loaded.settings.alignment is None


def test_nothing_where_something_must_be(recipe):
    text = refusal(recipe, "data=null", "model=null")
    assert "'data' (dataset): images with their texts." in text
    assert "a recipe needs 'model' (a mapping): the parts of the network." in text


def test_a_broken_plugin_is_reported_at_its_place_with_its_cause(stranger, recipe):
    stranger(
        "vlp-extras",
        points={"albefkit.v1.negatives": {"sharp": "vlp_extras:Sharp", "odd": "vlp_odd:Odd"}},
        modules={
            "vlp_extras.py": "raise RuntimeError('sorry')",
            "vlp_odd.py": """
                from tests.toy.bases import Negatives

                class Odd(Negatives):
                    def __init__(self, *, x: "Nowhere") -> None: ...
            """,
        },
    )
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe, sets=["objectives.itm.negatives=sharp"])
    assert str(caught.value) == (
        "command line  --set objectives.itm.negatives=sharp\n"
        "    negatives 'sharp' of vlp-extras 1.0 cannot be loaded\n"
        "    RuntimeError: sorry\n"
        "    --debug shows where; ALBEFKIT_PLUGINS=none leaves out what others installed"
    )
    assert isinstance(caught.value.__cause__.__cause__, RuntimeError)
    assert "Odd: the type of 'x' cannot be read" in refusal(recipe, "objectives.itm.negatives=odd")
    assert load_recipe(recipe).settings.objectives


def test_a_type_in_a_file_is_relative_to_the_recipe(recipe, folder):
    (folder / "below").mkdir()
    (folder / "mine.py").write_text(
        "from tests.toy.bases import Negatives\n\n"
        "class Mine(Negatives):\n    def __init__(self, *, size: int = 3): self.size = size\n"
    )
    Path("below/r.yaml").write_text(
        "extends: ../toy.yaml\nobjectives: {itm: {negatives: {type: ../mine.py:Mine, size: 4}}}\n"
    )
    loaded = load_recipe("below/r.yaml")
    spec = loaded.settings.objectives["itm"].component.params["negatives"]
    assert spec.build({}).size == 4
    assert spec.name == f"{folder / 'mine.py'}:Mine"
    assert load_recipe(recipe, sets=["objectives.itm.negatives=./mine.py:Mine"])
