"""Words to ids: trained, saved, limited, in every process the same."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from albefkit.registry.errors import ComponentError
from albefkit.text import wordpiece
from albefkit.text.choice import from_path, get_tokenizer
from albefkit.text.tokenizer import Corpus, Roles, Tokenizer

CAPTIONS = [
    "a red dog left of a blue cat",
    "two dogs on the beach",
    "a café by the sea",
    "the quick brown fox jumps over a lazy dog, and 4 zebras",
] * 3


@pytest.fixture(scope="module")
def trained() -> Tokenizer:
    return wordpiece.train(lambda: CAPTIONS, vocabulary=160)


def test_known_words_are_one_token_each(trained: Tokenizer) -> None:
    view = trained.encode(["A red DOG", "two dogs by the sea"])
    assert trained.words(view.ids[0]) == ["[CLS]", "a", "red", "dog", "[PAD]", "[PAD]"]
    assert view.mask.sum(dim=1).tolist() == [4, 6]
    assert view.ids.dtype == torch.int64 and view.mask.dtype == torch.bool


def test_roles_come_first_and_then_words(trained: Tokenizer) -> None:
    assert trained.special_ids == frozenset(range(5))
    assert trained.pad_id == 0 and trained.first_word_id == 5
    assert trained.vocabulary_size <= 160


def test_empty_and_unknown_texts(trained: Tokenizer) -> None:
    view = trained.encode(["", "漢字"])
    assert trained.words(view.ids[0]) == ["[CLS]", "[PAD]", "[PAD]"]
    assert trained.words(view.ids[1]) == ["[CLS]", "[UNK]", "[UNK]"]
    assert trained.encode([]).ids.shape == (0, 0)


def test_a_role_written_in_a_text_is_that_role(trained: Tokenizer) -> None:
    ids = trained.encode(["two dogs[SEP]"]).ids[0]
    assert ids[-1] == trained.sep_id


def test_texts_are_cut(trained: Tokenizer) -> None:
    limited = trained.limited(max_tokens=4, closing_sep=False)
    assert limited.words(limited.encode(["two dogs on the beach"]).ids[0]) == [
        "[CLS]",
        "two",
        "dogs",
        "on",
    ]
    assert limited.encode(["two dogs on the beach"], max_tokens=2).ids.shape == (1, 2)
    assert trained.encode(["two dogs on the beach"]).ids.shape == (1, 6)


def test_a_closing_sep_stays_when_texts_are_cut(trained: Tokenizer) -> None:
    closing = trained.limited(max_tokens=4, closing_sep=True)
    words = closing.words(closing.encode(["two dogs on the beach"]).ids[0])
    assert words == ["[CLS]", "two", "dogs", "[SEP]"]


@given(st.lists(st.text(max_size=30), max_size=4), st.integers(1, 9))
def test_any_text_gives_a_padded_table(texts: list[str], limit: int) -> None:
    tokenizer = wordpiece.train(lambda: CAPTIONS, vocabulary=60)
    view = tokenizer.encode(texts, max_tokens=limit)
    assert view.ids.shape == view.mask.shape and view.ids.shape[0] == len(texts)
    assert ((view.ids == tokenizer.pad_id) | view.mask).all()
    if texts:
        assert view.ids.shape[1] <= limit
        assert (view.ids[:, 0] == tokenizer.cls_id).all()
        assert view.mask.any(dim=0).all()


def test_training_is_the_same_in_every_process(trained: Tokenizer, tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from albefkit.text import wordpiece;"
        f"wordpiece.train(lambda: {CAPTIONS!r}, 160).save(pathlib.Path(sys.argv[1]))"
    )
    trained.save(tmp_path / "here.json")
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    other = tmp_path / "there.json"
    subprocess.run([sys.executable, "-c", code, str(other)], check=True, env=environment)
    assert (tmp_path / "here.json").read_text() == other.read_text()


def test_training_leaves_the_environment_alone(monkeypatch) -> None:
    for value in ("true", None):
        if value:
            monkeypatch.setenv("TOKENIZERS_PARALLELISM", value)
        else:
            monkeypatch.delenv("TOKENIZERS_PARALLELISM")
        wordpiece.train(lambda: CAPTIONS, 60)
        assert os.environ.get("TOKENIZERS_PARALLELISM") == value


def test_no_captions_is_an_error() -> None:
    with pytest.raises(ComponentError, match="no captions to train"):
        wordpiece.train(list, 60)


def test_saved_and_pickled_it_is_the_same(trained: Tokenizer, tmp_path: Path) -> None:
    limited = trained.limited(max_tokens=5, closing_sep=True)
    limited.save(tmp_path / "tokenizer.json")
    text = ["a red cat on the beach by the sea"]
    for other in (Tokenizer.load(tmp_path / "tokenizer.json"), pickle.loads(pickle.dumps(limited))):
        assert torch.equal(other.encode(text).ids, limited.encode(text).ids)
        assert (other.max_tokens, other.closing_sep, other.roles, other.origin) == (
            5,
            True,
            limited.roles,
            "trained",
        )


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": "other"}', '{"format": 1}'])
def test_another_file_is_refused_by_name(content: str, tmp_path: Path) -> None:
    file = tmp_path / "strange.json"
    file.write_text(content)
    with pytest.raises(ComponentError, match=r"strange\.json"):
        Tokenizer.load(file)
    with pytest.raises(ComponentError, match=r"strange\.json"):
        from_path(file)


def test_a_vocabulary_file_needs_all_roles(tmp_path: Path) -> None:
    file = tmp_path / "vocab.txt"
    file.write_text("[PAD]\n[UNK]\n[CLS]\na\n")
    with pytest.raises(ComponentError) as caught:
        wordpiece.from_vocabulary(file)
    assert "this vocabulary has no [SEP], [MASK]" in str(caught.value)
    with pytest.raises(ComponentError, match="cannot be read"):
        wordpiece.from_vocabulary(tmp_path / "nowhere.txt")
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ComponentError, match="cannot be read"):
        wordpiece.from_vocabulary(file)


def test_numbers_of_a_vocabulary_file_are_its_lines(tmp_path: Path) -> None:
    file = tmp_path / "vocab.txt"
    file.write_text("[PAD]\n[unused0]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n\u2028\ndog\n", "utf-8")
    tokenizer = wordpiece.from_vocabulary(file)
    assert tokenizer.encode(["a dog"]).ids.tolist() == [[3, 6, 8]]
    assert tokenizer.first_word_id == 6 and tokenizer.vocabulary_size == 9


def test_first_word_where_mask_comes_last(trained: Tokenizer) -> None:
    """RoBERTa keeps its mask behind the words."""
    content = json.loads(trained.inner.to_str())
    vocabulary = content["model"]["vocab"]
    vocabulary["<mask>"] = len(vocabulary)
    content["added_tokens"] = [t for t in content["added_tokens"] if t["content"] != "[MASK]"]
    inner = type(trained.inner).from_str(json.dumps(content))
    tokenizer = Tokenizer(inner, Roles(mask="<mask>"))
    assert tokenizer.first_word_id == 4


def test_what_a_vocabulary_lacks_is_said(trained: Tokenizer) -> None:
    inner = type(trained.inner).from_str(trained.inner.to_str())
    with pytest.raises(ComponentError, match="the vocabulary has no <s>"):
        Tokenizer(inner, Roles(cls="<s>"))
    with pytest.raises(ComponentError, match="closing_sep"):
        Tokenizer(inner, Roles(sep=None), closing_sep=True)


def test_a_tokenizer_saved_by_a_run_is_taken_first(trained: Tokenizer, tmp_path: Path) -> None:
    saved = tmp_path / "tokenizer.json"
    trained.save(saved)

    def never():
        raise AssertionError("nothing is to be trained")

    chosen = get_tokenizer("train", Corpus(never, saved), None, vocabulary=1000)
    assert chosen.tokenizer.vocabulary_size == trained.vocabulary_size and not chosen.own
    assert from_path(saved).vocabulary_size == trained.vocabulary_size


def test_any_file_of_the_library_can_be_read(trained: Tokenizer, tmp_path: Path) -> None:
    trained.inner.save(str(tmp_path / "tokenizer.json"))
    chosen = get_tokenizer(str(tmp_path / "tokenizer.json"), Corpus(list), None, 10)
    assert chosen.tokenizer.encode(["a red dog"]).ids.tolist() == (
        trained.encode(["a red dog"]).ids.tolist()
    )
    with pytest.raises(ComponentError, match="there is no tokenizer at"):
        get_tokenizer(str(tmp_path / "nowhere.json"), Corpus(list), None, 10)
