"""Word-patch alignment: the plan is about the best there is, and only words and patches count."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.optimize import linprog
from torch import Tensor
from torch.nn import functional as F

from albefkit.assemble import Assembly, assemble
from albefkit.data.sampler import Order
from albefkit.engine.step import Step
from albefkit.feeding import train_loader
from albefkit.objectives.optimal_transport import cosine_cost, transport_plan
from albefkit.objectives.word_patch import WordPatch
from albefkit.predictions import Penalty
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import ComponentError
from albefkit.tensors import Encoded, Fused, Pairs, TextView

MICRO = Path(__file__).parents[1] / "micro.yaml"
P, L, N, D = 6, 7, 5, 8
PAD, WORD, CLS, SEP = 0, 9, 2, 3


def costs(seed: int = 0, pairs: int = P) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(pairs, L + N, D, generator=generator, dtype=torch.float64)
    return cosine_cost(tokens[:, :L], tokens[:, L:])


def least_cost(cost: Tensor) -> float:
    """What the best plan costs, by linear programming."""
    left, right = cost.shape
    sums = [np.kron(np.eye(left), np.ones(right)), np.kron(np.ones(left), np.eye(right))]
    shares = [np.full(left, 1 / left), np.full(right, 1 / right)]
    solved = linprog(cost.flatten().numpy(), A_eq=np.concatenate(sums), b_eq=np.concatenate(shares))
    assert solved.success
    return float(solved.fun)


def everything(*shape: int) -> Tensor:
    return torch.ones(shape, dtype=torch.bool)


def test_the_plan_comes_near_the_least_cost_and_nearer_with_time() -> None:
    cost = costs(pairs=40)
    least = torch.tensor([least_cost(each) for each in cost], dtype=torch.float64)
    excess = {}
    for iterations in (10, 50, 1000):
        plan = transport_plan(cost, everything(40, L), everything(40, N), iterations=iterations)
        excess[iterations] = (cost * plan).sum((1, 2)) - least
    assert excess[50].max() < 0.02 and excess[50].mean() < 0.004  # costs are around 0.65
    assert excess[1000].abs().max() < 0.001
    assert excess[10].mean() > excess[50].mean() > excess[1000].mean()


def test_a_plan_carries_everything_somewhere() -> None:
    plan = transport_plan(costs(), everything(P, L), everything(P, N))
    assert plan.min() >= 0
    expected = torch.full((P, N), 1 / N, dtype=torch.float64)
    torch.testing.assert_close(plan.sum(1), expected)
    torch.testing.assert_close(plan.sum(2), torch.full_like(plan.sum(2), 1 / L), atol=0.02, rtol=0)


def test_tokens_that_are_not_real_get_nothing_and_change_nothing() -> None:
    cost = costs()
    left = torch.arange(L) < torch.tensor([7, 3, 1, 4, 0, 2])[:, None]
    right = torch.arange(N) < torch.tensor([2, 5, 1, 3, 4, 0])[:, None]
    plan = transport_plan(cost, left, right)
    assert plan[~(left[:, :, None] & right[:, None, :])].count_nonzero() == 0
    assert plan[4:].count_nonzero() == 0
    for pair in range(4):
        words, patches = int(left[pair].sum()), int(right[pair].sum())
        small = cost[pair : pair + 1, :words, :patches]
        alone = transport_plan(small, everything(1, words), everything(1, patches))
        torch.testing.assert_close(plan[pair, :words, :patches], alone[0])


@pytest.mark.parametrize("beta", [0.05, 0.5, 5.0])
def test_hard_cases_stay_finite_in_single_precision(beta: float) -> None:
    cost = torch.stack([torch.zeros(40, 60), torch.full((40, 60), 2.0), 2 * torch.eye(40, 60)])
    plan = transport_plan(cost, everything(3, 40), everything(3, 60), beta=beta)
    assert plan.isfinite().all()
    torch.testing.assert_close(plan.sum((1, 2)), torch.ones(3))


def question(weight: Tensor | None = None, **settings) -> tuple[WordPatch, Step, SimpleNamespace]:
    """As much of a step as pricing takes: three texts, each with its own and a wrong image."""
    generator = torch.Generator().manual_seed(2)
    ids = torch.full((3, L), WORD)
    ids[:, 0] = CLS
    for row, length in enumerate((7, 4, 2)):
        ids[row, length - 1] = SEP
        ids[row, length:] = PAD
    text = TextView(ids, ids != PAD)
    own, wrong = torch.arange(3), torch.tensor([1, 2, 0])
    pairs = Pairs(torch.cat([own, wrong]), torch.cat([own, own]), weight=weight)
    tokens = torch.randn(6, L + 2 + N, D, generator=generator, requires_grad=True)
    fused = Fused(tokens[:, : L + 2], tokens[:, L + 2 :], tokens[:, 0])  # texts padded by 2 more
    step = SimpleNamespace(
        batch=SimpleNamespace(text=text),
        views={},
        pairs={"itm": pairs},
        device=torch.device("cpu"),
    )
    images = Encoded(torch.zeros(3, N, D), None, torch.zeros(3, D))
    tokenizer = SimpleNamespace(cls_id=CLS, sep_id=SEP)
    who = SimpleNamespace(
        network=SimpleNamespace(
            text=SimpleNamespace(tokenizer=tokenizer), vision=SimpleNamespace(prefix_tokens=1)
        ),
        fused=lambda name: fused,
        images=lambda: images,
        first_image=lambda view: 0,
    )
    who.tokens = tokens
    return WordPatch("word-patch", **settings), step, who  # type: ignore[return-value]


def test_the_loss_is_matching_minus_mismatching_and_the_plan_takes_no_gradient() -> None:
    objective, step, who = question(beta=0.4, iterations=30)
    prediction = objective.predict(step, who)  # type: ignore[arg-type]
    prediction.loss().backward()
    tokens = who.tokens.detach().clone().requires_grad_()
    prices = []
    for row, length in enumerate((7, 4, 2) * 2):
        if length == 2:  # [CLS] [SEP]: no word
            continue
        words, patches = tokens[row, None, 1 : length - 1], tokens[row, None, L + 3 :]
        cost = 1 - F.cosine_similarity(words[:, :, None], patches[:, None], dim=-1)
        real = everything(1, length - 2), everything(1, N - 1)
        plan = transport_plan(cost.detach(), *real, beta=0.4, iterations=30)
        prices.append((cost * plan).sum())
    expected = (prices[0] + prices[1] - prices[2] - prices[3]) / 4
    torch.testing.assert_close(prediction.loss(), expected)
    expected.backward()
    torch.testing.assert_close(who.tokens.grad, tokens.grad)


def test_both_kinds_of_pairs_count_the_same() -> None:
    weight = torch.tensor([1.0, 1, 1, 1, 0, 1])
    objective, step, who = question(weight)
    prediction = objective.predict(step, who)  # type: ignore[arg-type]
    assert prediction.weight is not None
    torch.testing.assert_close(prediction.weight, torch.tensor([1.0, 1, 0, -2, 0, 0]))
    dearer = replace(prediction, rows=prediction.rows + 1)
    torch.testing.assert_close(dearer.loss(), prediction.loss())


def test_image_tokens_that_are_padding_do_not_count() -> None:
    objective, step, who = question()
    images, price = who.images(), objective.predict(step, who).rows  # type: ignore[arg-type]
    mask = torch.tensor([[True] * N, [True, False, False, False, False], [True] * N])
    who.images = lambda: Encoded(images.tokens, mask, images.pooled)
    padded = objective.predict(step, who)  # type: ignore[arg-type]
    assert padded.rows[1] == 0 and padded.weight[1] == 0  # type: ignore[index]
    torch.testing.assert_close(padded.rows[[0, 4]], price[[0, 4]])


def build(*sets: str) -> Assembly:
    edits = [
        "model.fusion={type: joint, layers: 1, heads: 2, feed_forward: 32, pretrained: false}",
        "alignment=null",
        "teacher=null",
        "objectives={itc: null, mod: null, word-patch: {weight: 0.1}}",
        "objectives.itm.negatives=random",
        *sets,
    ]
    return assemble(load_recipe(MICRO, sets=edits))


def take(assembly: Assembly) -> Step:
    batch = next(train_loader(assembly, Order(0, 64, 8)).batches())
    return assembly.pretrainer.step(batch, Progress(step=0, steps_per_epoch=8, epochs=1))


@pytest.mark.parametrize("fusion", ["joint", "co-attention"])
def test_in_a_step_it_prices_the_pairs_of_itm(fusion: str) -> None:
    size = "layers: 1, heads: 2, feed_forward: 32"
    assembly = build(*[f"model.fusion={{type: {fusion}, {size}}}"] * (fusion != "joint"))
    step = take(assembly)
    prediction = step.predictions["word-patch"]
    assert isinstance(prediction, Penalty) and prediction.weight is not None
    weight = step.pairs["itm"].weight
    assert weight is not None
    assert torch.equal(prediction.weight > 0, torch.arange(24) < 8)
    assert torch.equal(prediction.weight < 0, (torch.arange(24) >= 8) & (weight > 0))
    assert ((prediction.rows > 0) & (prediction.rows < 2)).all()
    prediction.loss().backward()
    words = assembly.pretrainer.student.text.word_embeddings.weight.grad
    assert words is not None and words.count_nonzero() > 0


def test_an_objective_that_is_not_there() -> None:
    with pytest.raises(ComponentError, match="names 'itc', which is not an objective"):
        build("objectives.word-patch.of=itc")


def test_an_objective_without_pairs() -> None:
    objective, step, who = question(of="itc")
    with pytest.raises(ComponentError, match="'itc', which does not pair each text with one"):
        objective.predict(step, who)  # type: ignore[arg-type]


def test_fusion_without_image_tokens() -> None:
    cross = "type: cross-attention, layers: 1, heads: 2, feed_forward: 32, pretrained: false"
    with pytest.raises(ComponentError, match="CrossAttention leaves those as they are"):
        take(build(f"model.fusion={{{cross}}}"))
