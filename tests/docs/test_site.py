"""`albefkit docs build`: everything that is installed has its page, and the folder is safe."""

from __future__ import annotations

import html
import importlib.util
import re
from pathlib import Path

import pytest

from albefkit.cli.main import VERBS
from albefkit.docs.component_pages import component_chapter
from albefkit.docs.pages import Chapter, Page
from albefkit.docs.paths import component_path, recipe_path
from albefkit.docs.site import MARKER, build_site
from albefkit.docs.tutorials import tutorial_files
from albefkit.recipe.grammar import RecipeSettings, TrainSection
from albefkit.recipe.library import shipped
from albefkit.recipe.signature import section_parameters
from albefkit.registry.catalogue import entries
from albefkit.registry.errors import AlbefkitError, RecipeError
from albefkit.registry.source import describe
from tests.cli.test_main import run

BOOK = Chapter("toy", [Page("README.md", "toy", "# Toy\n\nOnly [one](README.md) page.\n")])
LOOSE = Chapter("toy", [Page("README.md", "toy", "# Toy\n\nSee [nothing](nowhere.md).\n")])


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The whole site; a single warning of mkdocs would be an error."""
    folder = tmp_path_factory.mktemp("docs") / "site"
    assert run("docs", "build", "--strict", "--out", str(folder)) == 0
    return folder


def text_of(site: Path, page: str) -> str:
    """What a reader sees of a page."""
    written = (site / page).with_suffix(".html").read_text(encoding="utf-8")
    article = written.partition("<article")[2].partition("</article>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", article)).split())


def test_every_component_has_a_page_with_all_that_its_source_says(site):
    for entry in entries():
        text, about = text_of(site, component_path(entry)), describe(entry)
        assert f"{entry.kind} of {entry.provider}" in text
        if about is None:
            continue
        assert f"{entry.module.replace('.', '/')}.py:{about.line}" in text
        for each in about.parameters:
            default = "required" if each.default is None else each.default
            assert f"{each.name} {each.type} {default}" in text, entry
        assert all(name in text and about.ablations[name] in text for name in about.ablations)


def test_components_name_the_recipes_that_use_them(site):
    assert "baselines/meter" in text_of(site, "components/fusion/co-attention")
    assert "None of the shipped ones." in text_of(site, "components/teacher/frozen")


def test_the_recipe_reference_has_every_key(site):
    text = text_of(site, "recipe")
    for section in (RecipeSettings, TrainSection):
        assert all(f" {name} " in text for name in section_parameters(section))
    assert "batch_size int > 0 64 pairs in a batch, on each device." in text
    assert "objectives.NAME" in text and "model a section required" in text


def test_every_shipped_recipe_has_a_page(site):
    for name in shipped():
        assert f"recipes/{name}.yaml" in text_of(site, recipe_path(name))
    text = text_of(site, "recipes/ablations/in_batch")
    assert "Extends ablations/queue ." in text
    assert "keys : { type : in-batch }" in text.partition("Resolved")[2]


def test_verbs_tutorials_and_documents_have_pages(site):
    text = text_of(site, "command_line")
    assert all(f"albefkit {verb} " in text for verb in VERBS)
    assert "--max-steps N" in text and "albefkit bench rerank" in text
    for file in tutorial_files():
        title = file.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        assert title in text_of(site, f"tutorials/{file.stem.partition('_')[2]}")
    assert "The command line" in text_of(site, "index")
    assert "Your first objective in ten minutes" in text_of(site, "CONTRIBUTING")


def test_nothing_is_asked_of_elsewhere_and_no_path_of_this_machine_is_told(site):
    for file in site.rglob("*.html"):
        written = file.read_text(encoding="utf-8")
        assert not re.search(r'<(script|img|link)[^>]+(src|href)="https?://', written), file
        assert str(Path.home()) + "/" not in written and str(site.parent) not in written, file


def test_a_strangers_components_are_written_down_as_they_are(stranger):
    module = '''
        from tests.toy.bases import Negatives


        class Sharp(Negatives):
            """Takes <b>none</b> of `a|b`.

            Args:
                edge: 1|2.
            """

            def __init__(self, *, edge: int | None = None) -> None:
                self.edge = edge
    '''
    points = {"albefkit.v1.negatives": {"sharp": "extras:Sharp", "index": "no_such:Index"}}
    stranger("vlp-extras", points=points, modules={"extras.py": module})
    stranger("coca-kit", points={"albefkit.v1.negatives": {"sharp": "no_such:Sharp"}})
    pages = {page.path: page.text for page in component_chapter({}).pages()}
    text = pages["components/negatives/vlp-extras~2fsharp.md"]
    assert "&lt;b&gt;none&lt;/b&gt; of `a|b`" in text
    assert "| `edge` | `int | null` | `null` | 1\\|2. |" in text
    assert "is claimed by coca-kit 1.0 and vlp-extras 1.0" in text
    broken = pages["components/negatives/coca-kit~2fsharp.md"]
    assert "Its source cannot be read: no_such:Sharp" in broken
    assert len([path for path in pages if path.endswith("negatives/index.md")]) == 1


def test_a_former_site_is_replaced_whole(tmp_path):
    folder = tmp_path / "site"
    build_site(folder, lambda: Chapter("toy", [*BOOK.parts, Page("old.md", "old", "# Old\n")]))
    assert (folder / "old.html").is_file()
    site = build_site(folder, lambda: BOOK)
    assert (site.pages, site.warnings) == (1, [])
    assert (folder / "index.html").is_file() and not (folder / "old.html").exists()
    assert list(tmp_path.iterdir()) == [folder]


def test_what_no_build_has_written_is_left_alone(tmp_path):
    for name in ("notes.txt", ".git/config"):
        folder = tmp_path / Path(name).stem
        build_site(folder, lambda: BOOK)
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("mine")
        with pytest.raises(RecipeError, match=name):
            build_site(folder, lambda: BOOK)
        assert (folder / name).read_text() == "mine"
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RecipeError, match="no build has put there"):
        build_site(tmp_path / "file", lambda: BOOK)


def test_a_warning_is_told_or_refused_and_nothing_is_half_written(tmp_path):
    folder = tmp_path / "site"
    with pytest.raises(AlbefkitError, match=r"nowhere\.md"):
        build_site(folder, lambda: LOOSE, strict=True)
    assert list(tmp_path.iterdir()) == []
    (warning,) = build_site(folder, lambda: LOOSE).warnings
    assert "nowhere.md" in warning and (folder / MARKER).is_file()


def test_a_missing_extra_says_what_to_install(tmp_path, monkeypatch, capsys):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "albefkit.docs.site.find_spec", lambda name: None if name == "material" else find(name)
    )
    assert run("docs", "build", "--out", str(tmp_path / "site")) == 2
    assert 'python -m pip install "albefkit[docs]"' in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
