"""Which tokenizer a text encoder gets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import tokenizers

from albefkit.layers.weights import Source
from albefkit.registry.errors import ComponentError, Problem
from albefkit.text import clip_bpe, wordpiece
from albefkit.text.tokenizer import FORMAT, Corpus, Roles, Tokenizer

TokenizerWish = str
"""`auto`, `train`, `clip`, or a path."""


class Chosen(NamedTuple):
    """A tokenizer.

    Args:
        tokenizer: it.
        own: whether it is the pretrained model's own, so that its word embeddings fit.
    """

    tokenizer: Tokenizer
    own: bool


def get_tokenizer(
    wish: TokenizerWish, corpus: Corpus, source: Source | None, vocabulary: int
) -> Chosen:
    """Get the tokenizer that is wished for.

    Args:
        wish: `auto`, `train`, `clip`, or a path.
        corpus: to train on; a tokenizer that an earlier run saved is taken before all others.
        source: the pretrained model, or None where weights are random.
        vocabulary: the most entries of a trained tokenizer.
    """
    if corpus.saved is not None and corpus.saved.is_file():
        saved = Tokenizer.load(corpus.saved)
        return Chosen(saved, source is not None and saved.origin == source.name)
    if wish == "auto" and source is not None:
        return Chosen(from_transformers(source.name, offline=source.offline), True)
    if wish == "clip":
        return Chosen(clip_bpe.tokenizer(), False)
    if wish in ("auto", "train"):
        return Chosen(wordpiece.train(corpus.captions, vocabulary), False)
    return Chosen(from_path(Path(wish).expanduser()), False)


def from_path(path: Path) -> Tokenizer:
    """Read a `vocab.txt`, a `tokenizer.json`, a file of `Tokenizer.save`, or a model's folder.

    Raises:
        ComponentError: there is no such file, or it is something else.
    """
    if path.is_dir():
        if not (path / "tokenizer.json").is_file() and (path / "vocab.txt").is_file():
            return wordpiece.from_vocabulary(path / "vocab.txt")
        return from_transformers(str(path), offline=True)
    if not path.is_file():
        hint = "Give auto, train, clip, or the path of a vocab.txt, a tokenizer.json or a folder."
        raise ComponentError(Problem("", "", f"there is no tokenizer at {path}", hint))
    if path.suffix != ".json":
        return wordpiece.from_vocabulary(path)
    try:
        saved_here = json.loads(path.read_text(encoding="utf-8")).get("format") == FORMAT
        inner = None if saved_here else tokenizers.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exceptions
        raise ComponentError(Problem("", str(path), f"is no tokenizer: {error}")) from error
    return Tokenizer.load(path) if inner is None else Tokenizer(inner, origin=str(path))


def from_transformers(name: str, offline: bool) -> Tokenizer:
    """The tokenizer that comes with a model of Hugging Face.

    Raises:
        ComponentError: there is none, it has no fast form, or no [MASK].
    """
    from transformers import AutoTokenizer

    try:
        found = AutoTokenizer.from_pretrained(name, local_files_only=offline, use_fast=True)
        inner = found.backend_tokenizer
    except Exception as error:  # many types, depending on what is missing
        first_line = str(error).partition("\n")[0]
        raise _untaken(name, f"is not of the fast kind: {first_line}") from error
    roles = {
        "pad": found.pad_token,
        "cls": found.cls_token,
        "mask": found.mask_token,
        "unk": found.unk_token,
    }
    missing = [role for role, entry in roles.items() if entry is None]
    if missing:
        raise _untaken(name, f"has no entry for {', '.join(missing)}")
    # A copy: the library's own object stays as it is.
    inner = tokenizers.Tokenizer.from_str(inner.to_str())
    tokenizer = Tokenizer(inner, Roles(**roles, sep=found.sep_token), origin=name)
    if tokenizer.first_word_id == tokenizer.vocabulary_size:
        # Where a model's files have none, the library makes an empty one without a word about it.
        raise _untaken(name, "has no words: its files are not there")
    return tokenizer


def _untaken(name: str, why: str) -> ComponentError:
    message = f"the tokenizer of {name} {why}"
    return ComponentError(Problem("", "", message, "Say 'tokenizer: train', or give a vocab.txt."))
