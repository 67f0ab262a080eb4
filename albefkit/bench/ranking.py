"""Ranking as work: the second stage of retrieval, and the answers of a closed list."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import torch

from albefkit.assemble import Assembly
from albefkit.bench.clock import PhaseClock, wait_for
from albefkit.bench.reference import ranking as released
from albefkit.bench.training import assembled
from albefkit.data.base import Gallery
from albefkit.engine.devices import DeviceName
from albefkit.engine.precision import choose_precision
from albefkit.evaluation.answer_ranking import ROWS_PER_ITEM, rank_answers
from albefkit.evaluation.base import Subject
from albefkit.evaluation.fused_items import fused_items
from albefkit.evaluation.galleries import EncodedGallery, encode_gallery
from albefkit.evaluation.reranking import judge_pairs, shortlists
from albefkit.feeding import subject
from albefkit.layers.answer_decoder import AnswerDecoder
from albefkit.registry.errors import ComponentError
from albefkit.tensors import Encoded, TextView

HEAD = "itm"
ANSWER_WORDS = (1, 4)
"""Fewest and most words of an answer of the list, [CLS] and [SEP] apart."""


class _Ranking:
    """What rankings have in common."""

    def __init__(self, who: Subject, precision: str, samples: int) -> None:
        self.who, self.device = who, who.device
        self.precision, self.samples = precision, samples
        self.clock = PhaseClock(who.device)

    def phases(self) -> dict[str, float]:
        """Seconds since the last reading."""
        return self.clock.read()


class Reranking(_Ranking):
    """The matching head judges the most similar candidates of images and of texts.

    Encoding is not part of it. A sample is a query.

    Args:
        who: judges.
        precision: its numbers.
        gallery: I images and T texts.
        count: k, candidates of each query.
        plainly: as the released code does it, in fp32.
    """

    def __init__(
        self, who: Subject, precision: str, gallery: EncodedGallery, count: int, plainly: bool
    ) -> None:
        super().__init__(who, precision, sum(gallery.right.shape))
        self._gallery, self._count, self._plainly = gallery, count, plainly

    @torch.no_grad()
    def turn(self) -> None:
        """Judge all shortlisted pairs."""
        gallery = self._gallery
        with self.clock.phase("fusion and head"):
            if self._plainly:
                released.rerank(self.who.network, gallery, self._count, HEAD)
            else:
                assert gallery.image_features is not None and gallery.text_features is not None
                similarity = (gallery.image_features @ gallery.text_features.T).cpu()
                judge_pairs(self.who, gallery, shortlists(similarity, self._count), HEAD)
        wait_for(self.device)


class AnswerRanking(_Ranking):
    """A closed list of answers is ranked for some questions; a sample is a question.

    Args:
        who: answers.
        precision: its numbers.
        questions: fused tokens `(Q, N, D)`.
        listed: C answers.
        count: k, how many are looked at whole.
        plainly: as the released code does it, in fp32.
    """

    def __init__(
        self,
        who: Subject,
        precision: str,
        questions: Encoded,
        listed: TextView,
        count: int,
        plainly: bool,
    ) -> None:
        super().__init__(who, precision, len(questions.tokens))
        self._decoder = _decoder(who)
        self._questions, self._listed = questions, listed
        self._count, self._plainly = count, plainly

    @torch.no_grad()
    def turn(self) -> None:
        """Rank the list for all questions."""
        tokens, mask = self._questions.tokens, self._questions.mask
        with self.clock.phase("decoder"), self.who.autocast():
            if self._plainly:
                assert mask is not None
                released.rank_answers(self._decoder, tokens, mask, self._listed, self._count)
            else:
                memories = self._decoder.remember(tokens, mask)
                rows = ROWS_PER_ITEM * self.who.batch_size
                rank_answers(
                    self._decoder, memories, self._listed, self._count, double_count=True, rows=rows
                )
        wait_for(self.device)


def reranking(
    recipe: str,
    sets: Sequence[str],
    device_name: DeviceName,
    images: int,
    texts: int,
    count: int,
    plainly: bool = False,
) -> Reranking:
    """Re-ranking with the model of a recipe, ready to be timed.

    Args:
        recipe: its name or file.
        sets: edits.
        device_name: where.
        images: I, test images of the recipe's data, from the first on.
        texts: T, training texts, from the first on.
        count: k.
        plainly: as the released code does it, in fp32.
    """
    assembly, who, precision = _examined(recipe, sets, device_name, plainly)
    if HEAD not in who.network.heads or who.network.image_projection is None:
        raise ComponentError(f"{recipe}: re-ranking needs alignment and a head '{HEAD}'")
    pictures = assembly.dataset.split("test").gallery()
    said = list(itertools.islice(assembly.dataset.split("train").captions(), texts))
    if len(pictures) < images or len(said) < texts:
        raise ComponentError(
            f"{recipe}: its data have {len(pictures)} test images and {len(said)} training texts, "
            f"and {images} and {texts} were asked for; see data.test and data.train"
        )
    owner = [row % images for row in range(texts)]
    names = list(pictures.names[:images])
    shown = Gallery(images, pictures.image, said, owner, names, pictures.fields)
    with torch.no_grad():
        encoded = encode_gallery(who, shown, None)
    return Reranking(who, precision, encoded, count, plainly)


def answer_ranking(
    recipe: str,
    sets: Sequence[str],
    device_name: DeviceName,
    questions: int,
    answers: int,
    count: int,
    plainly: bool = False,
) -> AnswerRanking:
    """Ranking of answers with the model of a recipe, ready to be timed.

    Args:
        recipe: its name or file.
        sets: edits.
        device_name: where.
        questions: Q, of the test split.
        answers: C, made of random words: how long it takes does not depend on what they say.
        count: k.
        plainly: as the released code does it, in fp32.
    """
    assembly, who, precision = _examined(recipe, sets, device_name, plainly)
    listed = _made_up_answers(who, answers)
    with torch.no_grad():
        some = next(fused_items(who, assembly.dataset.split("test"), questions))
    asked = Encoded(some.fused.text_tokens, some.text.mask, some.fused.pooled)
    return AnswerRanking(who, precision, asked, listed, count, plainly)


def _examined(
    recipe: str, sets: Sequence[str], device_name: DeviceName, plainly: bool
) -> tuple[Assembly, Subject, str]:
    sets = [*sets, "train.precision=fp32"] if plainly else sets
    assembly, device = assembled(recipe, sets, device_name, plainly)
    assembly.pretrainer.eval()
    precision = choose_precision(assembly.recipe.settings.train.precision, device)
    return assembly, subject(assembly, precision), precision.name


def _decoder(who: Subject) -> AnswerDecoder:
    for head in who.network.heads.values():
        if isinstance(head, AnswerDecoder):
            return head
    raise ComponentError("ranking answers needs a head that writes, as recipes/downstream/vqa has")


def _made_up_answers(who: Subject, count: int) -> TextView:
    assert who.network.text is not None
    tokenizer, (fewest, most) = who.network.text.tokenizer, ANSWER_WORDS
    assert tokenizer.sep_id is not None
    generator = torch.Generator().manual_seed(0)
    # Most answers are one word long, few are four: half as many of each length more.
    chances = torch.tensor([0.5**words for words in range(fewest, most + 1)])
    words = fewest + torch.multinomial(chances, count, True, generator=generator)
    ids = torch.randint(0, tokenizer.vocabulary_size, (count, most + 2), generator=generator)
    place = torch.arange(most + 2)
    ids[:, 0] = tokenizer.cls_id
    ids = ids.where(place <= words[:, None], tokenizer.pad_id)
    ids = ids.where(place != words[:, None] + 1, tokenizer.sep_id)
    mask = place <= words[:, None] + 1
    return TextView(ids.to(who.device), mask.to(who.device))
