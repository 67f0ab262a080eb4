"""Retrieval of toys, against ranking every pair by hand."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from albefkit.alignment.in_batch import InBatch
from albefkit.alignment.space import NoSpace, Space
from albefkit.data.base import Dataset, Gallery, Split, Unreadable
from albefkit.evaluation import retrieval as module
from albefkit.evaluation.base import Subject
from albefkit.evaluation.retrieval import Retrieval
from albefkit.network import Network
from albefkit.registry.errors import AlbefkitWarning, ComponentError, DataError
from albefkit.tensors import Encoded, Fused, TextView

WIDTH = 6


class ToyVision(nn.Module):
    width, reads = WIDTH, ("images",)

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(3, WIDTH)
        self.rows = 0

    def forward(self, images):
        self.rows += len(images)
        tokens = self.embed(images.flatten(2).mean(2))[:, None]
        return Encoded(tokens, None, tokens[:, 0])


class ToyTokenizer:
    def encode(self, texts, max_tokens=None):
        ids = [[ord(letter) % 31 for letter in text][:8] for text in texts]
        padded = torch.tensor([row + [0] * (8 - len(row)) for row in ids])
        return TextView(padded, padded > 0)


class ToyText(nn.Module):
    width, max_tokens, tokenizer = WIDTH, 8, ToyTokenizer()

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(31, WIDTH)

    def forward(self, ids, mask):
        tokens = self.embed(ids)
        return Encoded(tokens, mask, (tokens * mask[..., None]).sum(1))


class ToyFusion(nn.Module):
    width = WIDTH

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[torch.Tensor] = []

    def forward(self, image, text, image_index, text_index):
        self.calls.append(torch.stack([image_index, text_index]))
        pooled = (image.pooled[image_index] * text.pooled[text_index]).tanh()
        return Fused(pooled[:, None], None, pooled)


class ToySplit(Split):
    fingerprint = "toy"

    def __init__(self, texts, owner, size, broken=()) -> None:
        self._gallery = Gallery(
            size, self._image, texts, owner, [f"image {i}" for i in range(size)]
        )
        self._broken = broken

    def _image(self, index):
        if index in self._broken:
            raise Unreadable(f"{index}.jpg", "cut off")
        return np.random.default_rng(index).integers(0, 256, (4, 4, 3), dtype=np.uint8)

    def __len__(self):
        return len(self._gallery)

    def item(self, index, rng):
        raise NotImplementedError

    def captions(self):
        return self._gallery.texts

    def gallery(self):
        return self._gallery


class ToyDataset(Dataset):
    asked: ClassVar[list[str]] = []

    def __init__(self, split: ToySplit) -> None:
        self._split = split

    def split(self, name):
        self.asked.append(name)
        return self._split


WORDS = ["red", "blue dog", "green", "a cat", "two", "sky", "hat", "blue dog", "oak", "pie", "sea"]
OWNER = [0, 0, 1, 2, 2, 3, 4, 5, 5, 6, 6]


def subject(texts=WORDS, owner=OWNER, size=7, broken=(), aligned=True, head=True, batch_size=2):
    torch.manual_seed(0)
    fusion = ToyFusion() if head else None
    network = Network(ToyVision(), ToyText(), fusion, 4 if aligned else None)  # type: ignore[arg-type]
    if head:
        network.heads["itm"] = nn.Linear(WIDTH, 2)
    space = Space(InBatch(), 0.07, None) if aligned else NoSpace()
    return Subject(
        network=network.eval(),
        space=space,
        dataset=ToyDataset(ToySplit(list(texts), list(owner), size, broken)),
        transform=lambda image: torch.from_numpy(image).permute(2, 0, 1) / 255,
        batch_size=batch_size,
    )


def tables(who: Subject, texts=WORDS, size=7):
    """Similarities and matching logits of all pairs, one by one."""
    network, split = who.network, who.dataset.split("test")
    similarity, logits = np.zeros((size, len(texts))), np.zeros((size, len(texts)))
    with torch.no_grad():
        for i in range(size):
            image = network.vision(who.transform(split.gallery().image(i))[None])
            for t, text in enumerate(texts):
                view = network.text.tokenizer.encode([text])
                encoded = network.text(view.ids, view.mask)
                if network.image_projection is not None:
                    similarity[i, t] = (
                        network.image_features(image) @ network.text_features(encoded).T
                    ).item()
                if network.fusion is not None:
                    zero = torch.zeros(1, dtype=torch.int64)
                    fused = network.fusion(image, encoded, zero, zero)
                    logits[i, t] = network.heads["itm"](fused.pooled)[0, 1].item()
    return similarity, logits


def by_hand(similarity, logits, right, k):
    """Rank of the best right candidate of each row."""
    found = []
    for sims, judged, is_right in zip(similarity, logits, right, strict=True):
        order = sorted(range(len(sims)), key=lambda c: -sims[c])
        shortlist = sorted(order[:k], key=lambda c: -judged[c])
        order = shortlist + order[k:]
        found.append(min(place for place, c in enumerate(order) if is_right[c]))
    return found


def right_table(texts=WORDS, owner=OWNER, size=7):
    says = [{texts[t] for t in range(len(texts)) if owner[t] == i} for i in range(size)]
    return np.array([[text in says[i] for text in texts] for i in range(size)])


@pytest.mark.parametrize("k", [1, 3, 5, 100])
@pytest.mark.parametrize("batch_size", [1, 2, 50])
def test_ranks_are_those_of_looking_at_every_pair(k, batch_size):
    who = subject(batch_size=batch_size)
    result = Retrieval(rerank=k).evaluate(who)
    similarity, logits = tables(who)
    right = right_table()
    assert result.items["text_rank"] == by_hand(similarity, logits, right, k)
    assert result.items["image_rank"] == by_hand(similarity.T, logits.T, right.T, k)
    assert result.items["itc_text_rank"] == by_hand(similarity, logits, right, 0)
    assert result.items["itc_image_rank"] == by_hand(similarity.T, logits.T, right.T, 0)


@pytest.mark.parametrize("rerank", [0, 3])
def test_samples_are_images_and_their_means_the_metrics(rerank):
    result = Retrieval(rerank=rerank).evaluate(subject())
    assert result.sampled == [f"image {i}" for i in range(7)]
    assert set(result.samples) == set(result.metrics)
    for name, figures in result.samples.items():
        assert np.mean(figures) == pytest.approx(result.metrics[name], abs=1e-12)
    hits = [rank < 1 for rank in result.items["image_rank"]]
    each = [sum(hits[t] for t in range(11) if OWNER[t] == i) * 100 * 7 / 11 for i in range(7)]
    assert result.samples["image_r1"] == pytest.approx(each)
    assert result.samples["text_r1"] == [100.0 * (rank < 1) for rank in result.items["text_rank"]]
    assert len(set(result.samples["r_mean"])) > 2


def test_equal_captions_are_right():
    right = right_table()
    assert right[5, 1] and right[0, 7]
    result = Retrieval(rerank=0).evaluate(subject())
    assert result.chance["text_r1"] == pytest.approx(100 * right.mean(1).mean())
    assert result.chance["image_r1"] == pytest.approx(100 * right.mean(0).mean())


def test_every_pair_is_fused_once():
    who = subject(batch_size=1)
    Retrieval(rerank=4).evaluate(who)
    similarity, _ = tables(who)
    fusion = who.network.fusion
    fused = sum(call.shape[1] for call in fusion.calls if call.shape[1] > 1)
    texts = {(i, t) for i in range(7) for t in np.argsort(-similarity[i])[:4]}
    images = {(i, t) for t in range(11) for i in np.argsort(-similarity[:, t])[:4]}
    single = sum(call.shape[1] == 1 for call in fusion.calls) - 7 * 11  # those of `tables`
    assert fused + single == len(texts | images)


def test_each_image_is_encoded_once():
    who = subject()
    Retrieval().evaluate(who)
    assert who.network.vision.rows == 7


def test_without_reranking_the_similarity_decides():
    result = Retrieval(rerank=0).evaluate(subject())
    assert result.metrics["text_r1"] == result.metrics["itc_text_r1"]
    assert result.score == result.metrics["r_mean"]


@pytest.mark.parametrize("weight", [0.5, 20.0])
def test_similarity_may_be_added_to_what_the_head_says(weight):
    who = subject()
    result = Retrieval(rerank=4, similarity_weight=weight).evaluate(who)
    similarity, logits = tables(who)
    both = logits + weight / 0.07 * similarity
    # The shortlist is by similarity, its order by the sum.
    expected = by_hand(similarity, both, right_table(), 4)
    assert result.items["text_rank"] == expected
    assert result.items["image_rank"] == by_hand(similarity.T, both.T, right_table().T, 4)


def test_without_a_matching_head_the_similarity_decides():
    result = Retrieval().evaluate(subject(head=False))
    assert result.items["text_rank"] == result.items["itc_text_rank"]


def test_without_a_shared_space_every_pair_is_judged():
    who = subject(aligned=False)
    result = Retrieval(rerank=1).evaluate(who)
    _, logits = tables(who)
    assert result.items["text_rank"] == by_hand(logits, logits, right_table(), 0)
    assert "itc_text_r1" not in result.metrics
    assert result.bounds == {}


def test_where_every_pair_is_judged_the_gallery_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "ALL_PAIRS", 30)
    with pytest.warns(AlbefkitWarning, match="cut to its first 4 of 7 images"):
        result = Retrieval().evaluate(subject(aligned=False))
    assert len(result.items["images"]) == 4


def test_with_neither_there_is_nothing_to_rank_by():
    with pytest.raises(ComponentError, match="neither"):
        Retrieval().evaluate(subject(aligned=False, head=False))


def test_a_gallery_may_be_cut():
    result = Retrieval(gallery=3).evaluate(subject())
    assert result.items["images"] == ["image 0", "image 1", "image 2"]
    assert result.items["owner"] == [0, 0, 1, 2, 2]


def test_the_split_is_the_callers_or_its_own():
    who = subject()
    ToyDataset.asked.clear()
    assert Retrieval().evaluate(who, "val").split == "val"
    assert Retrieval(split="train").evaluate(who).split == "train"
    assert ToyDataset.asked == ["val", "train"]


def test_too_many_unreadable_images_are_an_error_that_names_them():
    with pytest.raises(DataError, match=r"3\.jpg: cut off"):
        Retrieval().evaluate(subject(broken={3}))


def test_a_few_unreadable_images_are_left_out(monkeypatch):
    from albefkit.evaluation import reading

    monkeypatch.setattr(reading, "TOLERATED", 0.2)
    with pytest.warns(AlbefkitWarning, match="They are left out"):
        result = Retrieval().evaluate(subject(broken={3}))
    assert len(result.items["images"]) == 6
    assert max(result.items["owner"]) == 5


def test_a_network_that_says_nothing_finds_nothing_beyond_chance():
    who = subject()
    for parameter in who.network.parameters():
        nn.init.zeros_(parameter)
    result = Retrieval().evaluate(who)
    assert result.metrics["text_r1"] == result.metrics["image_r1"] == 0.0


def test_what_a_pair_tells_is_bounded_by_the_gallery():
    bounds = Retrieval().evaluate(subject()).bounds
    assert set(bounds) == {"image_to_text", "text_to_image"}
    assert all(value <= np.log(7) for value in bounds.values())


@pytest.mark.parametrize("options", [{"rerank": -1}, {"gallery": 0}])
def test_numbers_are_checked(options):
    with pytest.raises(ValueError, match="expected"):
        Retrieval(**options)
