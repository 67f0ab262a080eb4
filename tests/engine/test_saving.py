"""Run folders, checkpoints, and the files of a run."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from albefkit.engine.checkpoint import Checkpoints
from albefkit.engine.files import read_json, write_json, write_text
from albefkit.engine.keeping import LogFile, MetricsFile, TensorBoard
from albefkit.engine.records import Plan, Record
from albefkit.engine.run_directory import find_run, new_run_directory
from albefkit.evaluation.base import Result
from albefkit.registry.errors import DataError, RecipeError


class Tied(nn.Module):
    """Two names for one weight, as in a language model."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(3, 3)
        self.other = nn.Linear(3, 3)
        self.other.weight = self.one.weight


def test_a_run_gets_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("ALBEFKIT_RUNS", str(tmp_path))
    runs = [new_run_directory(None, "tiny", "0123456789abcdef", 42) for _ in range(2)]
    assert runs[0].path.parent == tmp_path / "tiny"
    assert "-01234567-s42" in runs[0].path.name
    assert runs[0].path != runs[1].path


def test_an_empty_folder_may_be_given(tmp_path):
    assert new_run_directory(tmp_path, "tiny", "0" * 16, 1).path == tmp_path


def test_nothing_is_written_into_a_foreign_folder(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RecipeError, match="holds no run: nothing is written there"):
        new_run_directory(tmp_path, "tiny", "0" * 16, 1)


def test_a_run_is_not_overwritten(tmp_path):
    (tmp_path / "resolved.yaml").touch()
    with pytest.raises(RecipeError, match="--resume goes on with it"):
        new_run_directory(tmp_path, "tiny", "0" * 16, 1)


def test_a_file_in_the_way_is_no_traceback(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RecipeError, match="--out"):
        new_run_directory(tmp_path / "file" / "run", "tiny", "0" * 16, 1)


def test_the_newest_run_of_a_recipe_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("ALBEFKIT_RUNS", str(tmp_path))
    with pytest.raises(RecipeError, match="no run of 'tiny'"):
        find_run(None, "tiny")
    for name in ("20260101-000000-aa-s1", "20260102-000000-aa-s1"):
        (tmp_path / "tiny" / name).mkdir(parents=True)
        (tmp_path / "tiny" / name / "resolved.yaml").touch()
    assert find_run(None, "tiny").path.name == "20260102-000000-aa-s1"
    with pytest.raises(RecipeError, match="no run to go on with"):
        find_run(tmp_path, "tiny")


def test_status(tmp_path):
    run = new_run_directory(tmp_path / "run", "tiny", "0" * 16, 1)
    assert run.status == ""
    run.status = "running"
    assert run.status == "running"


def test_a_checkpoint_brings_back_weights_and_state(tmp_path):
    saved, loaded = Tied(), Tied()
    checkpoint = Checkpoints(tmp_path, 2).save(3, saved, {"training": {"step": 3}}, {"epoch": 0.5})
    state = checkpoint.load(loaded, torch.device("cpu"))
    assert torch.equal(loaded.one.weight, saved.one.weight)
    assert loaded.other.weight is loaded.one.weight
    assert state == {"training": {"step": 3}}
    assert checkpoint.meta() == {"step": 3, "epoch": 0.5}
    assert not list(tmp_path.glob(".*"))


def test_a_checkpoint_of_another_network_is_refused_in_words(tmp_path):
    checkpoint = Checkpoints(tmp_path, 2).save(1, nn.Linear(3, 3), {}, {})
    with pytest.raises(DataError, match="cannot be loaded"):
        checkpoint.load(nn.Linear(4, 4), torch.device("cpu"))


def test_a_full_disk_is_an_error_in_words_and_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    checkpoints = Checkpoints(tmp_path, 2)
    checkpoints.save(1, nn.Linear(3, 3), {}, {})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(DataError, match=r"cannot be written.*No space left"):
        checkpoints.save(2, nn.Linear(3, 3), {}, {})
    assert checkpoints.last().meta()["step"] == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["last", "step_00000001"]


@pytest.mark.parametrize("file", ["model.safetensors", "state.pt"])
def test_a_damaged_checkpoint_is_refused_in_words(tmp_path, file):
    checkpoint = Checkpoints(tmp_path, 2).save(1, nn.Linear(3, 3), {}, {})
    (checkpoint.path / file).write_bytes(b"nonsense")
    with pytest.raises(DataError, match="cannot be loaded"):
        checkpoint.load(nn.Linear(3, 3), torch.device("cpu"))


def test_state_that_could_run_code_is_not_loaded(tmp_path):
    class Evil:
        def __reduce__(self):
            return print, ("ran",)

    checkpoint = Checkpoints(tmp_path, 2).save(1, nn.Linear(3, 3), {}, {})
    torch.save(Evil(), checkpoint.path / "state.pt")
    with pytest.raises(DataError, match="cannot be loaded"):
        checkpoint.load(nn.Linear(3, 3), torch.device("cpu"))


def test_files_are_whole_or_not_there(tmp_path):
    path = tmp_path / "file.json"
    write_json(path, {"one": 1})
    with pytest.raises(ValueError, match="JSON"):
        write_json(path, {"nan": float("nan")})
    assert read_json(path) == {"one": 1}
    write_text(path, "two")
    assert [each.name for each in tmp_path.iterdir()] == ["file.json"]


def record(step: int) -> Record:
    return Record(step=step, epoch=step / 10, lr=1e-3, losses={"itc": 2.0}, floors={"itc": 4.0})


RESULT = Result("test", {"text_r1": 50.0}, 50.0)


def test_metrics_are_lines_of_json(tmp_path):
    metrics = MetricsFile(tmp_path / "metrics.jsonl")
    metrics.begin(Plan("tiny", 10))
    metrics.record(record(1))
    metrics.result("retrieval", 1, RESULT)
    first, second = map(json.loads, (tmp_path / "metrics.jsonl").read_text().splitlines())
    assert first["losses"] == {"itc": 2.0} and first["floors"] == {"itc": 4.0}
    assert second["evaluation"] == "retrieval" and second["metrics"] == {"text_r1": 50.0}


def test_a_resumed_run_forgets_what_came_after_its_checkpoint(tmp_path):
    path = tmp_path / "metrics.jsonl"
    metrics = MetricsFile(path)
    for step in (1, 2, 3):
        metrics.record(record(step))
    with path.open("a") as file:
        file.write('{"step": 4, "los')  # cut off by a crash
    metrics.begin(Plan("tiny", 10, first_step=2))
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [1, 2]


def test_the_log_says_it_in_words(tmp_path):
    log = LogFile(tmp_path / "log.txt")
    log.begin(Plan("tiny", 10))
    log.record(record(1))
    log.warn("careful")
    log.result("retrieval", 1, RESULT)
    text = (tmp_path / "log.txt").read_text()
    assert "step 1/10" in text
    assert "itc 2.000 (chance 4.000)" in text
    assert "WARNING careful" in text
    assert "retrieval on test: text_r1 50.0" in text


def test_tensorboard_gets_events(tmp_path):
    pytest.importorskip("tensorboard")
    board = TensorBoard(tmp_path / "events")
    board.record(record(1))
    board.result("retrieval", 1, RESULT)
    board.end()
    assert list((tmp_path / "events").glob("events*"))
