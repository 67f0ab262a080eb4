"""What a component's class may look like is checked when it is made."""

from __future__ import annotations

import pytest

from tests.toy import bases


@pytest.mark.parametrize("name", ["arguments", "options"])
def test_no_catch_all_parameters(name):
    stars = {"arguments": "*arguments", "options": "**options"}[name]
    with pytest.raises(TypeError, match=f"Mine: a component takes no .*{name}"):
        exec(f"class Mine(Base):\n    def __init__(self, {stars}): pass", {"Base": bases.Negatives})


def test_recipe_parameters_have_types():
    with pytest.raises(TypeError, match="parameter 'size' needs a type"):

        class Mine(bases.Negatives):
            def __init__(self, *, size=3) -> None:
                pass


def test_neighbours_need_no_types():
    class Mine(bases.Negatives):
        def __init__(self, vision, *, size: int = 3) -> None:
            pass

    assert Mine.kind == "negatives"
