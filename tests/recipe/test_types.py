"""What types a component's parameters may have, and how they are spoken of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from albefkit.recipe.leaf import allows_none, check_leaf
from albefkit.recipe.shapes import shape_of
from albefkit.recipe.signature import component_parameters, neighbours
from albefkit.recipe.source import parse
from albefkit.recipe.words import a, default_words, type_words, value_words
from albefkit.registry.errors import ComponentError
from tests.toy import bases


class Colour(Enum):
    RED = "red"


class Odd:
    pass


def checked(annotation: Any, text: str) -> Any:
    node = parse(f"x: {text}", "r.yaml", Path()).mapping["x"]
    value, problems = check_leaf(annotation, node, "x")
    return problems[0].message if problems else value


@pytest.mark.parametrize(
    ("annotation", "text", "expected"),
    [
        (float, "3", 3.0),
        (Path, "a/b", Path("a/b")),
        (tuple[int, ...], "[1, 2]", (1, 2)),
        (Colour, "red", Colour.RED),
        (Mapping[str, int], "{a: 1}", {"a": 1}),
        (dict[str, Any], "{a: [1, {b: null}]}", {"a": [1, {"b": None}]}),
        (list[bool], "[yes, OFF, true]", [True, False, True]),
        (dict[str, bool], "{on: on}", {"on": True}),
        (Literal["auto"] | bool, "no", False),
        (str, "yes", "yes"),
        (Annotated[int, Field(gt=3)], "4", 4),
        (Annotated[int, ["no hash"]], "4", 4),
        (int, "3.5", "expected int, got 3.5"),
        (int, "9" * 60, int("9" * 60)),
        (bool, "1", "expected true or false, got 1"),
        (Path, "3", "expected a path, got 3"),
        (Path | None, "3", "expected a path or null, got 3"),
        (str, "null", "expected text, got null"),
        (list[int], "3", "expected a list of int, got 3"),
        (list[int], "[1, x]", "expected an integer, got text 'x'"),
        (dict[str, int], "[]", "expected a mapping to int, got an empty list"),
        (Literal[1, "a"], "b", "expected 1 or 'a', got text 'b'"),
        (Annotated[str, Field(pattern="^a")], "b", "expected text, got text 'b'"),
        (int | list[int], "x", "expected int or a list of int, got text 'x'"),
        (int | list[int], "[x]", "expected int or a list of int, got a list of 1"),
        (Odd, "3", "its type, Odd, is nothing that a recipe can say"),
        (str, f"'{'long ' * 20}'", None),
    ],
)
def test_plain_values(annotation, text, expected):
    if expected is None:
        assert checked(annotation, text) == "long " * 20
    else:
        assert checked(annotation, text) == expected


def test_words():
    assert type_words(Sequence[float]) == "a list of float"
    assert type_words(tuple[int, str]) == "[int, text]"
    assert type_words(Annotated[int, 3]) == "int"
    assert value_words("x" * 50) == f"text '{'x' * 37}...'"
    assert value_words(10**50) == "a huge number"
    assert value_words({}) == "a mapping"
    assert default_words({"a": [None, True, "x", 1.5]}) == "{a: [null, true, x, 1.5]}"
    assert [a("teacher"), a("objective"), a("keys")] == ["a teacher", "an objective", "keys"]


def test_what_null_means():
    kinds = [int | None, Any, Literal["a", None], Annotated[int | None, 3], None]
    assert all(allows_none(each) for each in kinds)
    assert not any(allows_none(each) for each in (int, str | float, Literal["a"], list[None]))


def test_more_than_one_kind_is_refused():
    with pytest.raises(TypeError, match="more than one kind of component"):
        shape_of(bases.Negatives | bases.Schedule)


def test_unreadable_types_name_the_class():
    class Mine(bases.Negatives):
        def __init__(self, text: Nowhere, *, size: AlsoNowhere) -> None:  # noqa: F821
            pass

    assert neighbours(Mine) == {"text": True}
    with pytest.raises(ComponentError, match=r"Mine: the type of 'size' cannot be read: name 'Als"):
        component_parameters(Mine)


def test_a_default_that_a_recipe_cannot_say(recipe):
    from albefkit.recipe.load import load_recipe
    from albefkit.registry.errors import RecipeError

    class Mine(bases.Negatives):
        def __init__(self, *, how: Callable[[], None] = print) -> None:
            pass

    with Mine.register("mine"), pytest.raises(RecipeError, match="nothing that a recipe can say"):
        load_recipe(recipe, sets=["objectives.itm.negatives=mine"])
