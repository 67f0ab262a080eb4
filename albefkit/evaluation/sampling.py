"""What a metric is made of: one figure for each independent item, whose mean is the metric.

Two networks that were asked the same are compared item by item, which is far sharper than comparing
two means. What is asked about one image is not independent, so all of it becomes one figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Groups:
    """Questions that hang together, such as those about one image.

    Args:
        names: G names.
        of: `(N,)` int64, the group of each question.
    """

    names: list[str]
    of: Tensor

    @classmethod
    def by_image(cls, images: Sequence[int]) -> Groups:
        """Groups of questions about one image, in order of appearance.

        Args:
            images: the number of each question's image, see `Item.image_id`.
        """
        places: dict[int, int] = {}
        of = torch.tensor([places.setdefault(image, len(places)) for image in images])
        return cls([f"image {image}" for image in places], of)

    def figures(self, values: Tensor, rows: Tensor | None = None) -> list[float]:
        """One figure per group; their mean is the mean of the values, however unequal groups are.

        A group's figure is the sum of its values times G / N. N is taken as given: where groups are
        very unequal, an interval from these figures is rather too wide than too narrow.

        Args:
            values: `(N,)`, or those of `rows`.
            rows: `(N,)` bool, of which questions the values are; None: of all. A group without any
                of them has the figure 0.
        """
        of = self.of if rows is None else self.of[rows]
        sums = torch.zeros(len(self.names), dtype=torch.float64).index_add(0, of, values.double())
        return (sums * (len(self.names) / len(values))).tolist()
