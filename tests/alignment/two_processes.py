"""Run under torchrun: two processes with half a batch each learn what one learns from all of it."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from albefkit.alignment.in_batch import InBatch
from albefkit.alignment.space import Space
from albefkit.distill.teacher import NoTeacher
from albefkit.distributed import (
    gather_rows_own_first,
    launched_world,
    mean_over_ranks,
    process_group,
    wait_for_all,
)
from albefkit.engine.pretrainer import Pretrainer
from albefkit.fusion.base import Fusion
from albefkit.network import Network
from albefkit.objectives.base import Objective
from albefkit.objectives.hard_negatives import Hard
from albefkit.objectives.itc import ITC
from albefkit.objectives.itm import ITM
from albefkit.progress import Progress
from albefkit.tensors import Batch, Encoded, Fused, TextView
from albefkit.text.base import TextEncoder
from albefkit.vision.base import VisionEncoder

HOST = torch.device("cpu")
ROWS, WORDS = 6, 20
PROGRESS = Progress(step=0, steps_per_epoch=1, epochs=1)
IMAGE_ID = torch.tensor([1, 2, 3, 1, 4, 5])  # row 3 shows on the other rank what row 0 shows
TEXT_ID = torch.tensor([1, 2, 3, 4, 5, 2])  # rows 1 and 5 say the same, each on its rank


class Images(VisionEncoder):
    width = 8

    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Linear(12, self.width)

    def forward(self, images: Tensor) -> Encoded:  # type: ignore[override]
        tokens = self.map(images.flatten(1))[:, None]
        return Encoded(tokens, None, tokens[:, 0])


class Texts(TextEncoder):
    width = 8

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, self.width)

    @property
    def word_embeddings(self) -> nn.Embedding:
        return self.words

    def forward(self, ids: Tensor, mask: Tensor) -> Encoded:
        tokens = self.words(ids)
        return Encoded(tokens, mask, tokens.mean(1))


class Product(Fusion):
    width = 8

    def forward(
        self, image: Encoded, text: Encoded, image_index: Tensor, text_index: Tensor
    ) -> Fused:
        pooled = image.pooled[image_index] * text.pooled[text_index]
        return Fused(text.tokens[text_index], None, pooled)


def pretrainer(**objectives: Objective) -> Pretrainer:
    torch.manual_seed(0)
    student = Network(Images(), Texts(), Product(), shared_width=4)
    for name, objective in objectives.items():
        if (head := objective.head(student)) is not None:
            student.heads[name] = head
    space = Space(InBatch(), temperature=0.1, temperature_range=None)
    weights = dict.fromkeys(objectives, 1.0)
    made = Pretrainer(student, NoTeacher(), space, objectives, weights)
    return made.double().train()


def batch(rows: slice) -> Batch:
    draw = torch.Generator().manual_seed(1)
    images = torch.randn(ROWS, 3, 2, 2, generator=draw, dtype=torch.float64)
    ids = torch.randint(WORDS, (ROWS, 5), generator=draw)
    text = TextView(ids[rows], torch.ones_like(ids[rows], dtype=torch.bool))
    return Batch(images[rows], text, IMAGE_ID[rows], TEXT_ID[rows])


def gradients(module: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad for name, p in module.named_parameters() if p.grad is not None}


def same_as_one_process(own: slice) -> None:
    ours = pretrainer(itc=ITC("itc", positives="image-or-text"))
    alone = copy.deepcopy(ours)
    alone.space.eval()  # nobody is asked for rows: the whole batch is here
    expected = alone(batch(slice(None)), PROGRESS)
    expected.loss.backward()
    parallel = DistributedDataParallel(ours)
    report = parallel(batch(own), PROGRESS)
    report.loss.backward()
    loss = mean_over_ranks(report.loss.detach())
    torch.testing.assert_close(loss, expected.loss.detach(), rtol=1e-12, atol=0)
    assert report.floors["itc"] == expected.floors["itc"]
    wanted = gradients(alone)
    assert gradients(ours).keys() == wanted.keys() and len(wanted) == 8, list(wanted)
    for name, gradient in gradients(ours).items():
        torch.testing.assert_close(gradient, wanted[name], rtol=1e-10, atol=1e-14)


def negatives_stay_on_their_rank() -> None:
    ours = pretrainer(itc=ITC("itc"), itm=ITM("itm", negatives=Hard()))
    step = ours.step(batch(own), PROGRESS)
    assert step.student.similarities().image_to_text.shape == (ROWS // 2, ROWS)
    assert int(step.pairs["itm"].image.max()) < ROWS // 2


with process_group(world := launched_world(), HOST):
    own = slice(world.rank * ROWS // 2, (world.rank + 1) * ROWS // 2)
    ranks = gather_rows_own_first(torch.full((2, 1), float(world.rank)))
    assert ranks.flatten().tolist() == [world.rank] * 2 + [1 - world.rank] * 2, ranks
    same_as_one_process(own)
    negatives_stay_on_their_rank()
    if world.leads:  # the first rank evaluates while the others wait
        pretrainer(itc=ITC("itc")).eval()(batch(own), PROGRESS)
    wait_for_all()
