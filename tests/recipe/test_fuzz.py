"""Whatever a person writes, the answer is a recipe or an error in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from albefkit.recipe.load import load_recipe
from albefkit.registry.errors import AlbefkitError
from tests.toy.fixtures import RECIPE

relaxed = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
fragments = st.sampled_from(
    [
        *("model", "objectives", "itm", "type", "negatives", "hard", "data", "scenes", "train"),
        *("epochs", "extends", "toy.yaml", "alignment", "keys", "queue", "size", "teacher", "null"),
        *(":", ": ", "{", "}", "[", "]", ", ", "\n", "\n  ", "- ", "'", '"', "#", "&a ", "*a", "!"),
        *(
            "|\n",
            ">",
            "<<",
            "? ",
            "%",
            "@",
            "1e-4",
            "-1",
            "yes",
            ".nan",
            ".inf",
            "\t",
            "\x85",
            "💥",
        ),
        *(
            "9" * 400,
            "mine.py:Mine",
            "x.py:",
            "./",
            "/",
            "..",
            "albefkit/hard",
            "\0",
            "1e999",
            "0",
            "~",
        ),
    ]
)
soup = st.lists(fragments | st.text(max_size=3), max_size=30).map("".join)
paths = st.lists(
    st.sampled_from(
        [
            *("model", "vision", "alignment", "keys", "type", "size", "teacher", "momentum"),
            *("objectives", "itm", "itm-easy", "negatives", "alpha", "weight", "value", "many"),
            *("parts", "by_name", "pair", "data", "train", "epochs", "augment", "crop_scale"),
            *("randaugment", "evaluate", "retrieval", "rerank", "0", "optimizer", "lr"),
        ]
    )
    | st.text(max_size=4),
    min_size=1,
    max_size=5,
).map(".".join)
edits = st.tuples(paths, soup).map("=".join) | soup


def attempt(*arguments, **options) -> None:
    try:
        loaded = load_recipe(*arguments, **options)
    except AlbefkitError as error:
        assert str(error)
    else:
        Path("again.yaml").write_text(loaded.to_yaml(), encoding="utf-8")
        assert load_recipe("again.yaml").hash == loaded.hash


@relaxed
@given(text=soup | st.text(max_size=60))
def test_any_text(recipe, text):
    Path("any.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")
    attempt("any.yaml")


@relaxed
@given(data=st.binary(max_size=40))
def test_any_bytes(recipe, data):
    Path("any.yaml").write_bytes(data)
    attempt("any.yaml")


@relaxed
@given(start=st.integers(0, len(RECIPE)), length=st.integers(0, 30), text=soup)
def test_any_edit_of_the_text(recipe, start, length, text):
    edited = RECIPE[:start] + text + RECIPE[start + length :]
    Path("any.yaml").write_text(edited, encoding="utf-8", errors="surrogatepass")
    attempt("any.yaml")


@relaxed
@given(sets=st.lists(edits, max_size=3), drops=st.lists(soup | paths, max_size=2))
def test_any_sets_and_drops(recipe, sets, drops):
    attempt(recipe, sets=sets)
    attempt(recipe, sets=sets, drops=drops)


@relaxed
@given(path=paths, value=st.sampled_from(["1", "0.5", "hard", "[hard]", "{a: 1}", "null", "yes"]))
def test_plausible_sets(recipe, path, value):
    attempt(recipe, sets=[f"{path}={value}"])


@pytest.mark.parametrize("name", ["any.yaml/x", "\ud800", "a" * 300])
def test_any_name(recipe, name):
    with pytest.raises(AlbefkitError):
        load_recipe(name)
