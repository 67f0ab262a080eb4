"""Hidden regions: which, how, and what is asked about them."""

from __future__ import annotations

import math

import pytest
import torch
from albefkit.assemble import Assembly, assemble
from albefkit.data.sampler import Order
from albefkit.engine.step import Step
from albefkit.feeding import train_loader
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import ComponentError
from albefkit.seeding import torch_generator
from albefkit.tensors import IGNORED

from albefkit_detector import training
from albefkit_detector.masked_region_features import standard
from albefkit_detector.masked_regions import draw_hidden

START = Progress(step=1, steps_per_epoch=4, epochs=1)
BOTH = ("masked-region-classes", "masked-region-features")
FEW = (
    "data.of.train=12",
    "data.of.val=4",
    "data.of.test=4",
    "train.batch_size=4",
    "model.fusion.layers=1",
)


@pytest.fixture
def assembly(trained) -> Assembly:
    return assemble(load_recipe("baselines/detector", sets=FEW))


def step_of(assembly: Assembly) -> Step:
    batch = next(train_loader(assembly, Order(42, 12, 4)).batches())
    return assembly.pretrainer.train().step(batch, START)


def drawn(mask: torch.Tensor, probability: float = 0.15, seed: int = 0):
    return draw_hidden(mask, probability, torch_generator(seed))


def test_only_real_regions_are_hidden_and_one_at_least_of_each_picture():
    mask = torch.arange(8) < torch.tensor([1, 2, 8, 0])[:, None]
    for seed in range(30):
        hidden, places = drawn(mask, seed=seed)
        assert not (hidden & ~mask).any()
        assert (hidden.sum(1) >= torch.tensor([1, 1, 1, 0])).all() and not hidden[3].any()
        listed = places[places != IGNORED]
        assert sorted(listed.tolist()) == hidden.flatten().nonzero()[:, 0].tolist()


def test_the_share_hidden_is_what_was_asked_for():
    hidden, places = drawn(torch.ones(400, 36, dtype=torch.bool))
    assert abs(hidden.float().mean() - 0.15) < 0.01
    assert (places != IGNORED).sum() == hidden.sum()  # there is room for all
    more, _ = drawn(torch.ones(400, 36, dtype=torch.bool), probability=0.4)
    assert abs(more.float().mean() - 0.4) < 0.01


def test_how_many_rows_there_are_does_not_depend_on_what_is_hidden():
    sparse = torch.arange(8) < torch.ones(4, 1)
    assert len(drawn(sparse)[1]) == len(drawn(torch.ones_like(sparse))[1])


def test_a_view_hides_features_and_nothing_else(assembly):
    step = step_of(assembly)
    fields = step.batch.fields
    for name in BOTH:
        regions, boxes, mask = step.image_views[name].fields
        assert torch.equal(boxes, fields["region_boxes"])
        assert torch.equal(mask, fields["region_mask"])
        gone = (regions != fields["regions"]).any(2)
        places = step.image_views[name].labels
        assert places is not None
        assert gone.flatten().nonzero()[:, 0].tolist() == sorted(places[places >= 0].tolist())
        assert gone.any(1).all() and (regions[gone] == 0).all()
    first, second = (step.image_views[name].labels for name in BOTH)
    assert first is not None and second is not None and not torch.equal(first, second)


def test_each_hidden_region_is_asked_about_with_what_was_there(assembly):
    step = step_of(assembly)
    for name, field in zip(BOTH, ("region_classes", "regions"), strict=True):
        places, prediction = step.image_views[name].labels, step.predictions[name]
        assert places is not None
        rows = step.batch.fields[field]
        if field == "regions":
            rows = standard(rows, step.batch.fields["region_mask"])
        asked = (prediction.weight > 0).nonzero()[:, 0]
        truth = getattr(prediction, "answers" if field == "region_classes" else "targets")
        torch.testing.assert_close(truth[asked], rows.flatten(0, 1)[places[asked]])
        assert (places[asked] != IGNORED).all() and len(asked) == (places != IGNORED).sum()
    assert step.predictions[BOTH[0]].chance == math.log(112)


def test_spare_rows_change_nothing_and_are_no_cause_for_alarm(assembly):
    step = step_of(assembly)
    for name in BOTH:
        prediction = step.predictions[name]
        loss = prediction.loss()
        values = prediction.logits if name == BOTH[0] else prediction.values
        assert (prediction.weight == 0).any()
        with torch.no_grad():
            values[prediction.weight == 0] += 100
        torch.testing.assert_close(prediction.loss(), loss)
        assert "skipped" not in prediction.metrics()
    hidden = (step.image_views[BOTH[0]].labels != IGNORED).sum()  # type: ignore[union-attr]
    assert step.predictions[BOTH[0]].metrics()["rows"] == hidden


def test_every_weight_learns(assembly):
    pretrainer = assembly.pretrainer.train()
    batch = next(train_loader(assembly, Order(42, 12, 4)).batches())
    report = pretrainer(batch, START)
    report.loss.backward()
    assert set(report.losses) == {"itm", "mlm", *BOTH} and report.loss.isfinite()
    assert all(each.grad is not None for each in pretrainer.parameters())


def test_dropping_one_leaves_the_others_as_they_were(assembly, trained):
    whole = step_of(assembly)
    for name in (*BOTH, "mlm"):
        recipe = load_recipe("baselines/detector", sets=FEW, drops=[name])
        left = step_of(assemble(recipe))
        assert left.predictions.keys() == whole.predictions.keys() - {name}
        for other in left.predictions:
            torch.testing.assert_close(
                left.predictions[other].loss(), whole.predictions[other].loss()
            )


def test_words_matter_to_what_is_said_about_hidden_regions(assembly):
    step = step_of(assembly)
    pretrainer = assembly.pretrainer
    text = pretrainer.student.text
    assert text is not None
    with torch.no_grad():
        text.word_embeddings.weight.add_(torch.randn_like(text.word_embeddings.weight))
    other = pretrainer.step(step.batch, START)
    assert not torch.allclose(step.predictions[BOTH[0]].loss(), other.predictions[BOTH[0]].loss())


def test_a_teacher_can_be_asked_too(trained):
    sets = [*FEW, "objectives.mod={alpha: 0.4}", "teacher={type: momentum}"]
    step = step_of(assemble(load_recipe("baselines/detector", sets=sets)))
    assert all(step.predictions[name].advice is not None for name in BOTH)


def test_features_are_counted_in_units_of_their_spread():
    torch.manual_seed(0)
    features = 5 + 3 * torch.randn(40, 8, 6)
    mask = torch.rand(40, 8) < 0.5
    features[~mask] = 1e6
    real = standard(features, mask)[mask]
    torch.testing.assert_close(real.mean(0), torch.zeros(6), atol=1e-5, rtol=0)
    torch.testing.assert_close(real.square().mean(), torch.tensor(1.0))
    assert standard(torch.ones(2, 3, 4), torch.ones(2, 3, dtype=torch.bool)).isfinite().all()


@pytest.mark.parametrize("name", BOTH)
def test_an_encoder_of_pixels_is_refused(name):
    classes = {"masked-region-classes": "{classes: 112}"}.get(name, "{}")
    sets = [f"objectives.{name}={classes}", "data.train=12", "data.val=4", "data.test=4"]
    with pytest.raises(ComponentError, match="hides regions, and Patches reads something else"):
        assemble(load_recipe("baselines/vilt", sets=sets))


def test_fusion_that_leaves_regions_alone_is_refused(trained):
    fusion = "{type: cross-attention, from_layer: 0, layers: 1, heads: 4, feed_forward: 64, "
    recipe = load_recipe(
        "baselines/detector", sets=[*FEW, f"model.fusion={fusion}pretrained: false}}"]
    )
    with pytest.raises(ComponentError, match="CrossAttention gives none"):
        step_of(assemble(recipe))


def test_another_number_of_classes_is_refused_with_the_one_to_say(trained):
    recipe = load_recipe(
        "baselines/detector", sets=[*FEW, "objectives.masked-region-classes.classes=90"]
    )
    with pytest.raises(ComponentError, match="Say 'classes: 112'"):
        step_of(assemble(recipe))


@pytest.mark.slow
def test_hidden_regions_are_found_from_words(learnt, monkeypatch):
    """64 scenes by heart: the words say what is hidden."""
    monkeypatch.setattr(training, "train", lambda **options: learnt)
    sets = [*FEW[1:3], "data.of.train=64", "data.of.noise=0", "train.batch_size=32"]
    assembly = assemble(load_recipe("baselines/detector", sets=sets))
    optimizer = torch.optim.Adam(assembly.pretrainer.parameters(), lr=1e-3)
    losses = []
    source = train_loader(assembly, Order(42, 64, 32)).batches(0, 200)
    for number, batch in enumerate(source):
        progress = Progress(step=number, steps_per_epoch=2, epochs=100)
        report = assembly.pretrainer.train()(batch, progress)
        optimizer.zero_grad()
        report.loss.backward()
        optimizer.step()
        losses.append({name: float(report.losses[name].detach()) for name in report.losses})
    assert losses[-1]["mlm"] < losses[0]["mlm"] / 2
    assert losses[-1][BOTH[0]] < 0.7 * math.log(112) and losses[-1][BOTH[1]] < 0.8
