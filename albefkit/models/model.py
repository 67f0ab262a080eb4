"""A trained model, ready to be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from albefkit.data.text import pre_caption, pre_question
from albefkit.distributed import World
from albefkit.engine.devices import DeviceName, choose_device
from albefkit.engine.precision import choose_precision
from albefkit.engine.readiness import bring
from albefkit.evaluation.reading import require_reading
from albefkit.feeding import subject
from albefkit.layers.answer_decoder import AnswerDecoder
from albefkit.models.abilities import LESSONS, Ability
from albefkit.models.answers import AnswerList, rank, write
from albefkit.models.grounding import Grounded, ground_match, ground_similarity
from albefkit.models.inputs import Picture, Pictures, Texts, as_items, as_texts
from albefkit.models.pairs import PairBatch, encode_images, encode_texts, fuse, pair_batches, slices
from albefkit.models.pretrained import push, save
from albefkit.models.stored import Numbers, Stored, rebuild
from albefkit.network import Network
from albefkit.recipe.load import Recipe
from albefkit.registry.errors import ComponentError, Problem


class Model:
    """A trained model: what it sees in images and texts, without a word about recipes.

    Images are paths, images of PIL, or uint8 arrays `(H, W, 3)`, one or a list of them; for models
    that look at n images at once, tuples of n. Texts are one or a list. Where pairs are asked for,
    one image may meet many texts, and one text many images.

    Args:
        stored: where it is from.
        device: where it computes.
        precision: which numbers it computes with; None: those it was trained with, on the same kind
            of device, else the fastest that are safe.
    """

    def __init__(
        self,
        stored: Stored,
        *,
        device: DeviceName = "auto",
        precision: Numbers | None = None,
    ) -> None:
        self.stored = stored
        self.device = choose_device(device, World())
        assembly = rebuild(stored)
        for part in (assembly.pretrainer.student, assembly.pretrainer.space):
            bring(part, self.device)
        chosen = choose_precision(precision or stored.numbers(self.device.type), self.device)
        self._subject = subject(assembly, chosen)
        self._objectives = dict(assembly.pretrainer.objectives.items())

    @property
    def network(self) -> Network:
        """The network itself, in evaluation mode."""
        return self._subject.network

    @property
    def recipe(self) -> Recipe:
        """What it was trained by."""
        return self.stored.recipe

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes it tells apart, or the answers it was taught; may be empty."""
        return self.stored.classes

    @property
    def images(self) -> int:
        """How many images it looks at for each text."""
        return self.network.fusion.images if self.network.fusion else 1

    @property
    def abilities(self) -> tuple[Ability, ...]:
        """What it can be asked."""
        grid = require_reading(self.network)[0].grid
        can: dict[Ability, bool] = {
            "similarity": self._compares,
            "match": self._head("match") is not None,
            "classify": self._head("classify") is not None,
            "answer": self._head("answer") is not None,
            "ground": self._head("ground") is not None and self.images == 1 and grid is not None,
        }
        return tuple(ability for ability, able in can.items() if able)

    @torch.no_grad()
    def similarity(self, images: Pictures, texts: Texts) -> np.ndarray:
        """How similar each of I images is to each of T texts: cosines `(I, T)`, float32.

        Raises:
            ComponentError: images and texts share no space.
            DataError: an image cannot be read, or a text is empty.
        """
        if not self._compares:
            raise self._unable("similarity")
        who, network = self._subject, self.network
        items, cleaned = as_items(images, 1), as_texts(texts, pre_caption, who.max_words)
        seen = [
            network.image_features(encode_images(who, items[rows]))
            for rows in slices(who, len(items), "images")
        ]
        said = [
            network.text_features(encode_texts(who, cleaned[rows])[1])
            for rows in slices(who, len(cleaned), "texts")
        ]
        return (torch.cat(seen).float() @ torch.cat(said).float().T).cpu().numpy()

    @torch.no_grad()
    def match(self, images: Pictures, texts: Texts) -> np.ndarray:
        """How probable it is that each text describes its image: `(P,)` float32.

        Raises:
            ComponentError: no head judges pairs.
            DataError: an image cannot be read, a text is empty, or they make no pairs.
        """
        head = self._require("match")
        return np.concatenate([found[:, -1] for found in self._judged(head, images, texts)])

    @torch.no_grad()
    def classify(self, images: Pictures, texts: Texts) -> list[dict[str, float]]:
        """The classes of each text with its image, the likeliest first, with their probabilities.

        Raises:
            ComponentError: no head tells classes apart.
            DataError: an image cannot be read, a text is empty, or they make no pairs.
        """
        head = self._require("classify")
        rows = np.concatenate(list(self._judged(head, images, texts)))
        order = (-rows).argsort(axis=1, kind="stable")
        return [
            {self.classes[place]: float(row[place]) for place in places}
            for row, places in zip(rows, order, strict=True)
        ]

    @torch.no_grad()
    def answer(
        self, images: Pictures, questions: Texts, candidates: list[str] | None = None
    ) -> list[str]:
        """The answer to each question about its image.

        Args:
            images: one or as many as questions.
            questions: one or as many as images.
            candidates: what may be answered; None: the answers that the model was taught, if it
                has a list of them. Where there is no list, or an empty one, it writes freely.

        Raises:
            ComponentError: no head answers.
            DataError: an image cannot be read, a question is empty, or they make no pairs.
        """
        self._require("answer")
        if self.classes if candidates is None else candidates:
            ranked = self.rank(images, questions, candidates, count=1)
            return [next(iter(best)) for best in ranked]
        tokenizer, decoder = require_reading(self.network)[1].tokenizer, self._decoder
        pairs = self._pairs(images, questions, pre_question)
        return [text for some in pairs for text in write(self._subject, decoder, some, tokenizer)]

    @torch.no_grad()
    def rank(
        self,
        images: Pictures,
        questions: Texts,
        candidates: list[str] | None = None,
        count: int = 5,
    ) -> list[dict[str, float]]:
        """The likeliest answers of a list to each question, best first, with their probabilities.

        Args:
            images: one or as many as questions.
            questions: one or as many as images.
            candidates: the list; None: the answers that the model was taught.
            count: so many are given, if there are.

        Raises:
            ComponentError: no head answers, or there is no list.
            DataError: an image cannot be read, a question is empty, or they make no pairs.
        """
        self._require("answer")
        listed = self.classes if candidates is None else candidates
        if not listed:
            message, hint = "there is no list of answers to rank", "Give candidates=[...]."
            raise ComponentError(Problem("", str(self.stored.path), message, hint))
        answers = AnswerList(listed, require_reading(self.network)[1].tokenizer, self._subject)
        pairs = self._pairs(images, questions, pre_question)
        return [
            best
            for some in pairs
            for best in rank(self._subject, self._decoder, some, answers, count)
        ]

    @torch.no_grad()
    def ground(
        self,
        images: Pictures,
        texts: Texts,
        *,
        by: Literal["match", "similarity"] = "match",
        layer: int | None = None,
    ) -> list[Grounded]:
        """Where each text, and each of its words, is in its image: Grad-CAM maps.

        Args:
            images: one or as many as texts.
            texts: one or as many as images.
            by: what is traced: the matching head to the attention of words on the image, or
                similarity to the image's attention on itself.
            layer: of fusion (match) or the image encoder (similarity), from 0; None: the middle.

        Raises:
            ComponentError: the model has no such maps.
            DataError: an image cannot be read, a text is empty, or they make no pairs.
        """
        items, cleaned = self._given(images, texts, pre_caption)
        if by == "similarity":
            if not self._compares:
                raise self._unable("similarity")
            return list(ground_similarity(self._subject, items, cleaned, layer))
        head = self._require("ground")
        return list(ground_match(self._subject, items, cleaned, head, layer))

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the model for others: config.json, model.safetensors, tokenizer.json, README.md.

        Raises:
            ComponentError: the folder holds something else, or a component of the model is not
                installed but in a file.
        """
        save(self.stored, self._subject, self.abilities, Path(folder))

    def push_to_hub(
        self, repo: str, *, private: bool | None = None, token: str | None = None
    ) -> str:
        """Write the model to a repository of the Hugging Face hub; gives its address.

        Args:
            repo: `owner/name`; made if it is not there.
            private: whether a new repository is.
            token: who writes; None: whoever is logged in.

        Raises:
            ComponentError: the hub cannot be reached, or refuses.
        """
        return push(self.stored, self._subject, self.abilities, repo, private, token)

    @property
    def _compares(self) -> bool:
        network = self.network
        return network.image_projection is not None and network.text_projection is not None

    @property
    def _decoder(self) -> AnswerDecoder:
        decoder = self.network.heads[self._require("answer")]
        assert isinstance(decoder, AnswerDecoder)
        return decoder

    def _head(self, ability: Ability) -> str | None:
        """The name of the head that answers."""
        kind = LESSONS[ability].objective
        assert kind is not None
        names = (name for name, each in self._objectives.items() if isinstance(each, kind))
        return next((name for name in names if name in self.network.heads), None)

    def _require(self, ability: Ability) -> str:
        head = self._head(ability)
        if head is None:
            raise self._unable(ability)
        return head

    def _unable(self, ability: Ability) -> ComponentError:
        lesson, trained = LESSONS[ability], ", ".join(self._objectives)
        message = f"this run has no {lesson.needs}: it was trained with {trained}; "
        return ComponentError(Problem("", str(self.stored.path), message + f"see {lesson.recipe}"))

    def _given(
        self, images: Pictures, texts: Texts, clean: Callable[[str, int], str]
    ) -> tuple[list[tuple[Picture, ...]], list[str]]:
        return as_items(images, self.images), as_texts(texts, clean, self._subject.max_words)

    def _pairs(
        self, images: Pictures, texts: Texts, clean: Callable[[str, int], str]
    ) -> Iterator[PairBatch]:
        return pair_batches(self._subject, *self._given(images, texts, clean))

    def _judged(self, head: str, images: Pictures, texts: Texts) -> Iterator[np.ndarray]:
        """Probabilities `(P, C)` that a head gives to some pairs at a time."""
        judge = self.network.heads[head]
        weight = next(judge.parameters())
        for pairs in self._pairs(images, texts, pre_caption):
            pooled = fuse(self._subject, pairs).pooled
            # Not in half precision, as in evaluation.
            yield judge(pooled.to(weight.dtype)).float().softmax(1).cpu().numpy()
