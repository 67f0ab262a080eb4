"""Grounding: where in the image is what the text refers to?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar

import torch
from pydantic import Field
from torch import nn

from albefkit.data.base import SplitName
from albefkit.evaluation.base import Evaluator, Result, Subject
from albefkit.evaluation.fused_items import as_tensors, read_items
from albefkit.evaluation.mappers import Mapper, itc_mapper, itm_mapper
from albefkit.evaluation.pointing import Findings, Pointed, gather, point
from albefkit.evaluation.reading import require_fusing, require_reading
from albefkit.evaluation.sampling import Groups
from albefkit.gradcam.tracing import cross_attentions, image_attentions, layout
from albefkit.network import Network
from albefkit.registry.errors import ComponentError, DataError

Figure = TypeVar("Figure")
Layer = Annotated[int, Field(ge=0)] | Literal["middle", "sweep"]


class Ground(Evaluator):
    """Grad-CAM of a network that saw no boxes, against boxes (spec 7).

    Where items have boxes to choose from, the one that the map speaks for most is right with an IoU
    of 0.5 or more; with or without them, the strongest cell should have its middle in the true box.

    Args:
        split: the split the final figures are for; while training goes on it is `val`.
        maps: itm traces the matching head to the words' attention on the image, itc the similarity
            to the image's own attention.
        head: the objective whose head judges pairs; its last class means match.
        layer: of fusion (itm) or of the image encoder (itc), from 0; middle is the third of six, as
            released; sweep reports all and takes the best on `val`.
        words: whose maps count: every position, as released ([CLS] and padding included), or only
            real words, which are silent in the last layer, where nothing but [CLS] is read.
        threshold: share of its maximum from which on a map is strong, for `map_iou`.
        released_stale_box: where no box scores above 0, take the item's before, as released.
        limit: only so many items, the first ones; null: all.
    """

    def __init__(
        self,
        *,
        split: SplitName = "test",
        maps: Literal["itm", "itc"] = "itm",
        head: str = "itm",
        layer: Layer = "middle",
        words: Literal["every-position", "real"] = "every-position",
        threshold: Annotated[float, Field(gt=0, le=1)] = 0.5,
        released_stale_box: bool = False,
        limit: Annotated[int, Field(ge=1)] | None = None,
    ) -> None:
        self.split: SplitName = split
        self.maps = maps
        self.head = head
        self.layer: Layer = layer
        self.words = words
        self.threshold = threshold
        self.released_stale_box = released_stale_box
        self.limit = limit

    @torch.no_grad()
    def evaluate(self, subject: Subject, split: SplitName | None = None) -> Result:
        """`box_accuracy` where items have boxes to choose from, `pointing`, `energy` (share of the
        map in the true box), `map_iou` (of the strong part of the map), all in percent. To read
        them against: `random_pointing` and `centre_pointing`, the rates of a point drawn evenly
        from each image and of its middle.

        Parts of the split (`testA`, kinds of expressions) have figures of their own, as have the
        layers of a sweep. The result's items: `index`, `pointing`, `energy`, `map_iou`, `box_iou`
        and `part`.
        """
        name = split or self.split
        if subject.dataset.images_per_text != 1:
            raise ComponentError("grounding needs texts that speak of one image each (data)")
        available = self._attentions(subject.network)
        numbers = self._layers(len(available))
        mapper = self._mapper(subject, [available[number] for number in numbers])
        indices, found = self._examine(subject, name, mapper)
        best = 0
        if self.layer == "sweep":
            asked = found
            if name != "val" and "val" in subject.dataset.splits:
                _, asked = self._examine(subject, "val", mapper)
            figures = [asked.figures(place)[asked.main] for place in range(len(numbers))]
            best = max(range(len(numbers)), key=figures.__getitem__)
        metrics, chance = _figures(found, best)
        if self.layer == "sweep":
            metrics["layer"] = float(numbers[best])
            for place, number in enumerate(numbers):
                metrics |= _named(found.figures(place), f"layer_{number}")
                chance |= _named(found.chance(), f"layer_{number}")
        items, groups = _items(indices, found, best), Groups.by_image(found.images)
        samples = _samples(found, best, groups)
        score = metrics[found.main]
        return Result(name, metrics, score, chance, {}, items, samples, groups.names)

    def _examine(
        self, subject: Subject, name: SplitName, mapper: Mapper
    ) -> tuple[list[int], Findings]:
        """Where in the split items are, and what their maps have to do with true boxes."""
        split = subject.dataset.split(name)
        vision, encoder = require_reading(subject.network)
        middles = layout(vision).middles
        indices: list[int] = []
        pointed: list[Pointed] = []
        for some, items in read_items(subject, split, self.limit):
            maps = mapper(*as_tensors(subject, split, items, encoder))
            indices += some
            pointed += [
                point(each, item, self.threshold, middles)
                for each, item in zip(maps, items, strict=True)
            ]
        if not indices:
            raise DataError(f"the split '{name}' has no items to ground")
        return indices, gather(pointed, released_stale_box=self.released_stale_box)

    def _attentions(self, network: Network) -> list[nn.Module]:
        if self.maps == "itm":
            return cross_attentions(require_fusing(network)[2])
        return image_attentions(require_reading(network)[0])

    def _mapper(self, subject: Subject, attentions: list[nn.Module]) -> Mapper:
        if self.maps == "itm":
            return itm_mapper(subject, attentions, self.head, only_words=self.words == "real")
        return itc_mapper(subject, attentions)

    def _layers(self, count: int) -> list[int]:
        if self.layer == "sweep":
            return list(range(count))
        number = (count - 1) // 2 if self.layer == "middle" else self.layer
        if number >= count:
            message = f"grounding: layer is {number}, and the layers with {self.maps} maps are"
            raise ComponentError(f"{message} 0 to {count - 1}")
        return [number]


def _figures(found: Findings, layer: int) -> tuple[dict[str, float], dict[str, float]]:
    metrics, chance = found.figures(layer), found.chance()
    metrics["random_pointing"] = chance["pointing"]
    metrics["centre_pointing"] = 100 * found.central.mean().item()
    for part, rows in found.rows_of_parts().items():
        metrics |= _named(found.figures(layer, rows), part)
        chance |= _named(found.chance(rows), part)
    return metrics, chance


def _samples(found: Findings, layer: int, groups: Groups) -> dict[str, list[float]]:
    """Figures image by image, of the maps of one layer."""
    values = found.values(layer)
    samples = {name: groups.figures(each) for name, each in values.items()}
    for part, rows in found.rows_of_parts().items():
        of_part = {name: groups.figures(each[rows], rows) for name, each in values.items()}
        samples |= _named(of_part, part)
    return samples


def _named(figures: Mapping[str, Figure], what: str) -> dict[str, Figure]:
    """The two figures that count, for something in particular."""
    return {
        f"{name}_{what}": figures[name] for name in ("box_accuracy", "pointing") if name in figures
    }


def _items(indices: list[int], found: Findings, layer: int) -> dict[str, list[object]]:
    items: dict[str, list[object]] = {
        "index": list(indices),
        "pointing": found.hit[:, layer].tolist(),
        "energy": found.energy[:, layer].tolist(),
        "map_iou": found.overlap[:, layer].tolist(),
        "part": list(found.parts),
    }
    if found.agreement is not None:
        items["box_iou"] = found.agreement[:, layer].tolist()
    return items
