"""Run under torchrun: two processes with half a batch each learn what one learns from all of it."""

from __future__ import annotations

import copy
import sys

import torch
from albefkit.assemble import assemble
from albefkit.data.sampler import Order
from albefkit.distributed import launched_world, mean_over_ranks, process_group
from albefkit.feeding import train_loader
from albefkit.progress import Progress
from albefkit.recipe.load import load_recipe
from albefkit.tensors import Batch, TextView
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

ROWS = 6
PROGRESS = Progress(step=0, steps_per_epoch=1, epochs=1)
IMAGE_ID = torch.tensor([1, 2, 3, 1, 4, 5])  # row 3 shows on the other rank what row 0 shows
TEXT_ID = torch.tensor([1, 2, 3, 4, 5, 2])  # rows 1 and 5 say the same, each on its rank


def part(whole: Batch, rows: slice) -> Batch:
    text = TextView(whole.text.ids[rows], whole.text.mask[rows])
    return Batch(whole.images[rows].double(), text, IMAGE_ID[rows], TEXT_ID[rows])


def gradients(module: nn.Module) -> dict[str, Tensor]:
    return {name: p.grad for name, p in module.named_parameters() if p.grad is not None}


with process_group(world := launched_world(), torch.device("cpu")):
    assembly = assemble(load_recipe(sys.argv[1], sets=sys.argv[2:]))
    whole = next(train_loader(assembly, Order(42, ROWS, ROWS)).batches())
    ours = assembly.pretrainer.double().train()
    alone = copy.deepcopy(ours)
    alone.space.eval()  # nobody is asked for rows: the whole batch is here
    expected = alone(part(whole, slice(None)), PROGRESS)
    expected.loss.backward()
    own = slice(world.rank * ROWS // 2, (world.rank + 1) * ROWS // 2)
    parallel = DistributedDataParallel(ours)
    report = parallel(part(whole, own), PROGRESS)
    report.loss.backward()
    loss = mean_over_ranks(report.loss.detach())
    torch.testing.assert_close(loss, expected.loss.detach(), rtol=1e-12, atol=0)
    wanted = gradients(alone)
    assert gradients(ours).keys() == wanted.keys()
    assert {"space.temperature", "objectives.sigmoid-contrast.bias"} < wanted.keys()
    for name, gradient in gradients(ours).items():
        torch.testing.assert_close(gradient, wanted[name], rtol=1e-9, atol=1e-12)
