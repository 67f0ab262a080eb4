"""Answering questions, word by word."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from albefkit.data.base import Dataset
from albefkit.data.text import CLOSED_BY
from albefkit.fusion.base import Fusion
from albefkit.layers.answer_decoder import AnswerDecoder, WordEmbeddings
from albefkit.layers.cross_layer import CrossLayer
from albefkit.layers.loading import load_tensors
from albefkit.layers.ranges import Chance, Count
from albefkit.objectives.base import Objective, own_pairs
from albefkit.predictions import Choice
from albefkit.registry.errors import ComponentError, Problem
from albefkit.tensors import Answers, Encoded, Pairs, TextView
from albefkit.text.base import TextEncoder

if TYPE_CHECKING:
    from albefkit.engine.forward_pass import ForwardPass
    from albefkit.engine.step import Step
    from albefkit.network import Network

BERT_EMBEDDINGS = {
    "word_embeddings": "model.embeddings.word_embeddings",
    "position_embeddings": "model.embeddings.position_embeddings",
    "token_type_embeddings": "model.embeddings.token_type_embeddings",
    "LayerNorm": "model.embeddings.LayerNorm",
}
BARE_EMBEDDINGS = {
    "word_embeddings": "words",
    "position_embeddings": "positions",
    "LayerNorm": "norm",
}
LAYOUTS = (BERT_EMBEDDINGS, BARE_EMBEDDINGS)
"""Part of a decoder's embeddings -> where text encoders have it."""


class Answer(Objective):
    """What is the answer to this question about the image?

    Paper section 5, spec 5: a decoder looks at the fused tokens of the question and writes the
    answer. Every answer that was given counts by its weight, the words of an answer by their sum.
    The decoder begins as the fusion layers, with the word embeddings of the text encoder and the
    word head of masked language modelling, and shares none of them.

    Args:
        layers: of the decoder, the first of fusion's; empty: as many as fusion has.
        dropout: of the decoder's hidden states and attention weights, 0 to 1; empty: fusion's own.
    """

    reads = frozenset({"fused"})
    distillable = True

    def __init__(
        self,
        name: str,
        dataset: Dataset,
        *,
        layers: Count | None = None,
        dropout: Chance | None = None,
    ) -> None:
        super().__init__(name)
        self.images = dataset.images_per_text
        self.layers = layers
        self.dropout = dropout

    def head(self, network: Network) -> AnswerDecoder:
        """A decoder that is, as far as they fit, a copy of parts of the network.

        Raises:
            ComponentError: the network has no such parts, or its tokenizer cannot close an answer.
        """
        fusion, text = network.fusion, network.text
        assert fusion is not None and text is not None
        if fusion.images != self.images:
            raise self._mistaken(
                f"a question of these data is about {self.images} image{'s' * (self.images > 1)}, "
                f"and {type(fusion).__name__} shows it {fusion.images}.",
                "Take another 'model.fusion' or other 'data'; some of both let 'images' be said.",
            )
        if text.tokenizer.roles.sep != CLOSED_BY:
            raise self._mistaken(
                f"answers are closed by {CLOSED_BY}, and the tokenizer knows no such entry.",
                "Take a WordPiece tokenizer, such as 'model.text.tokenizer: train'.",
            )
        layers = self._layers(fusion)
        dropout = layers[0].dropout.p
        return AnswerDecoder(self._embeddings(text, fusion.width, dropout), layers)

    def inherit(self, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """A decoder of the same name, or one made of fusion, embeddings and MLM head (spec 5.1)."""
        sources = {"heads.mlm.": "words."}
        for layout in LAYOUTS:
            sources |= {f"text.{theirs}.": f"embeddings.{ours}." for ours, theirs in layout.items()}
        sources["fusion.layers."] = "layers."
        begun = {
            ours + name.removeprefix(theirs): tensor
            for name, tensor in tensors.items()
            for theirs, ours in sources.items()
            if name.startswith(theirs)
        }
        wanted = {name: tensor for name, tensor in begun.items() if not self._beyond(name)}
        return wanted | dict(super().inherit(tensors))

    def checkpoint_activations(self, head: nn.Module) -> None:
        """The layers of the decoder are computed again on the way back."""
        assert isinstance(head, AnswerDecoder)
        head.checkpoint_activations()

    def pairs(self, step: Step) -> Pairs:
        """B pairs: every question with its own image or images."""
        return own_pairs(step)

    def predict(self, step: Step, who: ForwardPass) -> Choice:
        """One row per word of every answer, [SEP] included, in reading order.

        Raises:
            ComponentError: the data have no answers.
        """
        answers = step.batch.fields.get("answers")
        if not isinstance(answers, Answers):
            raise self._mistaken("the data have no answers.", "Take 'data: {type: vqa}'.")
        # On the host: where the words are decides shapes, and a device would have to be waited for.
        row, column = answers.text.mask[:, 1:].nonzero(as_tuple=True)
        words = answers.text.ids[row, column + 1]
        row, column, words = (
            each.to(step.device, non_blocking=True) for each in (row, column, words)
        )
        decoder = who.network.heads[self.name]
        questions = self._questions(step, who)
        shown = _without_last(answers.text, step.device)
        logits = decoder(questions, shown, answers.question, (row, column))
        weight = answers.weight[row]
        chance = math.log(logits.shape[1]) * weight.sum() / len(step.batch)
        return Choice(logits, words, chance, weight, per=float(len(step.batch)))

    def _questions(self, step: Step, who: ForwardPass) -> Encoded:
        fused = who.fused(self.name)
        start = who.first_row(step.pairs[self.name].view)
        asked = who.texts().rows(slice(start, start + len(step.batch)))
        return Encoded(fused.text_tokens, asked.mask, fused.pooled)

    def _layers(self, fusion: Fusion) -> list[CrossLayer]:
        theirs = [layer for layer in getattr(fusion, "layers", ()) if isinstance(layer, CrossLayer)]
        count = len(theirs) if self.layers is None else self.layers
        if not theirs:
            raise self._mistaken(
                f"the decoder begins as layers of fusion, and {type(fusion).__name__} has no such.",
                "Take 'model.fusion: {type: cross-attention}'.",
            )
        if count > len(theirs):
            raise self._mistaken(
                f"layers is {count}, and fusion has {len(theirs)}.",
                "Leave 'layers' out, or give fusion more.",
            )
        return [_decoding(layer, fusion.width, self.dropout) for layer in theirs[:count]]

    def _embeddings(self, text: TextEncoder, width: int, dropout: float) -> WordEmbeddings:
        names = {name for name, _ in text.named_modules()}
        layout = next((each for each in LAYOUTS if each["word_embeddings"] in names), None)
        if layout is None or text.word_embeddings.embedding_dim != width:
            raise self._mistaken(
                f"the decoder begins with the embeddings of words of the text encoder, and "
                f"{type(text).__name__} has none that are {width} wide.",
                "Take 'model.text: {type: bert}' or {type: embeddings}.",
            )
        parts: dict[str, Any] = {
            ours: copy.deepcopy(text.get_submodule(theirs))
            for ours, theirs in layout.items()
            if theirs in names
        }
        return WordEmbeddings(
            words=parts["word_embeddings"],
            positions=parts["position_embeddings"],
            types=parts.get("token_type_embeddings"),
            norm=parts["LayerNorm"],
            dropout=dropout,
        )

    def _beyond(self, name: str) -> bool:
        """Whether a tensor is of a layer that this decoder does without."""
        part, _, rest = name.partition(".")
        return (
            part == "layers" and self.layers is not None and int(rest.split(".")[0]) >= self.layers
        )

    def _mistaken(self, message: str, hint: str) -> ComponentError:
        return ComponentError(Problem("", f"objectives.{self.name}", message, hint))


def _decoding(theirs: CrossLayer, width: int, dropout: float | None) -> CrossLayer:
    """A copy of a layer of fusion that looks at tokens of its own width.

    Where images had another width, what projects them starts at random, spread as theirs.
    """
    attention, norm = theirs.self_attention, theirs.self_attention_norm
    layer = CrossLayer(
        width,
        attention.heads,
        theirs.feed_forward.expand.out_features,
        width,
        theirs.dropout.p if dropout is None else dropout,
        norm.eps,
    )
    for name in ("key", "value"):
        ours = getattr(layer.cross_attention, name)
        spread = getattr(theirs.cross_attention, name).weight.detach().std()
        nn.init.normal_(ours.weight).detach().mul_(spread)
        nn.init.zeros_(ours.bias)
    load_tensors(layer, theirs.state_dict(), source="fusion")
    return layer


def _without_last(text: TextView, device: torch.device) -> TextView:
    """Answers as a decoder is shown them: nothing comes after the last word."""
    ids, mask = (each[:, :-1].to(device, non_blocking=True) for each in (text.ids, text.mask))
    return replace(text, ids=ids, mask=mask)
