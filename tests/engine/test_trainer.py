"""The loop, with a toy step."""

from __future__ import annotations

import pytest
import torch

from albefkit.engine.signals import Interruption
from albefkit.registry.errors import Interrupted, NumericError
from tests.engine.toys import ToyPretrainer, ToySource, toy_trainer


def weights(trainer):
    return {name: value.clone() for name, value in trainer._pretrainer.state_dict().items()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


def stop_after(trainer, step):
    """Somebody presses Ctrl-C while step number `step` is taken."""
    interruption = Interruption()
    take = trainer._stepper.take

    def take_and_stop(number, batches):
        interruption.requested = number + 1 == step
        return take(number, batches)

    trainer._stepper.take = take_and_stop
    return interruption


def test_training_learns_something_and_ends_where_it_should():
    trainer, ears = toy_trainer(epochs=30)
    trainer.train(Interruption())
    assert trainer.state.step == trainer.total_steps == 120
    assert ears.steps == list(range(1, 121))
    early, late = ears.records[:10], ears.records[-10:]
    assert sum(r.losses["sum"] for r in late) < sum(r.losses["sum"] for r in early)
    assert [record.step for record in ears.records] == list(range(2, 121, 2))
    assert ears.records[-1].epoch == 30.0


def test_the_last_step_is_logged_whatever_the_interval():
    trainer, ears = toy_trainer(log_every=5)
    trainer.train(Interruption())
    assert [record.step for record in ears.records] == [5, 10, 12]


def test_max_steps_ends_training():
    trainer, ears = toy_trainer(max_steps=5)
    trainer.train(Interruption())
    assert trainer.state.step == 5
    assert ears.plans[0].total_steps == 5


def test_the_same_seed_gives_the_same_weights():
    runs = []
    for _ in range(2):
        trainer, _ = toy_trainer()
        trainer.train(Interruption())
        runs.append(weights(trainer))
    assert_same(*runs)


@pytest.mark.parametrize("accumulate", [1, 2])
@pytest.mark.parametrize("stop", [1, 3, 4, 5])
def test_a_resumed_run_is_the_uninterrupted_run(tmp_path, stop, accumulate):
    whole, all_ears = toy_trainer(tmp_path / "whole", accumulate=accumulate)
    whole.train(Interruption())

    first, first_ears = toy_trainer(tmp_path / "parts", accumulate=accumulate)
    with pytest.raises(Interrupted, match=f"after step {stop} of"):
        first.train(stop_after(first, stop))
    second, second_ears = toy_trainer(tmp_path / "parts", accumulate=accumulate)
    second.resume(second._checkpoints.last())
    assert second.state.step == stop
    second.train(Interruption())

    assert_same(weights(second), weights(whole))
    averages = [
        (record.step, record.losses, record.bounds, record.lr)
        for record in first_ears.records + second_ears.records
    ]
    expected = [(record.step, r.losses, r.bounds, r.lr) for r in all_ears.records for record in [r]]
    assert averages == expected


def test_a_finished_run_has_nothing_left_to_do(tmp_path):
    trainer, _ = toy_trainer(tmp_path)
    trainer.train(Interruption())
    again, ears = toy_trainer(tmp_path)
    again.resume(again._checkpoints.last())
    again.train(Interruption())
    assert ears.steps == []
    assert_same(weights(again), weights(trainer))


def test_an_accumulated_step_begins_once_and_takes_several_batches():
    pretrainer = ToyPretrainer()
    trainer, _ = toy_trainer(pretrainer=pretrainer, accumulate=2, epochs=1)
    trainer.train(Interruption())
    assert pretrainer.began == [0, 1]
    assert pretrainer.saw == [0, 1, 2, 3]


def test_the_source_is_closed_however_training_ends():
    source = ToySource()
    trainer, _ = toy_trainer(source=source, pretrainer=ToyPretrainer(breaks_at=2))
    with pytest.raises(NumericError):
        trainer.train(Interruption())
    assert source.closed == 1


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_loss_that_is_not_finite_is_named_with_its_step_and_items(tmp_path, accumulate):
    broken = ToyPretrainer(breaks_at=1)
    trainer, _ = toy_trainer(tmp_path, pretrainer=broken, accumulate=accumulate)
    with pytest.raises(NumericError, match=r"the loss of sum is not finite in step 1\.") as caught:
        trainer.train(Interruption())
    batches = caught.value.dump["batches"]
    assert [batch["cursor"] for batch in batches] == list(range(accumulate, 2 * accumulate))
    assert trainer._checkpoints.last() is None


def test_each_epoch_leaves_a_checkpoint_and_the_last_are_kept(tmp_path):
    trainer, _ = toy_trainer(tmp_path, epochs=4, keep_checkpoints=2)
    trainer.train(Interruption())
    names = sorted(path.name for path in tmp_path.glob("step_*"))
    assert names == ["step_00000012", "step_00000016"]
    assert trainer._checkpoints.last().meta()["step"] == 16
    assert trainer._checkpoints.best() is None


def test_the_best_checkpoint_is_kept(tmp_path):
    trainer, ears = toy_trainer(
        tmp_path, epochs=4, keep_checkpoints=1, evaluate_every=1, scores=[3.0, 7.0, 5.0, 6.0]
    )
    trainer.train(Interruption())
    assert trainer._checkpoints.best().meta()["score"] == 7.0
    assert trainer._checkpoints.best().meta()["step"] == 8
    assert sorted(path.name for path in tmp_path.glob("step_*")) == [
        "step_00000008",
        "step_00000016",
    ]
    assert [(step, result.split) for _, step, result in ears.results] == [
        (4, "val"),
        (8, "val"),
        (12, "val"),
        (16, "val"),
    ]


def test_evaluation_is_in_evaluation_mode_and_training_goes_on_after_it():
    trainer, _ = toy_trainer(scores=[1.0])
    modes = []
    examine = trainer._examine
    trainer._examine = lambda split: (modes.append(trainer._pretrainer.training), examine(split))[1]
    trainer.evaluate("val")
    assert modes == [False]
    assert trainer._pretrainer.training


def test_gradients_are_clipped():
    trainer, ears = toy_trainer(clip_norm=1e-6)
    trainer.train(Interruption())
    assert ears.records[0].metrics["gradient_norm"] > 1e-6


def test_what_the_optimizer_has_to_say_is_said():
    from albefkit.distill.staircase import Staircase
    from albefkit.engine.adamw import AdamW

    trainer, ears = toy_trainer(max_steps=1)
    trainer._recipe = AdamW(lr=Staircase(peak=0.1))
    trainer.train(Interruption())
    assert "the warm-up takes 2000 steps" in ears.warnings[0]
