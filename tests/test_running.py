"""Whole runs of a micro recipe, through the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from albefkit.cli.main import main
from albefkit.engine.stepping import Stepper

MICRO = str(Path(__file__).parent / "micro.yaml")


def run(*arguments: object, recipe: str = MICRO) -> int:
    """The command line's exit code."""
    try:
        main(["run", recipe, *map(str, arguments)])
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


@pytest.fixture(autouse=True)
def home(tmp_path_factory, tmp_path, monkeypatch):
    monkeypatch.setenv("ALBEFKIT_HOME", str(tmp_path_factory.getbasetemp() / "home"))
    monkeypatch.chdir(tmp_path)


def interrupt_after(monkeypatch, step):
    """Press Ctrl-C while a step is taken."""
    take = Stepper.take

    def take_and_stop(self, number, batches):
        report = take(self, number, batches)
        if number + 1 == step:
            os.kill(os.getpid(), signal.SIGINT)
        return report

    monkeypatch.setattr(Stepper, "take", take_and_stop)


def lines(folder: Path) -> list[dict]:
    """What `metrics.jsonl` says, apart from what a clock decides."""
    found = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    for line in found:
        line.pop("pace", None)
    return found


def test_a_locked_run_insists_on_the_components_that_were_pinned(tmp_path, capsys):
    lock, folder = tmp_path / "micro.lock.json", tmp_path / "run"
    with pytest.raises(SystemExit) as leaving:
        main(["lock", MICRO, "--out", str(lock)])
    assert not leaving.value.code
    assert run("--lock", lock, "--out", folder, "--max-steps", 1, "--set", "evaluate=null") == 0
    lock.write_text(lock.read_text().replace('"version": "', '"version": "9.'))
    capsys.readouterr()
    assert run("--lock", lock, "--out", tmp_path / "another") == 2
    assert "version: was 9." in capsys.readouterr().err
    assert not (tmp_path / "another").exists()


def test_a_run_leaves_everything_behind(tmp_path, capsys):
    folder = tmp_path / "run"
    assert run("--out", folder, "--tensorboard", "--set", "train.evaluate_every=1") == 0
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "STATUS", "checkpoints", "eval", "events", "log.txt", "manifest.json", "metrics.jsonl",
        "recipe.yaml", "resolved.yaml", "summary.json", "tokenizer.json",
    }  # fmt: skip
    assert (folder / "STATUS").read_text() == "done\n"
    assert (folder / "recipe.yaml").read_text() == Path(MICRO).read_text()
    summary = json.loads((folder / "summary.json").read_text())
    assert set(summary) == {"retrieval", "train"}
    assert set(summary["train"]) == {"seconds", "steps", "images_per_second"}
    assert summary["train"]["steps"] == 16
    expected = {f"{way}_r{cut}" for way in ("text", "image") for cut in (1, 5, 10)}
    assert expected <= set(summary["retrieval"])
    assert all(0 <= value <= 100 for value in summary["retrieval"].values())
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["pretrained"] is False
    assert torch.__version__.startswith(manifest["versions"]["torch"])
    assert {"path", "kind", "type", "distribution", "version", "class"} == set(
        manifest["components"][0]
    )
    items = json.loads((folder / "eval" / "retrieval.json").read_text())["items"]
    assert len(items["text_rank"]) == len(items["image_rank"]) == 16
    checkpoints = folder / "checkpoints"
    assert (checkpoints / "last").read_text() == "step_00000016\n"
    assert (checkpoints / "best").read_text().startswith("step_000000")
    splits = [line["split"] for line in lines(folder) if "evaluation" in line]
    assert splits == ["val", "val", "test"]
    out = capsys.readouterr().out
    assert "retrieval.text_r1" in out and "chance" in out


def test_the_resolved_recipe_runs_the_same(tmp_path):
    assert run("--out", "one", "--max-steps", 3) == 0
    assert run("--out", "two", recipe="one/resolved.yaml") == 0
    assert lines(tmp_path / "one") == lines(tmp_path / "two")


@pytest.mark.parametrize("stop", [2, 8, 11])
def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(tmp_path, monkeypatch, capsys, stop):
    assert run("--out", "whole") == 0
    with monkeypatch.context() as patch:
        interrupt_after(patch, stop)
        assert run("--out", "parts") == 5
    assert (tmp_path / "parts" / "STATUS").read_text() == "interrupted\n"
    assert f"stopped after step {stop} of 16" in capsys.readouterr().err
    assert json.loads(Path("parts/summary.json").read_text())["train"]["steps"] == stop
    assert run("--resume", recipe="parts") == 0
    assert f"micro: step {stop} of 16" in capsys.readouterr().out

    weights = [
        load_file(tmp_path / each / "checkpoints/step_00000016/model.safetensors")
        for each in ("whole", "parts")
    ]
    assert weights[0].keys() == weights[1].keys()
    for name, weight in weights[0].items():
        assert torch.equal(weight, weights[1][name]), name
    assert lines(tmp_path / "whole") == lines(tmp_path / "parts")


def test_a_changed_recipe_is_not_resumed(monkeypatch, capsys):
    interrupt_after(monkeypatch, 2)
    assert run("--out", "run") == 5
    capsys.readouterr()
    assert run("--resume", "--out", "run", "--set", "optimizer.lr.peak=0.5", "--seed", "7") == 2
    err = capsys.readouterr().err
    assert "-> 0.5" in err
    assert "train.seed: 42 -> 7" in err
    assert run("--resume", "run", "--set", "train.log_every=1") == 0


def edit(path: Path, change) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def test_other_data_or_other_processes_are_not_resumed(monkeypatch, capsys):
    with monkeypatch.context() as patch:
        interrupt_after(patch, 2)
        assert run("--out", "run") == 5
    meta = Path("run/checkpoints/step_00000002/meta.json")
    edit(meta, lambda value: value.update(processes=8))
    assert run("--resume", "run") == 2
    assert "this run had 8 processes, and now there are 1" in capsys.readouterr().err
    edit(meta, lambda value: value.update(processes=1))
    edit(Path("run/manifest.json"), lambda value: value["data"].update(train="others"))
    assert run("--resume", "run") == 3
    assert "the training data have changed" in capsys.readouterr().err


def test_a_finished_run_is_only_evaluated_again():
    assert run("--out", "run", "--max-steps", "2") == 0
    before = Path("run/summary.json").read_text()
    options = ("--max-steps", "2", "--set", "evaluate.retrieval.rerank=0")
    assert run("--resume", "run", *options) == 0
    first, second = json.loads(before), json.loads(Path("run/summary.json").read_text())
    assert first["train"] == second["train"]
    assert second["retrieval"]["text_r1"] == second["retrieval"]["itc_text_r1"]


def test_nothing_is_overwritten(tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    assert run("--out", "mine") == 2
    assert "holds no run: nothing is written there" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_a_run_goes_below_runs_and_resume_finds_it(monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        interrupt_after(patch, 2)
        assert run() == 5
    assert run("--resume") == 0
    (folder,) = (tmp_path / "runs" / "micro").iterdir()
    assert (folder / "STATUS").read_text() == "done\n"


def test_a_dry_run_writes_nothing(tmp_path, capsys):
    assert run("--dry-run") == 0
    out = capsys.readouterr().out
    assert "8 x 3 x 32 x 32" in out
    assert "one step:" in out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--drop", "mod"),
        ("--drop", "mod", "--set", "alignment.keys=in-batch", "--set", "teacher=null"),
        ("--drop", "itc", "--set", "objectives.itm.negatives=random", "--drop", "mod"),
        ("--set", "objectives={itc: {}}"),
        ("--set", "objectives={itm: {negatives: random}}"),
        ("--set", "train.accumulate=3", "--set", "train.clip_norm=1.0"),
        ("--set", "train.batch_size=1", "--max-steps", "2"),
        ("--set", "train.precision=bf16", "--max-steps", "2"),
    ],
)
def test_ablations_train_and_are_evaluated(arguments, recwarn):
    assert run("--out", "run", *arguments) == 0
    assert "text_r1" in json.loads(Path("run/summary.json").read_text())["retrieval"]


def test_tensorboard_is_missed_before_anything_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("albefkit.engine.keeping.find_spec", lambda name: None)
    assert run("--tensorboard") == 2
    assert "TensorBoard is not installed" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_full_gpu_is_an_error_in_words(monkeypatch, capsys):
    def full(*_):
        raise torch.OutOfMemoryError("tried to allocate 20 GiB")

    monkeypatch.setattr(Stepper, "take", full)
    assert run("--out", "run") == 2
    assert "a smaller train.batch_size" in capsys.readouterr().err
    assert Path("run/STATUS").read_text() == "failed\n"


def test_a_device_that_is_not_there(capsys):
    if torch.cuda.is_available():
        pytest.skip("there is one")
    assert run("--device", "cuda") == 2
    assert "there is no GPU" in capsys.readouterr().err


def test_a_loss_that_is_not_finite_leaves_with_its_own_code(capsys):
    assert run("--out", "run", "--set", "optimizer.lr=1e30", "--set", "train.max_steps=16") == 4
    assert "is not finite in step" in capsys.readouterr().err
    assert Path("run/STATUS").read_text() == "failed\n"
    assert len(json.loads(Path("run/not_finite.json").read_text())["batches"][0]["items"]) == 8


def test_a_folder_without_resume_is_refused(capsys):
    assert run("somewhere") == 2
    assert "a folder goes with --out or --resume" in capsys.readouterr().err


TWO = """
import torch
from albefkit.cli.main import main
from albefkit.distributed import gather_rows
from albefkit.engine.trainer import Trainer

save = Trainer.save
def compare_and_save(self, score=None):
    state = self._pretrainer.state_dict().values()
    sums = gather_rows(torch.stack([weight.double().sum() for weight in state])[None])
    assert torch.equal(sums[0], sums[1]), "ranks differ"
    return save(self, score)
Trainer.save = compare_and_save
main()
"""


def test_two_processes_train_one_model(tmp_path):
    (tmp_path / "two.py").write_text(TWO)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    command += ["two.py", "run", MICRO, "--out", "run", "--set", "train.batch_size=4"]
    command += ["--set", "train.accumulate=2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(Path("run/summary.json").read_text())["train"]["steps"] == 8
    assert json.loads(Path("run/manifest.json").read_text())["processes"] == 2
