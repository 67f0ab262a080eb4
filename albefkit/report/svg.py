"""From matplotlib to SVG that lies in a page and takes its colours from there."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = ("ink", "muted", "rule", "paper", "accent", *(f"row-{each}" for each in range(8)))
"""Custom properties of the page's style sheet, so that figures follow it into the dark."""

LONGEST = 36
"""Characters of a label that a figure has room for."""

PER_INCH = 72

_LINK = "{http://www.w3.org/1999/xlink}href"
_NUMBERS = ("d", "x", "y", "width", "height", "transform")


def colour(name: str) -> str:
    """A placeholder, which becomes the page's colour of this name when the figure is drawn."""
    return f"#{COLOURS.index(name) + 1:06x}"


SETTINGS: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": colour("rule"),
    "axes.facecolor": "none",
    "axes.grid": False,
    "axes.labelcolor": colour("muted"),
    "axes.labelsize": 11,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": colour("ink"),
    "axes.titlelocation": "left",
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "figure.facecolor": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 11,
    "grid.color": colour("rule"),
    "grid.linewidth": 0.7,
    "path.simplify_threshold": 0.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "albefkit",
    "text.color": colour("ink"),
    "text.parse_math": False,  # a dollar in a name is a dollar
    "text.usetex": False,
    "xtick.color": colour("rule"),
    "xtick.labelcolor": colour("muted"),
    "xtick.labelsize": 10,
    "ytick.color": colour("rule"),
    "ytick.labelcolor": colour("muted"),
    "ytick.labelsize": 10,
}


@dataclass(frozen=True)
class Frame:
    """Where the axes of a figure lie, in pixels of the page.

    Args:
        width: of the figure.
        height: of the figure.
        left: from its edge to the axes; likewise the others.
    """

    width: int
    height: int
    left: int = 52
    right: int = 14
    top: int = 30
    bottom: int = 44


@dataclass(frozen=True)
class Picture:
    """A figure as a page takes it.

    Args:
        svg: the element.
        title: what it shows.
        width: of its own, in pixels; it may be shown smaller.
    """

    svg: Markup
    title: str
    width: int


def draw(name: str, title: str, about: str, frame: Frame, paint: Callable[[Axes], None]) -> Picture:
    """A figure with one pair of axes; matplotlib's settings are left as they were.

    Args:
        name: begins every id in it, so that several lie in one page.
        title: what it shows, for those who do not see it; empty: nothing that is not said beside.
        about: the same at length.
        frame: its size.
        paint: draws on the axes.
    """
    with matplotlib.rc_context(SETTINGS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # the page's font may have it
        figure = Figure((frame.width / PER_INCH, frame.height / PER_INCH), dpi=PER_INCH)
        inner = frame.width - frame.left - frame.right, frame.height - frame.top - frame.bottom
        place = (frame.left, frame.bottom, *inner)
        sides = (frame.width, frame.height) * 2
        left, bottom, width, height = (part / side for part, side in zip(place, sides, strict=True))
        axes = figure.add_axes((left, bottom, width, height))
        paint(axes)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    root = ElementTree.fromstring(file.getvalue())
    return Picture(Markup("".join(_inline(root, name, title, about))), title, frame.width)


def label(text: str) -> str:
    """A name that fits a figure, on one line."""
    text = "".join(each if each.isprintable() else " " for each in text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"


def _inline(root: ElementTree.Element, name: str, title: str, about: str) -> Iterator[str]:
    used = {place for each in root.iter() for place in _referred(each)}
    box = quoteattr(root.attrib["viewBox"])
    if title:
        yield f'<svg viewBox={box} role="img" aria-labelledby="{name}-title {name}-about">'
        yield f'<title id="{name}-title">{escape(title)}</title>'
        yield f'<desc id="{name}-about">{escape(about)}</desc>'
    else:
        yield f'<svg viewBox={box} aria-hidden="true">'
    for child in root:
        yield from _written(child, name, used)
    yield "</svg>"


def _referred(element: ElementTree.Element) -> list[str]:
    """The ids that an element makes use of."""
    links = element.attrib.get(_LINK, "")
    return [links.removeprefix("#"), *re.findall(r"url\(#([^)]*)\)", str(element.attrib))]


def _written(element: ElementTree.Element, name: str, used: set[str]) -> Iterator[str]:
    tag = element.tag.rpartition("}")[2]
    if tag in ("metadata", "style"):
        return
    attributes = "".join(
        f" {key.rpartition('}')[2]}={quoteattr(_value(key, value, name))}"
        for key, value in element.attrib.items()
        if key != "id" or value in used
    )
    text = escape(element.text or "") if tag in ("text", "tspan") else ""
    yield f"<{tag}{attributes}>{text}"
    for child in element:
        yield from _written(child, name, used)
    yield f"</{tag}>"


def _value(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key == _LINK:
        return f"#{name}-{value.removeprefix('#')}"
    if key in _NUMBERS:
        return re.sub(
            r"-?\d+\.\d+", lambda found: f"{float(found[0]):.2f}", " ".join(value.split())
        )
    value = value.replace("url(#", f"url(#{name}-")
    return re.sub(r"#0000([0-9a-f]{2})\b", _colour_of_page, value)


def _colour_of_page(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    return f"var(--{COLOURS[number - 1]})" if 0 < number <= len(COLOURS) else found[0]
