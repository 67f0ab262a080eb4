"""Lower-casing WordPiece: trained on captions, or from a vocabulary file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from albefkit.registry.errors import ComponentError, Problem
from albefkit.text.tokenizer import Roles, Tokenizer

ROLES = Roles()
LEAST_COUNT = 2
"""A word piece that is seen less often is spelt out."""


def train(
    captions: Callable[[], Iterable[str]], vocabulary: int, least_count: int = LEAST_COUNT
) -> Tokenizer:
    """Train on captions; the same captions give the same vocabulary, on every machine.

    Args:
        captions: gives the cleaned texts; called twice.
        vocabulary: the most entries, roles included; single characters come on top if need be.
        least_count: word pieces seen less often are spelt out.

    Raises:
        ComponentError: there are no texts.
    """
    inner = _wordpiece(models.WordPiece(unk_token=ROLES.unk))
    roles = [ROLES.pad, ROLES.unk, ROLES.cls, "[SEP]", ROLES.mask]
    # The trainer would number these in the order of a hash table, which no two processes share.
    inside = [f"##{character}" for character in sorted(_inside_words(inner, captions()))]
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary,
        min_frequency=least_count,
        special_tokens=roles + inside,
        show_progress=False,
    )
    with _one_thread():
        inner.train_from_iterator(captions(), trainer)
    entries = inner.get_vocab()
    if len(entries) == len(roles):
        raise ComponentError("there are no captions to train a tokenizer on")
    return Tokenizer(_wordpiece(models.WordPiece(entries, unk_token=ROLES.unk)))


def _inside_words(inner: tokenizers.Tokenizer, texts: Iterable[str]) -> set[str]:
    """The characters that occur in words elsewhere than at their beginning."""
    assert inner.normalizer is not None and inner.pre_tokenizer is not None
    # Words come again and again; nothing joins across a space, so each is looked at once.
    between_spaces = {each for text in texts for each in text.split(" ")}
    words = inner.pre_tokenizer.pre_tokenize_str(
        inner.normalizer.normalize_str(" ".join(between_spaces))
    )
    return {character for word, _ in words for character in word[1:]}


def from_vocabulary(file: Path) -> Tokenizer:
    """Read a `vocab.txt`: one entry per line, its number is its id.

    Raises:
        ComponentError: the file cannot be read, or a role is not in it.
    """
    try:
        entries = file.read_text(encoding="utf-8").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ComponentError(Problem("", str(file), f"cannot be read: {error}")) from error
    vocabulary = {entry.rstrip(): number for number, entry in enumerate(entries)}
    missing = [role for role in ROLES.entries if role not in vocabulary]
    if missing:
        message = f"this vocabulary has no {', '.join(missing)}"
        raise ComponentError(
            Problem("", str(file), message, "One entry per line, as in BERT's vocab.txt.")
        )
    model = models.WordPiece(vocabulary, unk_token=ROLES.unk)
    return Tokenizer(_wordpiece(model), origin=str(file))


def _wordpiece(model: models.WordPiece) -> tokenizers.Tokenizer:
    inner = tokenizers.Tokenizer(model)
    inner.normalizer = normalizers.BertNormalizer(lowercase=True)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.decoder = decoders.WordPiece()
    return inner


@contextmanager
def _one_thread() -> Iterator[None]:
    """Training with threads would make every later fork of a loader worker warn."""
    before = os.environ.get("TOKENIZERS_PARALLELISM")
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ["TOKENIZERS_PARALLELISM"]
        else:
            os.environ["TOKENIZERS_PARALLELISM"] = before
