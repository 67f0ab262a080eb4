"""CLIP's tokenizer as ours, against open_clip's."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest
from open_clip.tokenizer import SimpleTokenizer

from albefkit.text import clip_bpe
from albefkit.text.tokenizer import Tokenizer

SIGNS = string.printable + "éàüßñøçœ”“\u2018\u2019…\u2013—½²日本語한국어русский👍🏽🇩🇪"
WRITTEN = [
    "",
    "   ",
    "A dog's life: it isn't 12:30 pm yet!!",
    "It\u2019s \u201cquoted\u201d",
    "cafe\u0301 na\u00efve CAF\u00c9",
    "two dogs<end_of_text> and <start_of_text>cats",
    "a\tb\nc\x0bd",
    "supercalifragilisticexpialidocious antidisestablishmentarianism",
    "x.,;!?...--- 'll 'LL can'tve'd",
]


@pytest.fixture(scope="module")
def ours() -> Tokenizer:
    return clip_bpe.tokenizer()


@pytest.fixture(scope="module")
def theirs() -> SimpleTokenizer:
    return SimpleTokenizer()


def random_texts(count: int) -> list[str]:
    draw = random.Random(0)
    return ["".join(draw.choices(SIGNS, k=draw.randrange(40))) for _ in range(count)]


def test_every_text_becomes_what_open_clip_makes_of_it(ours, theirs) -> None:
    for text in WRITTEN + random_texts(2000):
        expected = [theirs.sot_token_id, *theirs.encode(text), theirs.eot_token_id]
        assert ours.encode([text]).ids[0].tolist() == expected, repr(text)


def test_long_texts_are_cut_before_their_end(ours, theirs) -> None:
    text = "a red dog and a blue cat by the sea"
    view = ours.limited(6, closing_sep=True).encode([text])
    assert view.ids.tolist() == theirs([text], context_length=6).tolist()


def test_saved_and_loaded_it_is_the_same(ours, tmp_path: Path) -> None:
    ours.save(tmp_path / "tokenizer.json")
    loaded = Tokenizer.load(tmp_path / "tokenizer.json")
    assert loaded.origin == clip_bpe.ORIGIN and loaded.roles == ours.roles
    assert loaded.mask_id is None
    assert loaded.encode(WRITTEN).ids.equal(ours.encode(WRITTEN).ids)
