"""A component's source tells its summary, parameters and ablations without being imported."""

from __future__ import annotations

import sys

from albefkit.registry.catalogue import find
from albefkit.registry.docstring import meanings, summary_line
from albefkit.registry.source import describe

PARTS = '''
    from typing import ClassVar

    from albefkit.registry import Ablation, default
    from vlp_extras.base import Rough

    raise RuntimeError("imported")


    class Sharp(Rough):
        """Sharper than hard.

        More words about it.

        Args:
            edge: how sharp.
        """

        ablations: ClassVar = {
            "edge": Ablation({"edge": 0}, "no edge"),
            "x": Ablation(edits={}, meaning="y"),
        }

        class Inner(Rough):
            """Inside."""
'''
BASE = '''
    from typing import Literal

    from tests.toy.bases import Negatives


    Mode = Literal["a", "b"]


    class Rough(Negatives):
        """Rough.

        Args:
            edge: overridden.
            grain: how rough,
                in two lines.
        """

        def __init__(self, name, *, edge: Annotated[float, Field(ge=0, le=1)] = 0.5,
                     grain: int | None = None,
                     of: tuple[str, ...] = ("a",), other: Negatives = default("hard"),
                     on: bool = True, mode: Mode = "a", must: str) -> None:
            pass
'''


def test_describe_reads_inherited_parameters(stranger):
    stranger(
        "vlp-extras",
        points={
            "albefkit.v1.negatives": {
                "sharp": "vlp_extras.parts:Sharp",
                "inner": "vlp_extras.parts:Sharp.Inner",
            }
        },
        modules={
            "vlp_extras/__init__.py": "raise RuntimeError('imported')",
            "vlp_extras/base.py": BASE,
            "vlp_extras/parts.py": PARTS,
        },
    )
    about = describe(find("negatives", "sharp"))
    assert about is not None
    assert about.summary == "Sharper than hard."
    assert about.doc == "Sharper than hard.\n\nMore words about it."
    assert [(p.name, p.type, p.default, p.meaning) for p in about.parameters] == [
        ("edge", "float >= 0, <= 1", "0.5", "how sharp."),
        ("grain", "int | null", "null", "how rough, in two lines."),
        ("of", "tuple[str, ...]", "(a,)", ""),
        ("other", "Negatives", "hard", ""),
        ("on", "bool", "true", ""),
        ("mode", "a | b", "a", ""),
        ("must", "str", None, ""),
    ]
    assert about.ablations == {"edge": "no edge", "x": "y"}
    assert about.line == 10
    inner = describe(find("negatives", "inner"))
    assert inner is not None and inner.summary == "Inside." and len(inner.parameters) == 7
    assert not any(name.startswith("vlp_extras") for name in sys.modules)


def test_what_cannot_be_read_is_none(stranger):
    stranger("vlp-extras", points={"albefkit.v1.negatives": {"sharp": "math:floor", "x": "no:X"}})
    assert describe(find("negatives", "sharp")) is None
    assert describe(find("negatives", "x")) is None


def test_meanings_of_a_docstring():
    doc = """First.

    Args:
        one: the first,
            going on.
        two (int): the second: with a colon.

    Raises:
        ValueError: never.
    """
    assert meanings(doc) == {"one": "the first, going on.", "two": "the second: with a colon."}
    assert meanings("Nothing.") == {}
    assert summary_line("\n  First.\nSecond.") == "First."
    assert summary_line("") == ""
