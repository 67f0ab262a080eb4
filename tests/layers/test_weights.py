"""Finding weights quickly, with or without a network."""

from __future__ import annotations

import threading
from pathlib import Path

import huggingface_hub
import pytest

from albefkit.layers import reaching
from albefkit.layers.reaching import unreachable
from albefkit.layers.weights import Absence, Source, choose, find_model
from albefkit.registry.errors import AlbefkitWarning, ComponentError
from tests.layers.hub_models import save_encoder


@pytest.fixture(autouse=True)
def forget() -> None:
    reaching._silent_host.cache_clear()


class Session:
    """Stands for the network."""

    def __init__(self, answer) -> None:
        self.answer = answer
        self.asked = 0

    def head(self, url: str, timeout: float) -> None:
        self.asked += 1
        self.answer()


def network(monkeypatch, answer) -> Session:
    session = Session(answer)
    monkeypatch.setattr(huggingface_hub, "get_session", lambda: session)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    return session


def refuse() -> None:
    raise OSError("no route to host")


def test_a_host_is_asked_once(monkeypatch) -> None:
    session = network(monkeypatch, refuse)
    for path in ("a", "b"):
        reason = unreachable(f"https://hub.example/{path}")
        assert reason == "https://hub.example cannot be reached (no route to host)"
    assert session.asked == 1


def test_a_host_that_never_answers_is_given_up(monkeypatch) -> None:
    """A name server that is silent does not heed any timeout of a request."""
    released = threading.Event()
    network(monkeypatch, released.wait)
    monkeypatch.setattr(reaching, "PATIENCE", 0.05)
    reason = unreachable("https://silent.example/x")
    released.set()
    assert reason is not None and "does not answer" in reason


def test_offline_by_wish_asks_nobody(monkeypatch) -> None:
    session = network(monkeypatch, refuse)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert unreachable("https://hub.example/a") == "HF_HUB_OFFLINE is set"
    assert session.asked == 0


def test_an_answer_is_enough(monkeypatch) -> None:
    network(monkeypatch, lambda: None)
    assert unreachable("https://hub.example/a") is None


def test_what_the_hub_has_is_found(monkeypatch, tmp_path: Path) -> None:
    network(monkeypatch, lambda: None)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lambda url, timeout: None)
    assert find_model("some/model") == Source("some/model", offline=False)


def test_what_the_hub_refuses_is_told(monkeypatch) -> None:
    def missing(url: str, timeout: float) -> None:
        raise OSError("404: no such model\nrequest 17")

    network(monkeypatch, lambda: None)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", missing)
    found = find_model("some/model")
    assert isinstance(found, Absence) and "404: no such model" in found.reason
    assert "request 17" not in found.reason


def test_what_is_in_the_cache_needs_no_network(monkeypatch) -> None:
    session = network(monkeypatch, refuse)
    cached = {"config.json", "model.safetensors"}

    def look(name: str, file: str) -> str | None:
        return f"/cache/{name}/{file}" if file in cached else None

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", look)
    assert find_model("some/model") == Source("some/model", offline=True)
    cached.remove("model.safetensors")
    assert find_model("some/model", weights=False) == Source("some/model", offline=True)
    assert session.asked == 0
    found = find_model("some/model")
    assert isinstance(found, Absence) and "not in the cache" in found.reason


def test_a_folder_is_complete_or_says_what_it_lacks(tmp_path: Path) -> None:
    assert find_model(str(tmp_path)) == Absence(f"{tmp_path} has no config.json")
    save_encoder("bert", tmp_path, tokenizer=False)
    assert find_model(str(tmp_path)) == Source(str(tmp_path), offline=True)
    (tmp_path / "model.safetensors").unlink()
    found = find_model(str(tmp_path))
    assert isinstance(found, Absence) and "has none of" in found.reason


@pytest.mark.parametrize("name", ["a b/c", "too/many/parts", ""])
def test_a_name_that_cannot_be_one_is_an_absence(name: str, monkeypatch) -> None:
    network(monkeypatch, refuse)
    assert isinstance(find_model(name), Absence)


def test_false_auto_and_true() -> None:
    def never() -> Absence:
        raise AssertionError("nobody asked")

    absent = Absence("the hub is far away")
    assert choose(False, "it", never) == Absence("pretrained: false")
    assert choose("auto", "it", lambda: Source("x", True)) == Source("x", True)
    with pytest.warns(AlbefkitWarning, match="it starts from random weights: the hub is far"):
        assert choose("auto", "it", lambda: absent) is absent
    with pytest.raises(ComponentError, match="it: no pretrained weights: the hub is far away"):
        choose(True, "it", lambda: absent)
