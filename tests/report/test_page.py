"""The page, read as a browser reads it."""

import math
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from albefkit.report.page import to_html
from tests.report.made_up import ALL, HEADLINE, hostile, swept, unfinished, without_effects

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """Elements, ids, text; and whether everything that was opened was closed."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.text = [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def diverged():
    """A run whose figures are no numbers."""
    made = swept()
    for values in made.rows[1].metrics.values():
        values[42] = math.nan
    for curve in made.rows[0].curves:
        curve.values[43][-1] = math.inf
    worse = replace(made.rows[2].effects[HEADLINE], difference=math.nan, low=math.nan)
    made.rows[2].effects[HEADLINE] = worse
    return made


STUDIES = {**ALL, "diverged": diverged}


@pytest.fixture(scope="module", params=list(STUDIES))
def page(request):
    text = to_html(STUDIES[request.param]())
    return text, Page(text)


def test_it_asks_nothing_of_any_other_machine_and_runs_nothing(page):
    text, read = page
    assert not read.all("script")
    for _, attributes in read.elements:
        for name in ("src", "href", "action", "srcset"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
        assert not [name for name in attributes if name.startswith("on")]
    assert "@import" not in text
    assert set(re.findall(r"url\((.)", text)) <= {"#"}


def test_no_two_elements_have_one_id_and_all_that_are_named_exist(page):
    text, read = page
    ids = Counter(attributes["id"] for _, attributes in read.elements if "id" in attributes)
    assert not [name for name, times in ids.items() if times > 1]
    named = re.findall(r'(?:url\(|href="|aria-labelledby=")#?([\w. -]+)', text)
    used = {each for names in named for each in names.split()} - {"data"}
    assert used <= set(ids)


def test_those_who_cannot_see_are_told(page):
    _, read = page
    figures = [each for each in read.all("svg") if each.get("role") == "img"]
    assert all(each.get("aria-label") or each.get("aria-labelledby") for each in figures)
    assert len(read.all("table")) == len(read.all("caption")) > 0
    assert all(each.get("scope") for each in read.all("th"))
    assert read.all("html")[0]["lang"] == "en"


def test_the_placeholders_of_colours_are_all_replaced(page):
    text, _ = page
    pictures = "".join(re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL))
    assert not re.findall(r"#0000[0-9a-f]{2}\b", pictures)
    defined = set(re.findall(r"(--[\w-]+):", text))
    assert set(re.findall(r"var\((--[\w-]+)\)", text)) <= defined


def figures(made):
    return len(Page(to_html(made)).all("figure"))


def test_all_figures_are_there():
    """One of effects; two of costs for each group; two of the sweep; curves with several points."""
    curves = 6
    assert figures(swept()) == 1 + 2 + 2 * (2 + curves)
    assert figures(without_effects()) == 2 + curves
    assert figures(unfinished()) == 0


def test_a_sweep_of_which_one_point_has_figures_is_no_curve_yet():
    rows = [replace(each, metrics={}, effects={}, curves=[]) for each in swept().rows[3:]]
    begun = replace(swept(), rows=[*swept().rows[:3], *rows])
    assert "Over the sweep" in to_html(swept())
    assert "Over the sweep" not in to_html(begun)


def test_it_says_what_came_out_how_it_was_made_and_what_was_changed():
    text = " ".join("".join(Page(to_html(swept())).text).split())
    for said in (
        "clear of the noise of 3 seeds",
        "inside the noise of 3 seeds",
        "albefkit ablate --drop mod --drop hard-negatives --seeds 3",
        "AMD EPYC, 2 threads, bf16",
        "1a2b3c4d",
        "42, 43, 44",
        "objectives.itm.negatives: hard -> random",
        "model: name: no mod",
    ):
        assert said in text


def test_names_are_shown_as_they_are_and_do_nothing():
    text = to_html(hostile())
    assert "<script" not in text and "<img" not in text
    shown = "".join(Page(text).text)
    for row in hostile().rows:
        assert row.name in shown


def test_a_failure_is_told_in_full():
    text = "".join(Page(to_html(hostile())).text)
    assert "</pre><img src=x onerror=alert(1)> | broken\nsecond line" in text


def test_the_same_study_gives_the_same_page():
    assert to_html(swept()) == to_html(swept())
