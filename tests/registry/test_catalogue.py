"""Finding components: names, clashes, plugins of other contracts; nothing is imported for it."""

from __future__ import annotations

import sys

import pytest

from albefkit.registry import catalogue
from albefkit.registry.errors import ComponentError
from albefkit.registry.problems import problems
from tests.toy import bases, components

SHARP = {"albefkit.v1.negatives": {"sharp": "vlp_extras.parts:Sharp"}}
MODULES = {
    "vlp_extras/__init__.py": "",
    "vlp_extras/parts.py": """
        from tests.toy.bases import Negatives

        class Sharp(Negatives):
            '''Sharper than hard.'''
    """,
}


def message(call) -> str:
    with pytest.raises(ComponentError) as caught:
        call()
    return str(caught.value)


def test_lists_every_kind(toys):
    assert [entry.name for entry in catalogue.entries("negatives")] == ["hard", "random"]
    assert {entry.kind for entry in catalogue.entries()} >= {"vision", "objective", "schedule"}
    assert all(entry.provider == "albefkit 0.1.0" for entry in catalogue.entries())


def test_unknown_name_offers_the_nearest_and_all(stranger):
    stranger("vlp-extras", "0.3.1", points={"albefkit.v1.negatives": {"queue-hard": "x:Y"}})
    assert message(lambda: catalogue.find("negatives", "hrad")) == (
        "there is no negatives 'hrad'. Did you mean 'hard'?\n"
        "available: hard, random (albefkit 0.1.0) · queue-hard (vlp-extras 0.3.1)"
    )


def test_unknown_kind(toys):
    assert message(lambda: catalogue.find("negative", "hard")).startswith(
        "there is no kind 'negative'. Did you mean 'negatives'?\nkinds: vision, text"
    )


def test_a_stranger_is_found_without_being_imported(stranger):
    stranger("vlp-extras", "0.3.1", points=SHARP, modules=MODULES)
    entry = catalogue.find("negatives", "sharp")
    assert entry.provider == "vlp-extras 0.3.1"
    assert catalogue.summary(entry) == "Sharper than hard."
    assert problems() == []
    assert not any(name.startswith("vlp_extras") for name in sys.modules)
    assert catalogue.load(entry).__name__ == "Sharp"
    assert catalogue.find("negatives", "vlp-extras/sharp") == entry


def test_two_claims_must_be_told_apart(stranger):
    for name in ("coca-kit", "vlp-extras"):
        stranger(name, points={"albefkit.v1.negatives": {"sharp": "kit.parts:Sharp"}})
    text = message(lambda: catalogue.find("negatives", "sharp"))
    assert text == (
        "negatives 'sharp' is claimed by coca-kit 1.0 and vlp-extras 1.0\n"
        "write coca-kit/sharp or vlp-extras/sharp"
    )
    assert catalogue.find("negatives", "coca-kit/sharp").distribution == "coca-kit"
    clash = problems()[0]
    assert clash.what == "clash" and clash.providers == ("coca-kit 1.0", "vlp-extras 1.0")
    assert str(clash.problem) == text
    assert "sharp" not in bases.Negatives.list_available()


def test_built_ins_cannot_be_shadowed(stranger):
    stranger("vlp-extras", points={"albefkit.v1.negatives": {"hard": "vlp_extras.parts:Sharp"}})
    assert catalogue.find("negatives", "hard").built_in
    theirs = catalogue.find("negatives", "vlp-extras/hard")
    assert theirs.distribution == "vlp-extras"
    assert catalogue.shown_name(theirs) == "vlp-extras/hard"
    assert str(catalogue.trouble(theirs)) == (
        "shadowed  vlp-extras 1.0\n"
        "    negatives 'hard' is built in: vlp-extras 1.0 does not replace it\n"
        "    write vlp-extras/hard"
    )


@pytest.mark.parametrize("name", ["sharp", "vlp-extras/sharp"])
@pytest.mark.parametrize(
    ("contract", "remedy"),
    [
        ("v2", "upgrade albefkit to one that speaks v2, or install an older vlp-extras"),
        ("v0", "upgrade vlp-extras: python -m pip install --upgrade vlp-extras"),
    ],
)
def test_another_contract_is_named_and_never_loaded(stranger, contract, remedy, name):
    modules = {"vlp_extras.py": "raise SystemExit('imported')"}
    points = {f"albefkit.{contract}.negatives": {"sharp": "vlp_extras:Sharp"}}
    stranger("vlp-extras", points=points, modules=modules)
    said = (
        f"negatives 'sharp' of vlp-extras 1.0 is written for contract {contract}, "
        "this albefkit speaks v1"
    )
    assert message(lambda: catalogue.find("negatives", name)) == f"{said}\n{remedy}"
    assert [str(each) for each in problems(importing=True)] == [
        f"incompatible  vlp-extras 1.0\n    {said}\n    {remedy}"
    ]
    assert "sharp" not in bases.Negatives.list_available()


def test_who_offers_the_same_for_both_contracts_lacks_nothing(stranger):
    points = {**SHARP, "albefkit.v2.negatives": {"sharp": "vlp_extras.v2:Sharp"}}
    stranger("vlp-extras", points=points, modules=MODULES)
    assert problems() == []
    assert catalogue.find("negatives", "sharp").value == "vlp_extras.parts:Sharp"


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ({"albefkit.v1.negative": {"x": "a:B"}}, "there is no kind 'negative'. Did you mean"),
        ({"albefkit.v1.negatives": {"a/b": "a:B"}}, "a component's name has no '/' and no ':'"),
        ({"albefkit.v1.negatives": {"x": "no_class"}}, "expected 'module:Class', got 'no_class'"),
        (
            "[albefkit.v1.negatives]\nnonsense\n",
            "the entry_points.txt of vlp-extras 1.0 cannot be read",
        ),
    ],
)
def test_bad_metadata_is_a_problem_of_its_own(stranger, points, expected):
    stranger("vlp-extras", points=points)
    assert expected in str(problems()[0])
    assert catalogue.find("negatives", "hard").built_in


def test_other_peoples_broken_metadata_is_left_alone(toys):
    info = toys / "junk-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_bytes(b"\xff\xfe\x00")
    (info / "entry_points.txt").write_bytes(b"[albefkit.v1.x]\n\xff")
    assert catalogue.find("negatives", "hard").built_in


@pytest.mark.parametrize("setting", ["none", "coca-kit"])
def test_the_switch_leaves_plugins_out_and_says_so(stranger, monkeypatch, setting):
    stranger("vlp-extras", points=SHARP, modules=MODULES)
    stranger("coca-kit", points={"albefkit.v1.negatives": {"soft": "coca_kit:Soft"}})
    monkeypatch.setenv("ALBEFKIT_PLUGINS", setting)
    assert "sharp" not in bases.Negatives.list_available()
    assert ("soft" in bases.Negatives.list_available()) is (setting == "coca-kit")
    assert message(lambda: catalogue.find("negatives", "sharp")) == (
        f"negatives 'sharp' of vlp-extras 1.0 is left out by ALBEFKIT_PLUGINS={setting}\n"
        "add vlp-extras to ALBEFKIT_PLUGINS, or unset it"
    )


def test_the_switch_names_what_is_there(stranger, monkeypatch):
    stranger("vlp-extras", points=SHARP, modules=MODULES)
    monkeypatch.setenv("ALBEFKIT_PLUGINS", "VLP_extras, coca-kit")
    assert "sharp" in bases.Negatives.list_available()
    said = "ALBEFKIT_PLUGINS names 'coca-kit', and no distribution of that name brings components"
    assert [str(each) for each in problems()] == [
        f"switch\n    {said} here.\n"
        "    python -m pip install coca-kit, or take it out of ALBEFKIT_PLUGINS"
    ]
    assert said in message(lambda: catalogue.find("negatives", "nonsense"))
    monkeypatch.setenv("ALBEFKIT_PLUGINS", "vlp-extra")
    assert "Did you mean 'vlp-extras'?" in str(problems()[0])


def test_the_nearest_of_two_versions_counts(stranger):
    stranger("vlp-extras", "1.0", points=SHARP)
    stranger("vlp-extras", "2.0", points=SHARP)
    assert catalogue.find("negatives", "sharp").version == "2.0"


def test_by_name_and_register(toys):
    assert bases.Negatives.by_name("hard") is components.Hard

    class Mine(bases.Negatives):
        """Mine."""

    with Mine.register("mine"):
        assert bases.Negatives.by_name("mine") is Mine
        assert "mine" in bases.Negatives.list_available()
        assert "mine" not in bases.Vision.list_available()
    assert "mine" not in bases.Negatives.list_available()
    with (
        pytest.raises(ComponentError, match=r"'hard' is albefkit 0\.1\.0's"),
        Mine.register("hard"),
    ):
        pass


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("raise RuntimeError('sorry')", "RuntimeError: sorry"),
        ("import not_there_at_all", "ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def broken(", "SyntaxError: "),
        ("", "AttributeError: module 'vlp_extras.parts' has no attribute 'Sharp'"),
    ],
)
def test_a_broken_plugin_fails_when_used_with_its_cause(stranger, text, expected):
    stranger("vlp-extras", points=SHARP, modules={**MODULES, "vlp_extras/parts.py": text})
    entry = catalogue.find("negatives", "sharp")
    assert catalogue.entries("negatives")[-1] == entry
    with pytest.raises(ComponentError) as caught:
        catalogue.load(entry)
    assert str(caught.value).startswith(
        f"negatives 'sharp' of vlp-extras 1.0 cannot be loaded\n{expected}"
    )
    assert caught.value.__cause__ is not None
    assert catalogue.load(catalogue.find("negatives", "hard")) is components.Hard


@pytest.mark.parametrize("text", ["class Sharp: pass", "Sharp = 3"])
def test_a_component_derives_from_its_base(stranger, text):
    stranger("vlp-extras", points=SHARP, modules={**MODULES, "vlp_extras/parts.py": text})
    assert message(lambda: catalogue.load(catalogue.find("negatives", "sharp"))) == (
        "negatives 'sharp' of vlp-extras 1.0 is not a Negatives: "
        "vlp_extras.parts:Sharp should derive from it"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("def broken(", "SyntaxError"),
        ("class Other: pass", "there is no 'Sharp' in "),
        (None, "there is no module 'vlp_extras.parts'"),
    ],
)
def test_what_is_missing_is_seen_without_importing(stranger, text, expected):
    modules = {"vlp_extras/__init__.py": "raise RuntimeError('imported')"}
    if text is not None:
        modules["vlp_extras/parts.py"] = text
    stranger("vlp-extras", points=SHARP, modules=modules)
    (trouble,) = problems(importing=True)
    assert trouble.what == "broken" and trouble.providers == ("vlp-extras 1.0",)
    assert trouble.message.startswith("negatives 'sharp' of vlp-extras 1.0 cannot be loaded: ")
    assert expected in trouble.message


@pytest.mark.parametrize(
    ("text", "reason", "remedy"),
    [
        (
            "try:\n    import not_there\nexcept ImportError as e:\n    raise OSError('no') from e",
            "OSError: no, because of ModuleNotFoundError: No module named 'not_there'",
            "upgrade vlp-extras, or uninstall it, or leave it out with ALBEFKIT_PLUGINS",
        ),
        (
            "import not_there",
            "ModuleNotFoundError: No module named 'not_there'",
            "install what it needs, 'not_there', or uninstall it",
        ),
        ("print('hi')\nraise SystemExit", "SystemExit", "upgrade vlp-extras"),
        ("", "negatives 'sharp' of vlp-extras 1.0 is not a Negatives", "upgrade vlp-extras"),
    ],
)
def test_what_cannot_be_imported_is_seen_by_importing(stranger, capsys, text, reason, remedy):
    parts = {"vlp_extras/parts.py": text + "\nclass Sharp: pass\n"}
    stranger("vlp-extras", points=SHARP, modules={**MODULES, **parts})
    assert problems() == []
    (trouble,) = problems(importing=True)
    assert trouble.what == "broken" and reason in trouble.message and "\n" not in trouble.message
    assert trouble.hint.startswith(remedy)
    assert capsys.readouterr().out == ""


def test_a_component_in_a_file(toys, folder):
    (folder / "mine.py").write_text(
        "from tests.toy.bases import Negatives\n\nclass Mine(Negatives):\n    '''Mine.'''\n"
    )
    entry = catalogue.find("negatives", "./mine.py:Mine", folder=folder)
    assert entry.name == f"{folder / 'mine.py'}:Mine"
    assert catalogue.summary(entry) == "Mine."
    assert catalogue.load(entry) is catalogue.load(entry)
    assert catalogue.find("negatives", entry.name) == entry
    assert "cannot be read: No such file or directory" in message(
        lambda: catalogue.find("negatives", "other.py:Mine")
    )
    (folder / "mine.py").write_text("raise ValueError('no')")
    changed = catalogue.find("negatives", "./mine.py:Mine", folder=folder)
    assert "ValueError: no" in message(lambda: catalogue.load(changed))


def test_without_any_metadata_the_remedy_is_said(toys, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(toys.parent)])
    assert message(lambda: catalogue.find("negatives", "hard")) == (
        "there is no negatives 'hard'.\n"
        "albefkit itself is not installed here: python -m pip install -e ."
    )
