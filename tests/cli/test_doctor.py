"""`albefkit doctor`: what is wrong with an environment, and what to do."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import huggingface_hub
import pytest
import torch

from albefkit.doctor import devices
from albefkit.layers import reaching
from tests.cli.test_main import run


@pytest.fixture(autouse=True)
def sound(tmp_path, monkeypatch):
    """An environment with nothing wrong in it."""
    monkeypatch.setenv("ALBEFKIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ALBEFKIT_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("ALBEFKIT_PLUGINS", "none")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(os, "getloadavg", lambda: (0.0, 0.0, 0.0))
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setattr(devices, "DRIVER", tmp_path / "no driver")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(0, 0, 1 << 40))


def findings(capsys, code: int) -> dict[str, dict[str, str]]:
    """What is said for programs, by what it is about."""
    assert run("doctor", "--json") == code
    return {each["about"]: each for each in json.loads(capsys.readouterr().out)}


def test_a_sound_environment(capsys, tmp_path):
    assert run("doctor") == 0
    lines = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    assert {status for status, *_ in lines} == {"ok"}
    said = {about: rest for _, about, rest in lines}
    assert "Python" in said and said["torch"].startswith(torch.__version__.partition("+")[0])
    assert said["torch"].endswith("wanted >=2.6")
    assert said["cache"].startswith(f"{tmp_path / 'home'}: not there yet")
    assert list(tmp_path.iterdir()) == []


def test_figures_of_folders(capsys, tmp_path):
    (tmp_path / "home" / "scenes").mkdir(parents=True)
    (tmp_path / "home" / "scenes" / "x.npy").write_bytes(b"0" * 2048)
    assert "2 KiB" in findings(capsys, 0)["cache"]["found"]


@pytest.mark.parametrize(
    ("variable", "about", "status"),
    [("ALBEFKIT_HOME", "cache", "warning"), ("ALBEFKIT_RUNS", "runs", "problem")],
)
def test_folders_that_cannot_be_written_to(capsys, tmp_path, monkeypatch, variable, about, status):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(variable, str(tmp_path / "file"))
    finding = findings(capsys, status == "problem")[about]
    assert finding["status"] == status
    assert "cannot be written to: Not a directory" in finding["found"]
    assert finding["advice"] == f"set {variable} to a folder that can be written to"


@pytest.mark.parametrize(("free", "status"), [(5 << 30, "warning"), (1 << 20, "problem")])
def test_little_room(capsys, monkeypatch, free, status):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(0, 0, free))
    finding = findings(capsys, status == "problem")["disk"]
    assert finding["status"] == status and "make room" in finding["advice"]
    assert finding["found"].endswith("free for cache, weights, runs")


def test_a_hub_that_cannot_be_reached_stops_nobody(capsys, monkeypatch):
    class Session:
        def head(self, url: str, timeout: float) -> None:
            raise OSError("no route to host")

    reaching._silent_host.cache_clear()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "get_session", Session)
    finding = findings(capsys, 0)["hub"]
    assert finding["status"] == "warning" and "no route to host" in finding["found"]
    assert "starts at random" in finding["advice"] and "HF_HUB_OFFLINE=1" in finding["advice"]
    reaching._silent_host.cache_clear()


def test_a_busy_machine_and_a_gpu_that_torch_does_not_find(capsys, tmp_path, monkeypatch):
    (tmp_path / "driver").write_text("")
    monkeypatch.setattr(devices, "DRIVER", tmp_path / "driver")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    monkeypatch.setattr(os, "getloadavg", lambda: (999.0, 0.0, 0.0))
    said = findings(capsys, 0)
    assert said["CPU"]["status"] == said["GPU"]["status"] == "warning"
    assert "OMP_NUM_THREADS=1" in said["CPU"]["advice"] and said["GPU"]["advice"]


def test_what_cannot_be_imported_hides_nothing_else(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    said = findings(capsys, 1)
    assert said["devices"]["found"].startswith("cannot be examined: ModuleNotFoundError")
    assert said["torch"]["status"] == said["hub"]["status"] == "ok" and "plugins" in said


def test_plugins_are_named_with_what_they_lack(stranger, capsys):
    points = {
        "albefkit.v1.negatives": {"sharp": "no_such:Sharp", "hard": "no_such:Hard"},
        "albefkit.v2.negatives": {"later": "no_such:Later"},
    }
    needed = ["albefkit>=99", "no-such-thing>=1; python_version>'3'", "x; extra=='dev'"]
    stranger("vlp-extras", "0.3.1", points=points, requires=needed)
    assert run("doctor") == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "ok plugins vlp-extras 0.3.1" in out
    assert "problem vlp-extras 0.3.1 needs albefkit >=99, and 0.1.0 is installed" in out
    assert "needs no-such-thing >=1, and none is installed" in out and "needs x" not in out
    assert "problem vlp-extras 0.3.1 negatives 'later' of vlp-extras 0.3.1 is written" in out
    assert "warning vlp-extras 0.3.1 negatives 'hard' is built in" in out
    assert "there is no module 'no_such'" in out


def test_what_albefkit_needs_and_has_not(toys, capsys):
    (metadata,) = toys.glob("albefkit-*/METADATA")
    text = metadata.read_text().replace("Version: 0.1.0", "Version: 0.0.9")
    needed = "Requires-Python: >=99\nRequires-Dist: torch<1\nRequires-Dist: no-such-thing>=1\n"
    metadata.write_text(text + needed)
    said = findings(capsys, 1)
    assert said["Python"]["status"] == "problem"
    assert said["torch"]["advice"] == "python -m pip install 'torch<1'"
    assert said["no-such-thing"]["found"] == "not installed, wanted >=1"
    assert said["albefkit"]["status"] == "warning"
    assert "its metadata are those of 0.0.9" in said["albefkit"]["found"]
    assert Path(said["albefkit"]["found"].split(" in ")[1].split(",")[0]).is_dir()
