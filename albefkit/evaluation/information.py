"""Lower bounds on mutual information (paper section 4): how many nats an answer tells."""

from __future__ import annotations

import math

from torch import Tensor
from torch.nn import functional as F


def contrastive_bound(logits: Tensor, answers: Tensor) -> float:
    """`log K - L`, L the cross-entropy against one-hot targets; it cannot exceed `log K`.

    Args:
        logits: `(Q, K)`, similarities over the temperature.
        answers: `(Q,)` int64, the candidate that was drawn together with each query.
    """
    return math.log(logits.shape[1]) - F.cross_entropy(logits.double(), answers).item()
