"""Models for others: folders and repositories by the conventions of Hugging Face."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
import yaml
from safetensors import safe_open

import albefkit
from albefkit.assemble import assemble
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import ComponentError
from tests.models.conftest import CLASSES, MICRO, picture

FILES = {"README.md", "config.json", "model.safetensors", "tokenizer.json"}


@pytest.fixture
def saved(pretrained, tmp_path):
    albefkit.load(pretrained).save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


def edit(path: Path, change) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def test_a_saved_model_says_the_same(pretrained, saved):
    before, after = albefkit.load(pretrained), albefkit.from_pretrained(saved)
    assert {path.name for path in saved.iterdir()} == FILES
    asked = picture(0), ["a red square", "a dog"]
    np.testing.assert_array_equal(before.match(*asked), after.match(*asked))
    np.testing.assert_array_equal(before.similarity(*asked), after.similarity(*asked))
    assert after.recipe.resolved == before.recipe.resolved
    assert after.recipe.name == before.recipe.name == "toy"
    first = before.ground(*asked, by="similarity")[0].sentence
    np.testing.assert_allclose(after.ground(*asked, by="similarity")[0].sentence, first)


def test_only_what_is_asked_travels(saved):
    with safe_open(saved / "model.safetensors", "pt") as file:
        names = set(file.keys())
    assert "space.temperature" in names
    assert {name.partition(".")[0] for name in names} == {"student", "space"}
    config = json.loads((saved / "config.json").read_text())
    assert config["recipe"]["model"]["vision"]["width"] == 16
    assert config["step"] == 2 and config["metrics"]["train"]["steps"] == 4
    assert "command" not in config["provenance"]


def test_the_card_tells_recipe_figures_and_provenance(pretrained, saved):
    card = (saved / "README.md").read_text()
    front = yaml.safe_load(card.split("---")[1])
    assert front["library_name"] == "albefkit" and "albef" in front["tags"]
    metrics = json.loads((pretrained / "summary.json").read_text())["retrieval"]
    assert f"| retrieval | text_r5 | {metrics['text_r5']:.2f} |" in card
    assert "after step 4. These weights are those of step 2." in card
    recipe = yaml.safe_load(card.split("```yaml")[1].split("```")[0])
    assert recipe["objectives"]["itm"]["negatives"]["type"] == "hard"
    manifest = json.loads((pretrained / "manifest.json").read_text())
    assert manifest["data"]["train"] in card and manifest["started"] in card
    assert "model.match(" in card and "model.answer(" not in card


def test_classes_and_answers_travel(classifier, answerer, tmp_path):
    albefkit.load(classifier).save_pretrained("one")
    one = albefkit.from_pretrained(tmp_path / "one")
    assert set(one.classify(picture(0), "a dog")[0]) == set(CLASSES)
    albefkit.load(answerer).save_pretrained("two")
    two = albefkit.from_pretrained("two")
    question = picture(0), "what colour is it?"
    assert two.answer(*question) == albefkit.load(answerer).answer(*question)
    assert "model.answer(" in Path("two/README.md").read_text()


def test_a_saved_model_is_somewhere_to_start_from(saved):
    recipe = load_recipe(MICRO, sets=[f"init={saved}"])
    begun = assemble(recipe)
    assert begun.load_report is not None and begun.load_report.pretrained
    wanted = albefkit.from_pretrained(saved).network.state_dict()
    for name, weight in begun.pretrainer.student.state_dict().items():
        if not name.startswith("heads.mlm"):
            np.testing.assert_array_equal(weight, wanted[name], err_msg=name)


def test_nothing_but_models_is_overwritten(pretrained, saved, tmp_path):
    model = albefkit.load(pretrained)
    model.save_pretrained(saved)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    for folder in ("mine", pretrained, "mine/thesis.tex"):
        with pytest.raises(ComponentError, match="holds something else than a model"):
            model.save_pretrained(folder)


def test_nothing_that_needs_code_travels(pretrained, saved, tmp_path):
    evil = tmp_path / "evil.py"
    evil.write_text("raise SystemExit('executed')")
    name = f"{evil}:Evil"
    edit(saved / "config.json", lambda config: config["recipe"]["optimizer"].update(type=name))
    with pytest.raises(ComponentError, match="loading it would run that file"):
        albefkit.from_pretrained(saved)
    run = shutil.copytree(pretrained, tmp_path / "run")
    evil.write_text(
        "from albefkit.objectives.itc import ITC\nclass Mine(ITC):\n    '''Contrast.'''\n"
    )
    text = (run / "resolved.yaml").read_text()
    (run / "resolved.yaml").write_text(text.replace("type: itc", f"type: {evil}:Mine"))
    with pytest.raises(ComponentError, match=r"component in a file, '.*evil\.py:Mine'"):
        albefkit.load(run).save_pretrained("elsewhere")
    assert not Path("elsewhere").exists()


def test_to_the_hub_and_back(pretrained, tmp_path, monkeypatch):
    hub, made = tmp_path / "hub", []

    def create_repo(repo, *, private, token, exist_ok):
        assert exist_ok and (private, token) == (True, "secret")
        made.append(repo)
        return f"https://hub/{repo}"

    def upload_folder(*, repo_id, folder_path, token, commit_message):
        assert made == [repo_id] and token == "secret" and "albefkit" in commit_message
        shutil.copytree(folder_path, hub / repo_id)

    def snapshot_download(repo, *, revision, token, allow_patterns):
        assert revision == "main" and token is None
        fetched = tmp_path / "cache"
        fetched.mkdir()
        for name in allow_patterns:
            shutil.copy(hub / repo / name, fetched)
        return str(fetched)

    for each in (create_repo, upload_folder, snapshot_download):
        monkeypatch.setattr(huggingface_hub, each.__name__, each)
    model = albefkit.load(pretrained)
    address = model.push_to_hub("somebody/toy", private=True, token="secret")
    assert address == "https://hub/somebody/toy"
    assert {path.name for path in (hub / "somebody/toy").iterdir()} == FILES
    back = albefkit.from_pretrained("somebody/toy", revision="main")
    assert back.match(picture(0), "red") == model.match(picture(0), "red")


def test_a_hub_that_refuses(pretrained, monkeypatch):
    def refuse(*_, **__):
        raise OSError("no network\nat all")

    monkeypatch.setattr(huggingface_hub, "create_repo", refuse)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    with pytest.raises(ComponentError, match=r"cannot be written to the hub: no network$"):
        albefkit.load(pretrained).push_to_hub("somebody/toy")
    with pytest.raises(ComponentError, match="is no folder, and cannot be fetched"):
        albefkit.from_pretrained("somebody/toy")
