"""Image-text contrast, one pair at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

import torch
from albefkit.alignment.matching import Positives, matches
from albefkit.objectives.base import Objective
from albefkit.registry import Ablation
from torch import Tensor, nn

from albefkit_siglip.verdict import Verdict

if TYPE_CHECKING:
    from albefkit.engine.forward_pass import ForwardPass
    from albefkit.engine.step import Step


class SigmoidContrast(Objective):
    """Does this text belong to this image? Each pair is judged by itself, none competes (SigLIP).

    Zhai et al. 2023 (arXiv 2303.15343), section 3.2: `-log sigmoid(z (t x.y + b))`, where z is 1 if
    image x and text y belong together and -1 if not; summed over the candidates of a row, mean over
    rows and over both directions. With in-batch keys both directions are the same, and the loss is
    the paper's; with a queue each batch is judged against past pairs too.

    Not as there: t is one over the temperature of the shared space, which is learned itself instead
    of through its logarithm and stays in its range; other rows may be right too; all processes'
    features are gathered, where the paper passes them round.

    Args:
        positives: who else is right beside a row's own partner, as `itc` has it: `pair`: nobody;
            `image`: candidates of the same image; `image-or-text`: also those with the same words.
        bias: b to start from, learned; null: none. Minus the logarithm of the number of candidates
            begins at the odds of a match: -10 suits the paper's 32,768, -3.5 a batch of 32.
    """

    reads = frozenset({"features"})
    trains = frozenset({"similarity"})
    distillable = True
    ablations: ClassVar[Mapping[str, Ablation]] = {
        "bias": Ablation({"bias": None}, "training begins at even odds of a match"),
        "other-positives": Ablation({"positives": "pair"}, "only a row's own partner is right"),
    }
    bias: nn.Parameter | None
    """Of the question, as the temperature is: a teacher is judged by the student's."""

    def __init__(
        self, name: str, *, positives: Positives = "pair", bias: float | None = -10.0
    ) -> None:
        super().__init__(name)
        self.positives: Positives = positives
        self.bias = None if bias is None else nn.Parameter(torch.tensor(float(bias)))

    def predict(self, step: Step, who: ForwardPass) -> Verdict:
        """Rows: B images judging texts, then B texts judging images."""
        sims = who.similarities()
        candidates = sims.candidates
        right = matches(self.positives, step.batch, candidates.image_id, candidates.text_id)
        answers = right.to(sims.image_to_text.dtype)
        logits = torch.cat([sims.image_to_text, sims.text_to_image])
        return Verdict(
            logits=logits if self.bias is None else logits + self.bias,
            answers=torch.cat([answers, answers]),
            chance=prior_loss(answers, candidates.count),
        )


def prior_loss(answers: Tensor, count: Tensor) -> Tensor:
    """The loss of someone who gives every candidate the odds that matches have (nats).

    Args:
        answers: `(B, C)`, 1 where a candidate matches.
        count: 0-dim, how many of the C candidates are asked about.
    """
    share = answers.sum() / (len(answers) * count)
    return count * (torch.special.entr(share) + torch.special.entr(1 - share))
