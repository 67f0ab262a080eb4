"""A checkpoint is described: what is known, what cannot be told, what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from albefkit.interop.exporting import export_released
from albefkit.models.converting import Wishes, convert_released
from albefkit.models.inspecting import inspect
from tests.golden.cases import case_dirs, case_name
from tests.golden.released_run import released_state
from tests.layers.hub_models import save_encoder
from tests.models.conftest import MICRO, command


def released_file(run: Path, folder: Path, **beside: object) -> Path:
    """A run as a released file, with what else the released code writes into it."""
    path = folder / f"released{len(list(folder.iterdir()))}.pth"
    export_released(run, path)
    torch.save(torch.load(path, weights_only=True) | beside, path)
    return path


def test_a_released_file_is_described(pretrained, tmp_path, capsys) -> None:
    config = {"train_file": ["data/coco.json", "data/sbu.json"], "image_res": 256}
    optimizer = {"param_groups": []}
    file = released_file(pretrained, tmp_path, epoch=29, config=config, optimizer=optimizer)
    assert command("inspect", file) == 0
    said = capsys.readouterr().out
    for words in ("released ALBEF, pretrain", "32 pixels", "40 pairs", "image_res 256", "  29\n"):
        assert words in said
    facts = inspect(file).facts
    assert facts["pre-trained on"].startswith("4M images, by the data files")
    assert facts["images seen"].startswith("cannot be told")
    with_web = {"train_file": [*config["train_file"], "data/cc12m.json"]}
    again = inspect(released_file(pretrained, tmp_path, config=with_web))
    assert again.facts["pre-trained on"].startswith("14M images")


def test_what_cannot_be_told_is_not_told(pretrained, tmp_path) -> None:
    file = released_file(pretrained, tmp_path)
    assert "cannot be told" in inspect(file).facts["pre-trained on"]
    named = file.rename(tmp_path / "ALBEF_4M.pth")
    assert inspect(named).facts["pre-trained on"].startswith("4M images, if the name")


@pytest.mark.parametrize(
    ("run", "task", "fact"),
    [
        ("classifier", "entailment", ("classes", 3)),
        ("answerer", "vqa", ("decoder", "1 layers")),
        ("comparer", "nlvr", ("fusion", "1 groups of 2 layers, one for each image")),
    ],
)
def test_the_task_is_told_from_the_heads(run, task, fact, tmp_path, request) -> None:
    found = inspect(released_file(request.getfixturevalue(run), tmp_path))
    assert found.facts["task"] == task
    assert found.facts[fact[0]] == fact[1]
    assert found.missing == found.unknown == ()


def test_missing_and_unknown_names_are_listed(pretrained, tmp_path, capsys) -> None:
    file = released_file(pretrained, tmp_path)
    state = torch.load(file, weights_only=True)["model"] | {"extra.weight": torch.zeros(2)}
    del state["itm_head.bias"], state["text_encoder.bert.embeddings.position_ids"]
    torch.save(state, file)
    found = inspect(file)
    assert (found.missing, found.unknown) == (("itm_head.bias",), ("extra.weight",))
    assert command("inspect", file) == 0
    assert "missing: 1\n    itm_head.bias" in capsys.readouterr().out


def test_a_run_is_described(pretrained, capsys) -> None:
    found = inspect(pretrained)
    assert found.what == "run of albefkit"
    assert found.facts["step"] == 2 and found.facts["images seen"] == 2 * 32
    assert found.facts["queue"].startswith("40 pairs")
    assert found.facts["released layout"] == "pretrain"
    assert found.missing == found.unknown == ()
    assert command("inspect", pretrained, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["parts"]["heads.itm"] == {"tensors": 2, "parameters": 2 * 16 + 2}
    assert not said["load_reports"]["vision"]["pretrained"]
    checkpoint = pretrained / "checkpoints" / "step_00000004"
    for path in (checkpoint, checkpoint / "model.safetensors"):
        assert inspect(path).facts["step"] == 4
        assert inspect(path).what == "checkpoint of a run of albefkit"


def test_shared_weights_of_two_images_are_not_missing(comparer) -> None:
    found = inspect(comparer)
    assert found.missing == found.unknown == ()
    assert found.facts["images per text"] == 2


def test_tensors_without_a_recipe_are_described(pretrained, tmp_path) -> None:
    weights = pretrained / "checkpoints" / "step_00000004" / "model.safetensors"
    bare = tmp_path / "bare.safetensors"
    bare.write_bytes(weights.read_bytes())
    found = inspect(bare)
    assert "without the recipe" in found.what
    assert found.facts["shared space"] == "8 wide" and found.facts["teacher"] == "yes"
    assert found.missing is None and found.unknown is None


def test_a_converted_run_shows_its_load_report_and_its_origin(pretrained, tmp_path, capsys) -> None:
    file, run = released_file(pretrained, tmp_path, epoch=29), tmp_path / "run"
    convert_released(file, run, Wishes(pretrained / "tokenizer.json", heads=2))
    assert command("inspect", run) == 0
    said = capsys.readouterr().out
    assert f"load report of init: {file.name}: " in said
    assert str(file) in said and "cannot be told" in said
    found = inspect(run)
    assert found.facts["epoch"] == 29 and found.facts["images seen"].startswith("cannot be told")
    assert found.missing == ("space.keys.image_id", "space.keys.text_id")
    (run / "tokenizer.json").unlink()
    assert "no tokenizer" in inspect(run).facts["cannot be rebuilt here"]
    assert inspect(run).missing is None


def test_load_reports_are_shown_as_a_run_begins_and_afterwards(tmp_path, capsys) -> None:
    save_encoder("bert", tmp_path / "bert")
    text = "{name: bert, pretrained: true, max_tokens: 12, heads: 2, feed_forward: 40}"
    edits = [f"model.text={text}", "model.fusion.from_layer=2", "data.train=16"]
    sets = [each for edit in edits for each in ("--set", edit)]
    assert command("run", MICRO, "--out", tmp_path / "run", "--max-steps", 1, *sets) == 0
    told = capsys.readouterr().out
    assert "text: bert: " in told and "loaded" in told
    assert "fusion: " not in told  # it started at random, and nothing needs to be said
    assert command("inspect", tmp_path / "run") == 0
    said = capsys.readouterr().out
    assert "load report of text: bert: " in said
    assert "load report of fusion: random weights: pretrained: false" in said


class Payload:
    """Something that runs when it is unpickled."""

    def __reduce__(self):
        return print, ("run",)


@pytest.mark.parametrize("verb", ["inspect", "convert"])
def test_a_file_that_would_run_code_is_refused(verb, tmp_path, capsys) -> None:
    torch.save({"model": {"temp": Payload()}}, tmp_path / "evil.pth")
    targets = [tmp_path / "run"] if verb == "convert" else []
    assert command(verb, tmp_path / "evil.pth", *targets) == 2
    output = capsys.readouterr()
    assert "could run its code" in output.err and "run\n" not in output.out
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("case", case_dirs("grounding"), ids=case_name)
def test_grounding_has_the_layout_of_retrieval(case, tmp_path) -> None:
    torch.save({"model": released_state(case)}, tmp_path / "refcoco.pth")
    assert "grounding" in inspect(tmp_path / "refcoco.pth").what
