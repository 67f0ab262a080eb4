"""A stranger's objective that defines a hook by its former name works as before, and is told."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest

from albefkit.cli.main import main
from tests.toy.site import install

MICRO = str(Path(__file__).parents[1] / "micro.yaml")
MODULES = {
    "vlp_old.py": """
        from albefkit.objectives.mlm import MLM

        class Old(MLM):
            '''Hides words as plugins did before.'''

            def {name}(self, step):
                self.asked = True
                return super().{name}(step)

            def predict(self, step, who):
                assert self.asked
                return super().predict(step, who)
    """
}


def losses(folder: Path, *options: str) -> dict[str, float]:
    """What one step of a run says."""
    arguments = ["--out", str(folder), "--max-steps", "1", "--set", "evaluate=null"]
    with pytest.raises(SystemExit) as leaving:
        main(["run", MICRO, *arguments, *options])
    assert not leaving.value.code
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return next(line["losses"] for line in lines if "losses" in line)


@pytest.fixture
def stranger(tmp_path, monkeypatch):
    """Install an objective that defines its view of the texts by a given name."""
    monkeypatch.setenv("ALBEFKIT_HOME", str(tmp_path / "home"))

    def add(name: str) -> None:
        modules = {path: text.replace("{name}", name) for path, text in MODULES.items()}
        points = {"albefkit.v1.objective": {f"old-{name}": f"vlp_old_{name}:Old"}}
        modules = {path.replace(".py", f"_{name}.py"): text for path, text in modules.items()}
        install(tmp_path / name, f"vlp-old-{name}", points=points, modules=modules)
        monkeypatch.syspath_prepend(str(tmp_path / name))

    return add


def test_a_hook_by_its_former_name_is_honoured_with_a_warning(stranger, tmp_path):
    stranger("view")
    plain = losses(tmp_path / "plain")
    with pytest.warns(DeprecationWarning, match="is called 'text_view' now: rename it") as heard:
        old = losses(tmp_path / "old", "--set", "objectives.mlm.type=old-view")
    assert old == plain
    assert str(heard[0].message) == (
        "objective 'old-view' of vlp-old-view 1.0 defines 'view', which is called 'text_view' "
        "now: rename it; contract v2 will not know the former name"
    )


def test_by_its_new_name_nobody_is_warned(stranger, tmp_path):
    stranger("text_view")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="objective 'old", category=DeprecationWarning)
        losses(tmp_path / "new", "--set", "objectives.mlm.type=old-text_view")
