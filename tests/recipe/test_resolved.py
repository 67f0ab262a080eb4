"""A resolved recipe says everything, and reads back as the same recipe."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

from albefkit.recipe.diff import ABSENT, Difference, diff
from albefkit.recipe.dump import to_yaml, tree_hash
from albefkit.recipe.load import load_recipe
from albefkit.recipe.source import parse

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).filter(
    lambda text: all(yaml.reader.Reader.NON_PRINTABLE.search(each) is None for each in text)
)
words = st.sampled_from(["yes", "1e-4", "010", "12:30", "2020-01-01", "~", "null", ".inf", "0x1f"])
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts | words
trees = st.dictionaries(
    texts | words,
    st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@given(trees)
def test_whatever_is_written_reads_back(tree):
    assert parse(to_yaml(tree), "r.yaml", Path()).python() == tree if tree else True


def test_resolved_recipe_reads_back_the_same(recipe):
    first = load_recipe(
        recipe, sets=["objectives.many={parts: [hard], file: a/b, by_name: {a: 1}}"]
    )
    Path("resolved.yaml").write_text(first.to_yaml())
    second = load_recipe("resolved.yaml")
    assert second.resolved == first.resolved and second.hash == first.hash
    assert second.settings == first.settings
    assert json.loads(json.dumps(first.resolved)) == first.resolved
    assert load_recipe(recipe).hash != first.hash


def test_hash_ignores_the_order_of_keys():
    assert tree_hash({"a": 1, "b": {"c": 1, "d": 2}}) == tree_hash({"b": {"d": 2, "c": 1}, "a": 1})
    assert tree_hash({"a": 1}) != tree_hash({"a": 2})


def test_diff_in_the_recipes_words(recipe):
    before = load_recipe(recipe).resolved
    assert diff(before, before) == []
    edits = ["train.epochs=9", "data={type: captions, root: x}", "teacher.momentum.value=0.5"]
    after = load_recipe(recipe, sets=edits, drops=["itm-easy"]).resolved
    assert [str(each) for each in diff(before, after)] == [
        "teacher.momentum.value: 0.99 -> 0.5",
        "objectives.itm-easy: gone, was {type: itm, negatives: {type: random}, "
        "alpha: {type: ramp, to: 0.4, epochs: 1.0}, weight: 0.5}",
        "data: {type: scenes, size: 64} -> {type: captions, root: x}",
        "train.epochs: 2 -> 9",
    ]
    assert diff({}, {"a": [1, None]}) == [Difference("a", ABSENT, [1, None])]
    assert str(diff({}, {"a": [1, None]})[0]) == "a: new, [1, null]"
    assert diff({"a": 1}, {"a": True}) == [Difference("a", 1, True)]
