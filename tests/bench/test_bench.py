"""`albefkit bench` through the command line, on a micro recipe."""

from __future__ import annotations

import json
import time
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from albefkit.bench.clock import PhaseClock
from albefkit.bench.growth import Point, exponents, write_plot
from albefkit.bench.race import race
from albefkit.bench.work import Contender
from albefkit.cli.main import main

MICRO = str(Path(__file__).parent.parent / "micro.yaml")
SMALL_VQA = """
data: {train: 32, val: 4, test: 8}
train: {batch_size: 4, workers: 0, precision: fp32}
"""
PHASES = {"vision", "text", "fusion", "heads", "teacher", "teacher update", "data", "backward"}


def bench(verb, *arguments, out: Path, recipe: str | Path = MICRO) -> dict:
    file = out / "figures.json"
    with pytest.raises(SystemExit) as leaving:
        main(["bench", verb, str(recipe), *map(str, arguments), "--json", str(file)])
    assert not leaving.value.code
    return json.loads(file.read_text())


def test_a_step_is_timed_beside_the_released_one(tmp_path, capsys):
    like_it = ("--set", "alignment.keys.unfilled=random")
    rounds = ("--rounds", 3, "--warmup", 1)
    found = bench("step", "--against", "reference", *like_it, *rounds, out=tmp_path)
    assert set(found["phases_ms"]) >= PHASES
    assert sum(found["phases_ms"].values()) == pytest.approx(1000 * found["seconds"], rel=0.3)
    other = found["against"]
    assert found["ratio"] == pytest.approx(other["seconds"] / found["seconds"])
    assert found["samples_per_second"] == pytest.approx(8 / found["seconds"])
    assert other["flops"] > found["flops"] > 0 and found["peak_memory_bytes"] > 50e6
    said = capsys.readouterr().out
    assert "times as fast as reference" in said and "teacher update" in said


@pytest.mark.slow
def test_reranking_is_timed_beside_the_released_one(tmp_path):
    sizes = ("--images", 4, "--texts", 8, "--k", 3, "--rounds", 2)
    found = bench("rerank", *sizes, "--against", "reference", out=tmp_path)
    assert found["samples_per_second"] == pytest.approx(12 / found["seconds"])
    assert found["against"]["flops"] > found["flops"] > 0


@pytest.mark.slow
def test_ranking_of_answers_is_timed_beside_the_released_one(tmp_path):
    recipe = tmp_path / "vqa.yaml"
    recipe.write_text(f"extends: downstream/vqa\n{SMALL_VQA}")
    sizes = ("--questions", 3, "--listed", 20, "--k", 5, "--rounds", 2)
    found = bench("answers", *sizes, "--against", "reference", out=tmp_path, recipe=recipe)
    assert found["samples_per_second"] == pytest.approx(3 / found["seconds"])
    assert found["against"]["flops"] > found["flops"] > 0


@pytest.mark.slow
def test_a_change_is_timed_beside_none(tmp_path):
    found = bench("step", "--against", "train.batch_size=4", "--rounds", 2, out=tmp_path)
    assert found["against"]["name"] == "train.batch_size=4"
    assert found["flops"] > found["against"]["flops"]


def test_what_cannot_be_compared_is_refused_before_anything_is_timed(capsys):
    for against, said in (("train.batch=4", "train.batch"), ("no_such_recipe", "no_such_recipe")):
        with pytest.raises(SystemExit) as leaving:
            main(["bench", "step", MICRO, "--against", against])
        assert leaving.value.code == 2
        assert said in capsys.readouterr().err


@pytest.mark.slow
def test_the_supply_of_data_is_timed(tmp_path):
    found = bench("data", "--rounds", 3, out=tmp_path)
    assert found["ratio"] == pytest.approx(found["samples_per_second"] / found["taken_per_second"])


def test_phases_are_counted_without_what_lies_inside():
    clock, inner = PhaseClock(torch.device("cpu")), nn.Identity()
    clock.watch(inner, "inner")
    with clock.phase("outer"):
        time.sleep(0.02)
        inner.register_forward_hook(lambda *_: time.sleep(0.05), prepend=True)
        inner(torch.zeros(1))
    found = clock.read()
    assert 0.015 < found["outer"] < 0.045 < found["inner"]
    assert clock.read() == {}


def test_exponents_are_those_of_powers(tmp_path):
    points = [Point("batch", size, 3e-3 * size**1.5, 7 * size**2) for size in (2, 4, 8)]
    assert exponents(points) == pytest.approx((1.5, 2.0))
    everything = [
        Point(axis, size, 0.1 * size, size)
        for axis in ("batch", "queue", "tokens", "image")
        for size in (0, 2, 4)
    ]
    write_plot(everything, tmp_path / "plot.svg")
    assert "<svg" in (tmp_path / "plot.svg").read_text()


def _dies() -> None:
    raise SystemExit(3)


def test_a_contender_that_dies_is_named():
    from albefkit.registry.errors import ComponentError

    with pytest.raises(ComponentError, match="doomed: its process died"):
        race([Contender("doomed", partial(_dies))], 1, 0, lambda what: None)
