"""Lower-casing WordPiece: trained on captions, or from a vocabulary file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import tokenizers
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from albefkit.registry.errors import ComponentError, Problem
from albefkit.text.tokenizer import Roles, Tokenizer

ROLES = Roles()


def train(texts: Iterable[str], vocabulary: int, least_count: int = 2) -> Tokenizer:
    """Train on texts; the same texts give the same vocabulary.

    Args:
        texts: cleaned captions.
        vocabulary: the most entries, roles and single characters included.
        least_count: word pieces seen less often are spelt out.

    Raises:
        ComponentError: there are no texts.
    """
    inner = _wordpiece(models.WordPiece(unk_token=ROLES.unk))
    trainer = trainers.WordPieceTrainer(
        vocab_size=vocabulary,
        min_frequency=least_count,
        special_tokens=[ROLES.pad, ROLES.unk, ROLES.cls, "[SEP]", ROLES.mask],
        show_progress=False,
    )
    counted = _Counted(texts)
    with _one_thread():
        inner.train_from_iterator(counted, trainer)
    if not counted.count:
        raise ComponentError("there are no captions to train a tokenizer on")
    return Tokenizer(inner)


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


class _Counted:
    """Texts that remember how many they were."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.texts = texts
        self.count = 0

    def __iter__(self) -> Iterator[str]:
        for text in self.texts:
            self.count += 1
            yield text


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
