"""YAML of recipes: numbers, words, places, and everything that is refused."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from albefkit.recipe.source import MAX_BYTES, parse, read_file
from albefkit.registry.errors import RecipeError


def read(text: str):
    return parse(text, "r.yaml", Path()).python()


def refusal(text: str) -> str:
    with pytest.raises(RecipeError) as caught:
        read(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1E5", 1e5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-1_000", -1000),
        ("010", 10),
        ("0x1f", "0x1f"),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("off", "off"),
        ("12:30", "12:30"),
        ("2020-01-01", "2020-01-01"),
        ("~", None),
        ("", None),
        ("''", ""),
        ("'1e-4'", "1e-4"),
        ("1e", "1e"),
        ("[a, {b: 1}]", ["a", {"b": 1}]),
    ],
)
def test_scalars(text, value):
    result = read(f"x: {text}")["x"]
    assert result == value and type(result) is type(value)


def test_places_are_of_values_and_of_keys():
    node = parse("a:\n  b: [1, two]\n", "r.yaml", Path()).mapping["a"].mapping["b"]
    assert str(node.key) == "r.yaml:2:3"
    assert str(node.place) == "r.yaml:2:6"
    assert str(node.value[1].place) == "r.yaml:2:10"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\na: 2", "r.yaml:2:1  a\n    'a' stands here a second time; first at r.yaml:1:1"),
        ("x: !!python/name:os.system ''", "r.yaml:1:4  x\n    a recipe has no tags, got "),
        ("x: !mine 3", "a recipe has no tags, got '!mine'"),
        ("x: !!int y", "'y' is not a readable int"),
        ("x: !!bool 3", "'3' is not a readable bool"),
        ("x: !!null 3", "'3' is not a readable null"),
        (
            "x: [1, 2",
            "r.yaml:1:9\n    not YAML: while parsing a flow sequence: expected ',' or ']'",
        ),
        ("a: b: c", "r.yaml:1:5\n    not YAML: mapping values are not allowed here"),
        ("\tx: 1", "not YAML: "),
        ("x: \x00", "not YAML: "),
        ("a: 1\n---\nb: 2", "expected a single document"),
        ("? [a]\n: 1", "expected a name before the ':'"),
        ('x: "\\ud800"', "half a character"),
        ('"\\ud800": 1', "half a character"),
        ("x: &a [*a]", "nested too deeply"),
        ("[" * 3000, "nested too deeply"),
        ("x: *nobody", "undefined alias"),
        (f"x: {'9' * 5000}", "is not a readable int"),
    ],
)
def test_refusals(text, expected):
    assert expected in refusal(text)


def test_a_bomb_of_anchors_is_refused():
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [
        f"{y}: &{y} [{', '.join(['*' + x] * 9)}]" for x, y in zip("abcdef", "bcdefg", strict=True)
    ]
    assert "too much for a recipe" in refusal("\n".join(lines))


def test_all_problems_of_a_text_at_once():
    assert refusal("a: 1\na: 2\nb: !x 3").count("r.yaml:") == 3


def test_files_that_are_no_recipes(folder):
    Path("binary.yaml").write_bytes(b"a: \xff\xfe")
    Path("empty.yaml").write_text("# nothing\n")
    Path("list.yaml").write_text("- 1\n")
    Path("large.yaml").write_text("#" * (MAX_BYTES + 1))
    Path("folder.yaml").mkdir()
    Path("bom.yaml").write_bytes(b"\xef\xbb\xbfa: 1")
    expected = {
        "binary.yaml": "binary.yaml\n    is not UTF-8 text: byte 0xff at 3",
        "empty.yaml": "empty.yaml\n    is empty, expected a recipe",
        "list.yaml": "list.yaml:1:1\n    expected a mapping of sections",
        "large.yaml": f"large.yaml\n    too large for a recipe: {MAX_BYTES + 1:,} bytes",
        "folder.yaml": "folder.yaml\n    is a folder, expected a recipe file",
        "nobody.yaml": "nobody.yaml\n    cannot be read: No such file or directory",
    }
    for name, message in expected.items():
        with pytest.raises(RecipeError) as caught:
            read_file(Path(name))
        assert str(caught.value) == message
    assert read_file(Path("bom.yaml"))[1].python() == {"a": 1}


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission(folder):
    Path("secret.yaml").write_text("a: 1")
    Path("secret.yaml").chmod(0)
    with pytest.raises(RecipeError, match="Permission denied"):
        read_file(Path("secret.yaml"))
