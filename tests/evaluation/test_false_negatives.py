"""How often a hard negative truly matches."""

import pytest
import torch

from albefkit.alignment.in_batch import InBatch
from albefkit.alignment.momentum_queue import MomentumQueue
from albefkit.alignment.space import Space
from albefkit.distill.teacher import NoTeacher
from albefkit.engine.step import Step
from albefkit.evaluation.encoded_items import encode_items
from albefkit.evaluation.false_negatives import FalseNegatives
from albefkit.evaluation.partners import wrong_partners
from albefkit.objectives.hard_negatives import Hard
from albefkit.objectives.random_negatives import Random
from albefkit.progress import Progress
from albefkit.registry.errors import AlbefkitWarning, ComponentError, DataError
from albefkit.seeding import torch_generator
from albefkit.tensors import Batch
from tests.evaluation.diagnosed import SCENES, WIDTH, Numbers, Twins, Unknowing, network, subject

GUESSED = 100 * (20 * 2 + 4 * 1) / 24 / 23


def audit(who, negatives=None, **options):
    return FalseNegatives(negatives=negatives or Hard(), batch_size=24, **options).evaluate(who)


def test_partners_drawn_by_similarity_are_right_far_more_often_than_others():
    metrics = audit(subject(), epochs=8).metrics
    for part in ("", "_images", "_texts"):
        assert metrics[f"drawn{part}"] > 90
        assert metrics[f"random{part}"] == pytest.approx(GUESSED, abs=6)
    assert metrics["known"] == 100


def test_partners_are_those_that_a_step_of_training_would_draw():
    who = subject(space=Space(InBatch(), 0.5, None))
    who.space.eval()
    items = encode_items(who, who.dataset.split("test"))
    images, texts = wrong_partners(who, items, Hard(), SCENES)
    order = torch.randperm(SCENES, generator=torch_generator("partners", 0))
    pictures = order.float()[:, None, None, None].expand(-1, 3, 2, 2)
    batch = Batch(pictures, items.rows(order).text, order, order)
    step = Step(batch, Progress(0, 1, 1), {}, who.network, NoTeacher(), who.space)
    wrong = Hard().draw(step, torch_generator("partners", 0, 0))
    assert torch.equal(images.image, order[wrong.image]) and torch.equal(images.text, order)
    assert torch.equal(texts.text, order[wrong.text]) and torch.equal(texts.image, order)


def test_where_keys_are_the_teachers_it_is_the_teacher_who_makes_negatives_hard():
    teacher = network()
    with torch.no_grad():
        for projection in (teacher.image_projection, teacher.text_projection):
            projection.weight.copy_(torch.eye(WIDTH).roll(3, dims=1))
    space = Space(MomentumQueue(WIDTH, size=8), 0.05, None)
    found = audit(subject(teacher=teacher, space=space))
    assert found.metrics["drawn"] < 20  # three apart is no match
    assert audit(subject(space=space)).metrics["drawn"] > 90


def test_the_head_is_asked_what_it_makes_of_them():
    metrics = audit(subject()).metrics
    assert metrics["believed"] == 0  # two apart: 8 exp(-2) - 2 is below 0
    generous = subject()
    with torch.no_grad():
        generous.network.heads["itm"].bias.zero_()
    metrics = audit(generous, Random()).metrics
    assert metrics["believed"] == metrics["mistaken"] == 100
    del generous.network.heads["itm"]
    assert not {"believed", "mistaken"} & audit(generous).metrics.keys()


def test_the_right_partners_are_listed_and_every_image_has_its_figure():
    result = audit(subject(), Random(), epochs=2)
    assert result.metrics["drawn"] > 0
    pairs = list(zip(result.items["image"], result.items["text"], strict=True))
    assert pairs and all(abs(image - text) == 2 for image, text in pairs)
    assert result.items["words"] == [str(text) for _, text in pairs]
    assert len(result.sampled) == len(result.samples["drawn"]) == SCENES
    mean = sum(result.samples["drawn"]) / SCENES
    assert mean == pytest.approx(result.metrics["drawn"])


def test_the_same_seed_draws_the_same():
    assert audit(subject()).metrics == audit(subject()).metrics


def test_where_nobody_knows_only_the_alike_are_found_and_that_is_said():
    with pytest.warns(AlbefkitWarning, match="nobody knows which texts of Unknowing"):
        metrics = audit(subject(Unknowing())).metrics
    assert metrics["drawn"] == metrics["random"] == metrics["known"] == 0
    with pytest.warns(AlbefkitWarning, match="nobody knows"):
        metrics = audit(subject(Twins()), Hard(exclude="pair")).metrics
    assert metrics["drawn"] > 40 and metrics["random"] == metrics["known"] == 0


def test_without_alignment_there_is_no_similarity_to_draw_by():
    blind = subject()
    blind.network.image_projection = None
    with pytest.raises(ComponentError, match=r"drawn by similarity.*no space"):
        audit(blind)
    assert audit(blind, Random()).metrics["drawn"] == pytest.approx(GUESSED, abs=6)


def test_nobody_has_a_partner_among_the_alike():
    class Same(Numbers):
        def split(self, name):
            made = super().split(name)
            made.text = lambda index: "7"
            return made

    with pytest.raises(DataError, match="none of the 24 items has a wrong partner"):
        audit(subject(Same()))


def test_texts_with_several_images_are_refused():
    class Two(Numbers):
        def split(self, name):
            made = super().split(name)
            made.pictures = 2
            return made

    with pytest.raises(ComponentError, match="one image each"):
        audit(subject(Two()))
