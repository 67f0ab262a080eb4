"""The first layers of any text encoder of Hugging Face."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from albefkit.layers import transformers_models as hub
from albefkit.layers.initial import draw_linear_weights
from albefkit.layers.load_report import LoadReport
from albefkit.layers.ranges import Chance, Count, Deviation
from albefkit.layers.recomputing import keep_activations
from albefkit.layers.weights import Absence, Pretrained, Source, choose, find_model
from albefkit.registry.errors import ComponentError, Problem
from albefkit.tensors import Encoded
from albefkit.text.base import TextEncoder
from albefkit.text.choice import TokenizerWish, get_tokenizer
from albefkit.text.tokenizer import Corpus


class Bert(TextEncoder):
    """The first layers of a Hugging Face encoder: BERT, RoBERTa, ELECTRA, DistilBERT, ...

    What comes out are the hidden states after layer `layers`, as fusion layers expect them
    (spec 1.3, mode `text`).

    Args:
        name: on the hub, a local folder, or a type of model that transformers knows.
        layers: how many layers, counted from the words.
        max_tokens: longer texts are cut to this many tokens, [CLS] included.
        pretrained: auto takes weights from the cache or the hub and starts at random where neither
            is reachable; true insists; false starts at random.
        width: size of a token; empty takes the model's own.
        heads: attention heads; empty takes the model's own.
        feed_forward: inner width of the feed-forward parts; empty takes the model's own.
        positions: rows of the position table; empty takes the model's own.
        dropout: of hidden states and attention weights, 0 to 1; empty takes the model's own.
        tokenizer: auto takes the model's own with pretrained weights and trains one otherwise;
            train; clip for CLIP's, which has no word for a hidden one; or the path of a vocab.txt,
            a tokenizer.json or a folder.
        vocabulary: the most entries of a trained tokenizer; empty takes the model's own number. The
            table of words has as many rows as the tokenizer has entries, except with tokenizer:
            auto and pretrained: auto or true, when it has the model's own number.
        closing_sep: whether texts end in [SEP]; the released code has none.
        initial_std: standard deviation of linear weights that start at random, more than 0; empty
            takes the model's own, which suits widths near 768.
    """

    def __init__(
        self,
        corpus: Corpus,
        *,
        name: str = "bert-base-uncased",
        layers: Count = 6,
        max_tokens: Count = 25,
        pretrained: Pretrained = "auto",
        width: Count | None = None,
        heads: Count | None = None,
        feed_forward: Count | None = None,
        positions: Count | None = None,
        dropout: Chance | None = None,
        tokenizer: TokenizerWish = "auto",
        vocabulary: Count | None = None,
        closing_sep: bool = False,
        initial_std: Deviation | None = None,
    ) -> None:
        super().__init__()
        found = choose(pretrained, f"text encoder {name}", lambda: find_model(name))
        config = hub.configuration(name, found)
        hub.override(config, hub.Sizes(layers, width, heads, feed_forward, positions, dropout))
        chosen = get_tokenizer(
            tokenizer,
            corpus,
            found if isinstance(found, Source) else None,
            vocabulary or config.vocab_size,
        )
        own_words = isinstance(found, Source) and chosen.own
        if not own_words:
            entries = chosen.tokenizer.vocabulary_size
            # A hub out of reach changes the weights, not the shape of the model.
            as_pretrained = pretrained is not False and tokenizer == "auto"
            config.vocab_size = max(config.vocab_size, entries) if as_pretrained else entries
            config.pad_token_id = chosen.tokenizer.pad_id
        _check_length(max_tokens, config)
        self.tokenizer = chosen.tokenizer.limited(max_tokens, closing_sep)
        self.max_tokens = max_tokens
        self.model, self.load_report = self._build(config, found, own_words)
        if isinstance(found, Absence):
            draw_linear_weights(self.model, initial_std)
        self.width = config.hidden_size

    @property
    def word_embeddings(self) -> nn.Embedding:
        """The model's own table."""
        return self.model.get_input_embeddings()

    def checkpoint_activations(self) -> None:
        """Use transformers' own switch: layers are computed again on the way back."""
        if not hub.checkpoint_activations(self.model):
            keep_activations(self, "model.text", "transformers has no such switch for this model")

    def forward(self, ids: Tensor, mask: Tensor) -> Encoded:
        """Encode R texts `(R, L)`."""
        tokens = self.model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        return Encoded(tokens, mask, tokens[:, 0])

    @staticmethod
    def _build(config: Any, found: Source | Absence, own_words: bool) -> tuple[Any, LoadReport]:
        if isinstance(found, Absence):
            return hub.fresh_model(config), LoadReport(reason=found.reason)
        model, report = hub.pretrained_model(config, found)
        words = [
            f"{path}.weight"
            for path, part in model.named_modules()
            if part is model.get_input_embeddings()
        ]
        return model, report.require(model.state_dict(), allowed=[] if own_words else words)


def _check_length(max_tokens: int, config: Any) -> None:
    positions = hub.positions(config)
    if positions is not None and max_tokens > positions:
        message = f"max_tokens is {max_tokens}, and the model has {positions} positions"
        raise ComponentError(
            Problem("", "", message, "Take fewer tokens, or start at random with more positions.")
        )
