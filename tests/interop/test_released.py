"""Released checkpoints come in and go out without losing a tensor."""

from __future__ import annotations

import json
import pickle
from collections import OrderedDict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from albefkit.interop.released import from_released, load_released, read_released, to_released
from albefkit.interop.released_names import first_fusion_layer, our_name, twin
from albefkit.layers.positions import interpolate_positions
from albefkit.registry.errors import ComponentError
from tests.golden.cases import case_dirs, case_name, fixed_dir, width_case_dirs
from tests.golden.released_run import released_state
from tests.interop.parts import BASE, MAIN, WIDTHS, Parts, Sizes, width_state

main = pytest.mark.parametrize("case", case_dirs("pretrain"), ids=case_name)
widths = pytest.mark.parametrize("case", width_case_dirs("pretrain"), ids=case_name)
KEYS = fixed_dir("checkpoint_keys")
with_keys = pytest.mark.skipif(KEYS is None, reason="the list of released keys is not here")


def equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    for name, tensor in first.items():
        assert torch.equal(tensor.double(), second[name].double()), name


@main
def test_there_and_back_loses_nothing(case: Path) -> None:
    state = released_state(case)
    equal(to_released(from_released(state), fusion_from=2), state)


@widths
def test_there_and_back_with_unequal_widths(case: Path, tmp_path: Path) -> None:
    state = width_state(case)
    parts = Parts(WIDTHS, tmp_path).double()
    report = load_released(parts, state)
    back = to_released(parts.state_dict(), fusion_from=2)
    positions = {name for name in back if name.endswith("position_ids")}
    equal({name: back[name] for name in back if name not in positions}, state)
    assert len(positions) == 2
    assert report.names("fresh") == ["space.keys.image_id", "space.keys.text_id"]
    assert report.names("dropped") == []


@main
def test_an_imported_queue_counts_as_full(case: Path, tmp_path: Path) -> None:
    state = released_state(case)
    parts = Parts(MAIN, tmp_path)
    load_released(parts, state)
    keys = parts.space.keys
    assert keys.filled.item() == len(keys.image_queue) == state["image_queue"].shape[1]
    assert keys.pointer.item() == state["queue_ptr"].item()
    assert torch.equal(keys.image_queue, state["image_queue"].T)
    assert parts.space.temperature.item() == state["temp"].item()


@main
def test_a_queue_of_another_length_is_left_behind(case: Path, tmp_path: Path) -> None:
    state = released_state(case)
    for name in ("image_queue", "text_queue"):
        state[name] = state[name][:, :7]
    parts = Parts(MAIN, tmp_path)
    before = parts.space.keys.image_queue.clone()
    report = load_released(parts, state)
    assert torch.equal(parts.space.keys.image_queue, before)
    assert parts.space.keys.filled.item() == 0
    assert {"image_queue", "text_queue", "queue_ptr"} == set(report.names("dropped"))


@main
def test_a_student_alone_takes_the_student(case: Path, tmp_path: Path) -> None:
    parts = Parts(MAIN, tmp_path)
    del parts.teacher, parts.space
    report = load_released(parts, released_state(case))
    dropped = report.names("dropped")
    assert "visual_encoder_m.cls_token" in dropped and "temp" in dropped
    assert not any(twin(name).name.endswith("position_ids") for name in dropped)
    assert report.names("fresh") == []


@main
def test_unknown_tensors_are_named(case: Path, tmp_path: Path) -> None:
    state = released_state(case) | {"cls_head.0.weight": torch.zeros(2)}
    assert "cls_head.0.weight" in load_released(Parts(MAIN, tmp_path), state).names("dropped")


@main
def test_a_missing_tensor_is_an_error(case: Path, tmp_path: Path) -> None:
    state = released_state(case)
    del state["visual_encoder.norm.weight"], state["text_proj_m.bias"]
    with pytest.raises(ComponentError) as caught:
        load_released(Parts(MAIN, tmp_path), state)
    assert "2 tensors of the backbone are not in released ALBEF" in str(caught.value)
    assert "student.vision.model.norm.weight" in str(caught.value)
    assert "teacher.network.text_projection.bias" in str(caught.value)


@main
def test_positions_follow_the_image_size(case: Path, tmp_path: Path) -> None:
    state = released_state(case)
    parts = Parts(Sizes(image_size=80), tmp_path)
    report = load_released(parts, state)
    expected = interpolate_positions(state["visual_encoder.pos_embed"], (5, 5), 1)
    assert torch.equal(parts.student.vision.model.pos_embed, expected)
    assert report.names("interpolated") == [
        "student.vision.model.pos_embed",
        "teacher.network.vision.model.pos_embed",
    ]


def test_a_text_encoder_alone_is_not_albef() -> None:
    with pytest.raises(ComponentError, match="no layer of this checkpoint has cross-attention"):
        from_released({"text_encoder.bert.encoder.layer.0.output.dense.bias": torch.zeros(2)})


def test_downstream_names_are_understood() -> None:
    """The retrieval model's text encoder is a bare BertModel, and its queue carries ids."""
    state = {
        "text_encoder_m.encoder.layer.6.crossattention.self.query.bias": torch.zeros(4),
        "text_encoder.embeddings.LayerNorm.bias": torch.zeros(4),
        "idx_queue": torch.tensor([[3, -100]]),
    }
    ours = from_released(state)
    assert "teacher.network.fusion.layers.0.cross_attention.query.bias" in ours
    assert "student.text.model.embeddings.LayerNorm.bias" in ours
    assert ours["space.keys.image_id"].tolist() == [3, -100]


@with_keys
def test_every_released_name_at_full_depth() -> None:
    assert KEYS is not None
    released = json.loads((KEYS / "key_mapping.json").read_text())["pretrain_keys"]
    shapes = json.loads((KEYS / "full_size_shapes.json").read_text())["state"]["pretrain"]
    assert first_fusion_layer(dict.fromkeys(released)) == 6
    state = {
        name: torch.zeros(shapes[name][0], dtype=getattr(torch, shapes[name][1]), device="meta")
        for name in released
        if not name.endswith(("queue_ptr", "position_ids"))
    }
    state["queue_ptr"] = torch.zeros(1, dtype=torch.int64)
    back = to_released(from_released(state))
    assert back.keys() == set(released)
    assert {name: list(tensor.shape) for name, tensor in back.items()} == {
        name: shape for name, (shape, _) in shapes.items()
    }


def test_no_two_released_names_share_one_of_ours() -> None:
    if KEYS is None:
        pytest.skip("the list of released keys is not here")
    released = json.loads((KEYS / "key_mapping.json").read_text())["pretrain_keys"]
    ours = [name for name in (our_name(each, 6) for each in released) if name]
    assert len(set(ours)) == len(ours)


@pytest.mark.parametrize("wrapped", [True, False])
def test_files_are_read_wrapped_or_bare(wrapped: bool, tmp_path: Path) -> None:
    state = OrderedDict({"temp": torch.tensor(0.07), "itm_head.bias": torch.zeros(2)})
    content = {"model": state, "epoch": 29, "optimizer": {"param_groups": []}} if wrapped else state
    torch.save(content, tmp_path / "ALBEF.pth")
    equal(read_released(tmp_path / "ALBEF.pth"), dict(state))


def test_safetensors_are_read(tmp_path: Path) -> None:
    state = {"temp": torch.tensor(0.07)}
    save_file(state, tmp_path / "ALBEF.safetensors")
    equal(read_released(tmp_path / "ALBEF.safetensors"), state)


class Payload:
    """Something that runs when it is unpickled."""

    def __reduce__(self):
        return print, ("run",)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path, capsys) -> None:
    torch.save({"model": {"temp": Payload()}}, tmp_path / "evil.pth")
    with pytest.raises(ComponentError, match="could run its code"):
        read_released(tmp_path / "evil.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Payload(), protocol=2))
    with pytest.raises(ComponentError):
        read_released(tmp_path / "plain.pth")
    assert "run" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"", "empty.pth"), (b"no checkpoint", "text.pth"), (b"no", "broken.safetensors")],
)
def test_a_broken_file_is_refused_by_name(content: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ComponentError, match=name):
        read_released(tmp_path / name)


def test_a_missing_file_and_a_file_without_tensors_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ComponentError, match="cannot be read"):
        read_released(tmp_path / "nowhere.pth")
    torch.save({"epoch": 3}, tmp_path / "numbers.pth")
    with pytest.raises(ComponentError, match="no state dict"):
        read_released(tmp_path / "numbers.pth")


@with_keys
def test_the_networks_of_albef_base_are_the_released_ones(tmp_path: Path) -> None:
    """Tensor by tensor at full size, without allocating any: 210 million weights, and a teacher."""
    assert KEYS is not None
    content = json.loads((KEYS / "full_size_shapes.json").read_text())
    with torch.device("meta"):
        parts = Parts(BASE, tmp_path)
    queues = {"image_queue", "text_queue", "queue_ptr"}
    state = {k: v for k, v in parts.state_dict().items() if not k.startswith("space.keys.")}
    ours = {name: list(tensor.shape) for name, tensor in to_released(state).items()}
    theirs = {name: shape for name, (shape, _) in content["state"]["pretrain"].items()}
    assert ours == {name: shape for name, shape in theirs.items() if name not in queues}
    trainable = sum(p.numel() for p in parts.parameters() if p.requires_grad)
    assert trainable == content["param_counts"]["pretrain"]["trainable"]
