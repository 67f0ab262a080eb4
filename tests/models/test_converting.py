"""Released checkpoints become runs, and runs become released checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import albefkit
from albefkit.assemble import assemble
from albefkit.interop.exporting import export_released
from albefkit.interop.layouts import layout_of
from albefkit.interop.released import from_released
from albefkit.models.converting import Wishes, convert_released
from albefkit.models.stored import find_stored, rebuild
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import ComponentError
from tests.golden.cases import case_dirs
from tests.golden.released_run import FLOAT32, read, released_state
from tests.models.conftest import CLASSES, command, picture

TASKS = {
    "pretrain": "pretrain",
    "retrieval": "retrieval",
    "ve": "entailment",
    "vqa": "vqa",
    "pretrain_nlvr": "nlvr_assign",
    "nlvr": "nlvr",
}
OURS = {
    "pretrained": "pretrain",
    "classifier": "entailment",
    "answerer": "vqa",
    "comparer": "nlvr",
}
"""A run -> the layout that it has as a released file."""
RECORDED_HEADS, HEADS = 4, 2
"""Of attention in recorded networks and in those trained here: tensors do not say."""


def recorded(name: str) -> Path:
    found = case_dirs(name)
    if not found:
        pytest.skip(f"no recorded {name}")
    return found[0]


@pytest.fixture
def vocabulary(tmp_path) -> Path:
    """Of the recorded networks."""
    path = tmp_path / "vocab.txt"
    roles = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    path.write_text("\n".join(roles + [f"w{number}" for number in range(195)]))
    return path


def recorded_file(folder: Path, name: str) -> Path:
    path = folder / f"{name}.pth"
    torch.save({"model": released_state(recorded(name))}, path)
    return path


def released(run: Path, folder: Path) -> tuple[Path, Wishes]:
    """A run as a released file, and what the file does not say."""
    file = folder / "released.pth"
    export_released(run, file)
    return file, Wishes(run / "tokenizer.json", heads=HEADS)


def state_in(file: Path) -> dict[str, Tensor]:
    return torch.load(file, weights_only=True)["model"]


def student_of(run: Path) -> dict[str, Tensor]:
    return rebuild(find_stored(run)).pretrainer.student.state_dict()


def written(run: Path) -> set[str]:
    """Names of the student's tensors in a run's file, where shared ones stand once."""
    return {name for name in load_file(find_stored(run).weights) if name.startswith("student.")}


def bit_equal(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert found.keys() == expected.keys()
    assert [name for name in expected if not torch.equal(found[name], expected[name])] == []


@pytest.mark.parametrize("name", TASKS)
def test_every_layout_becomes_a_run_and_the_same_file_again(
    name, tmp_path, vocabulary, capsys
) -> None:
    file, run = recorded_file(tmp_path, name), tmp_path / "run"
    options = ("--tokenizer", vocabulary, "--heads", RECORDED_HEADS)
    assert command("convert", file, run, *options) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"{run}: {TASKS[name]}"
    assert command("convert", run, tmp_path / "back.pth") == 0
    bit_equal(state_in(tmp_path / "back.pth"), state_in(file))


def test_a_converted_run_computes_what_the_released_code_does(tmp_path, vocabulary) -> None:
    case, run = recorded("retrieval_eval"), tmp_path / "run"
    file = recorded_file(tmp_path, "retrieval_eval")
    convert_released(file, run, Wishes(vocabulary, heads=RECORDED_HEADS))
    student = rebuild(find_stored(run)).pretrainer.student
    inputs, expected = read(case, "inputs"), read(case, "out")
    with torch.no_grad():
        image = student.image_features(student.vision(inputs["image"].float()))
        words = student.text(inputs["input_ids"], inputs["attention_mask"].bool())
        text = student.text_features(words)
    torch.testing.assert_close(image, expected["image_embeds"], **FLOAT32)
    torch.testing.assert_close(text, expected["text_embeds"], **FLOAT32)


@pytest.mark.parametrize("run", OURS)
def test_a_run_of_ours_becomes_a_released_file_and_a_run_again(run, tmp_path, request) -> None:
    begun = request.getfixturevalue(run)
    file, wishes = released(begun, tmp_path)
    assert layout_of(from_released(state_in(file))).name == OURS[run]
    done = convert_released(file, tmp_path / "run", wishes)
    assert done.recognised.missing == done.recognised.unknown == ()
    bit_equal(student_of(tmp_path / "run"), student_of(begun))
    assert written(tmp_path / "run") == written(begun)


def test_a_converted_run_can_be_asked(tmp_path, classifier, pretrained) -> None:
    file, wishes = released(classifier, tmp_path)
    convert_released(file, tmp_path / "run", wishes)
    asked = [picture(0), picture(1)], ["a red square", "a blue circle"]
    expected = albefkit.load(classifier, device="cpu", precision="fp32").classify(*asked)
    found = albefkit.load(tmp_path / "run", device="cpu", precision="fp32").classify(*asked)
    assert [set(each) for each in found] == [set(CLASSES)] * 2
    for ours, theirs in zip(found, expected, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-6)


def test_a_converted_run_can_be_started_from(tmp_path, pretrained) -> None:
    file, wishes = released(pretrained, tmp_path)
    convert_released(file, tmp_path / "run", wishes)
    sets = [f"init={tmp_path / 'run'}", "data.type=scenes"]
    student = assemble(load_recipe(tmp_path / "run" / "resolved.yaml", sets=sets)).pretrainer
    bit_equal(student.student.state_dict(), student_of(pretrained))


def test_answers_come_from_a_list(tmp_path, answerer, classifier) -> None:
    listed = tmp_path / "answer_list.json"
    listed.write_text(json.dumps(["red", "dark green"]))
    file, wishes = released(answerer, tmp_path)
    wishes = Wishes(wishes.tokenizer, listed, HEADS)
    convert_released(file, tmp_path / "run", wishes)
    assert find_stored(tmp_path / "run").classes == ("red", "dark green")
    export_released(classifier, tmp_path / "classifier.pth")
    options = ("--tokenizer", classifier / "tokenizer.json", "--answers", listed)
    assert command("convert", tmp_path / "classifier.pth", tmp_path / "no", *options) == 2
    assert not (tmp_path / "no").exists()


def test_the_recipe_has_the_sizes_of_the_tensors(tmp_path, pretrained) -> None:
    file, wishes = released(pretrained, tmp_path)
    run = tmp_path / "run"
    convert_released(file, run, wishes)
    settings = load_recipe(run / "recipe.yaml").resolved
    vision, fusion = settings["model"]["vision"], settings["model"]["fusion"]
    assert (vision["image_size"], vision["width"], vision["depth"]) == (32, 16, 1)
    assert (fusion["from_layer"], fusion["layers"], fusion["heads"]) == (1, 1, HEADS)
    assert settings["alignment"]["keys"]["size"] == 40
    assert settings["objectives"].keys() == {"itc", "itm", "mlm", "mod"}
    assert load_recipe(run / "resolved.yaml").hash == load_recipe(run / "recipe.yaml").hash
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["converted"]["layout"] == "pretrain"
    assert manifest["load_reports"]["init"]["loaded"] > 50


def test_without_a_tokenizer_a_run_serves_to_start_from(tmp_path, pretrained, monkeypatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    file, _ = released(pretrained, tmp_path)
    run = tmp_path / "run"
    done = convert_released(file, run, Wishes(heads=HEADS))
    assert done.tokenizer is None and not (run / "tokenizer.json").exists()
    assert json.loads((run / "manifest.json").read_text())["converted"]["tokenizer"] == "none"
    with pytest.raises(ComponentError, match=r"no tokenizer\.json"):
        albefkit.load(run)


def test_nothing_is_left_of_what_fails(tmp_path, pretrained, capsys) -> None:
    file, _ = released(pretrained, tmp_path)
    state = state_in(file)
    del state["visual_encoder.norm.weight"]
    torch.save({"model": state}, tmp_path / "part.pth")
    (tmp_path / "short.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nred")
    before = set(tmp_path.iterdir())
    tokenizer = ("--tokenizer", pretrained / "tokenizer.json")
    mistakes = {
        ("part.pth", *tokenizer): "visual_encoder.norm.weight",
        ("released.pth", "--tokenizer", tmp_path / "short.txt"): "6 entries, and released.pth has",
        ("released.pth", *tokenizer, "--heads", 5): "5 heads",
        ("short.txt",): "torch file of tensors",
    }
    for (source, *options), message in mistakes.items():
        assert command("convert", tmp_path / source, tmp_path / "run", *options) == 2
        assert message in capsys.readouterr().err
        assert set(tmp_path.iterdir()) == before


def test_a_failure_while_writing_leaves_nothing(tmp_path, pretrained, monkeypatch) -> None:
    file, wishes = released(pretrained, tmp_path)
    before = set(tmp_path.iterdir())

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("albefkit.models.converting.save_file", full)
    monkeypatch.setattr("albefkit.interop.exporting.torch.save", full)
    options = ("--tokenizer", wishes.tokenizer, "--heads", HEADS)
    assert command("convert", file, tmp_path / "run", *options) == 2
    assert command("convert", pretrained, tmp_path / "again.pth") == 2
    assert set(tmp_path.iterdir()) == before


def test_nothing_is_overwritten(tmp_path, pretrained) -> None:
    file, wishes = released(pretrained, tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "precious.txt").write_text("mine")
    options = ("--tokenizer", wishes.tokenizer, "--heads", HEADS)
    assert command("convert", file, tmp_path / "taken", *options) == 2
    assert [each.name for each in (tmp_path / "taken").iterdir()] == ["precious.txt"]
    before = file.read_bytes()
    assert command("convert", pretrained, file) == 2
    assert file.read_bytes() == before


def test_the_direction_is_told_by_the_target(tmp_path, pretrained, capsys) -> None:
    file, _ = released(pretrained, tmp_path)
    weights = pretrained / "checkpoints" / "step_00000004" / "model.safetensors"
    assert command("convert", file, tmp_path / "other.pth") == 2
    assert "has released names already" in capsys.readouterr().err
    assert command("convert", weights, tmp_path / "run") == 2
    assert "has albefkit's own names already" in capsys.readouterr().err
    assert command("convert", pretrained, tmp_path / "other.pth", "--heads", 2) == 2
    assert command("convert", pretrained, tmp_path / "other.pth") == 0


def test_a_network_that_the_released_code_does_not_know_is_refused(
    tmp_path, pretrained, capsys
) -> None:
    vision = "model.vision={name: xcit_nano_12_p16_224, image_size: 32, pretrained: false}"
    recipe = load_recipe(pretrained / "resolved.yaml", sets=[vision])
    odd = assemble(recipe, tokenizer_file=pretrained / "tokenizer.json").pretrainer
    torch.save(odd.state_dict(), tmp_path / "odd.pth")
    assert command("convert", tmp_path / "odd.pth", tmp_path / "out.pth") == 2
    assert "the released code knows no such network" in capsys.readouterr().err
    assert not (tmp_path / "out.pth").exists()
