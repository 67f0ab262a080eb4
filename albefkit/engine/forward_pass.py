"""What one network says about a step's batch, each thing computed once."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from albefkit.alignment.space import Similarities, Space
from albefkit.fusion.base import Fusion
from albefkit.network import Network
from albefkit.registry.errors import ComponentError, Problem
from albefkit.tensors import Encoded, Fused, ImageView, Pairs, TextView

if TYPE_CHECKING:
    from albefkit.engine.step import Step

T = TypeVar("T")
OWN_TEXT = "text"
"""The view that shows the batch's texts as they are."""

OWN_IMAGES = "images"
"""The view that shows the batch's images as they are."""


class ForwardPass:
    """A network looking at a step.

    Everything is computed on first use, for everybody who will want it: all views of the texts in
    one batch, all pairs in one fusion. Whether there are gradients, and the precision, are those of
    construction: nobody can remember a value without its graph by being the first to look under
    `no_grad`, or in full precision by being the first to look where similarities are computed.

    Args:
        network: who looks.
        step: what at; nothing new can be asked for once it is gone.
        audience: the objectives that may ask; only their views and pairs are computed.
    """

    def __init__(self, network: Network, step: Step, audience: Collection[str]) -> None:
        self.network = network
        # Not the step itself: in a circle, its tensors would wait for the garbage collector.
        self._owner = weakref.ref(step)
        self._audience = audience
        self._grad = torch.is_grad_enabled()
        device = step.device.type
        half = torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)
        self._half = torch.get_autocast_dtype(device) if half else None
        self._seen: dict[str, object] = {}

    @property
    def _step(self) -> Step:
        step = self._owner()
        assert step is not None, "a pass is asked for something after its step is gone"
        return step

    def images(self) -> Encoded:
        """Image tokens of the batch, `(B, N, D)`, below them those of other views this pass needs:
        see `first_image`.
        """
        return self._once("images", self._encode_images)

    def texts(self) -> Encoded:
        """Text tokens of all views this pass needs, stacked: see `first_row`."""
        return self._once("texts", self._encode_texts)

    def image_features(self) -> Tensor:
        """Unit vectors of the images in the shared space, `(B, E)`."""
        encoded = self.images().rows(slice(len(self._step.batch.images)))
        return self._once(
            "image_features", lambda: self.network.image_features(encoded), exact=True
        )

    def text_features(self) -> Tensor:
        """Unit vectors of the texts in the shared space, `(B, E)`."""
        start = self.first_row(OWN_TEXT)
        encoded = self.texts().rows(slice(start, start + len(self._step.batch)))
        return self._once("text_features", lambda: self.network.text_features(encoded), exact=True)

    def similarities(self) -> Similarities:
        """Features against the step's candidates, over the temperature, `(B, K)` both ways."""
        space = self._step.space
        assert isinstance(space, Space), "an objective compares without declaring `features`"
        return self._once("similarities", lambda: space.compare(self._step, self), exact=True)

    def fused(self, name: str) -> Fused:
        """The fused pairs of objective `name`, in the order it gave them."""
        start, fused = 0, self._once("fused", self._fuse)
        for other in self._asked_pairs():
            if other == name:
                return fused.rows(slice(start, start + len(self._step.pairs[name])))
            start += len(self._step.pairs[other])
        raise KeyError(f"objective '{name}' has no pairs in this pass")

    def first_row(self, view: str) -> int:
        """Where a view's rows begin in `texts`."""
        return self._views().index(view) * len(self._step.batch)

    def first_image(self, view: str) -> int:
        """Where an image view's rows begin in `images`."""
        if view == OWN_IMAGES:
            return 0
        start = len(self._step.batch.images)
        for name, other in self._image_views().items():
            if name == view:
                return start
            start += len(other)
        raise KeyError(f"no objective of this pass has an image view '{view}'")

    def account(self) -> dict[str, dict[str, int]]:
        """Rows computed so far: part -> who they are for -> how many."""
        batch = len(self._step.batch)
        rows = {
            "images": {
                "batch": len(self._step.batch.images),
                **{name: len(view) for name, view in self._image_views().items()},
            },
            "texts": dict.fromkeys(self._views(), batch),
            "fused": {name: len(self._step.pairs[name]) for name in self._asked_pairs()},
        }
        return {name: table for name, table in rows.items() if name in self._seen}

    def _once(self, name: str, compute: Callable[[], T], exact: bool = False) -> T:
        if name not in self._seen:
            # Similarities decide what is sampled: never in half precision.
            half = None if exact else self._half
            precision = torch.autocast(self._step.device.type, half, enabled=half is not None)
            with torch.set_grad_enabled(self._grad), precision:
                self._seen[name] = compute()
        return self._seen[name]  # type: ignore[return-value]

    def _encode_images(self) -> Encoded:
        vision = self.network.vision
        assert vision is not None, "an objective reads images without declaring that it needs them"
        tables = [tuple(self._step.batch.read(name) for name in vision.reads)]
        tables += [view.fields for view in self._image_views().values()]
        columns = zip(*tables, strict=True)
        return vision(*(column[0] if len(tables) == 1 else torch.cat(column) for column in columns))

    def _image_views(self) -> dict[str, ImageView]:
        views = self._step.image_views
        return {name: view for name, view in views.items() if name in self._audience}

    def _views(self) -> list[str]:
        """The batch's own texts where somebody uses them, then the views of the audience."""
        views = [name for name in self._step.views if name in self._audience]
        own = self.network.text_projection is not None or any(
            self._step.pairs[name].view == OWN_TEXT for name in self._asked_pairs()
        )
        return [OWN_TEXT, *views] if own else views

    def _encode_texts(self) -> Encoded:
        text = self.network.text
        assert text is not None, "an objective reads texts without declaring that it needs them"
        views = [
            self._step.batch.text if name == OWN_TEXT else self._step.views[name]
            for name in self._views()
        ]
        table = stack_views(views)
        device = self._step.device
        return text(
            table.ids.to(device, non_blocking=True), table.mask.to(device, non_blocking=True)
        )

    def _asked_pairs(self) -> list[str]:
        return [name for name in self._step.pairs if name in self._audience]

    def _fuse(self) -> Fused:
        fusion = self.network.fusion
        assert fusion is not None, (
            "an objective reads fused pairs without declaring that it needs them"
        )
        for name in self._asked_pairs():
            _require_images(name, self._step.pairs[name], fusion)
        pairs = [self._step.pairs[name] for name in self._asked_pairs()]
        image_index = torch.cat([some.image + self.first_image(some.image_view) for some in pairs])
        text_index = torch.cat([some.text + self.first_row(some.view) for some in pairs])
        return fusion(self.images(), self.texts(), image_index, text_index)


def _require_images(name: str, pairs: Pairs, fusion: Fusion) -> None:
    images = pairs.image.shape[1] if pairs.image.dim() == 2 else 1
    if images != fusion.images:
        shown = f"{images} image{'s' * (images > 1)}"
        message = (
            f"pairs a text with {shown}, and {type(fusion).__name__} takes {fusion.images} of them."
        )
        hint = "Take another 'model.fusion', or leave this objective out."
        raise ComponentError(Problem("", f"objectives.{name}", message, hint))


def stack_views(views: list[TextView]) -> TextView:
    """Views one below the other, padded on the right to the longest."""
    length = max(view.ids.shape[1] for view in views)

    def padded(rows: Tensor) -> Tensor:
        return F.pad(rows, (0, length - rows.shape[1]))

    return TextView(
        torch.cat([padded(view.ids) for view in views]),
        torch.cat([padded(view.mask) for view in views]),
    )
