"""Files of weights are written whole, read strictly, and hold no surprises."""

from __future__ import annotations

import os

import pytest

torch = pytest.importorskip("torch")

from genoseq.errors import CheckpointError  # noqa: E402
from genoseq.models.checkpoint import check_keys, read_state, read_tensors, write_tensors  # noqa: E402


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_tensors_come_back(tmp_path):
    tensors = {"a": torch.arange(6.0).reshape(2, 3).T, "b": torch.tensor([1], dtype=torch.int64)}
    write_tensors(tensors, tmp_path / "x.safetensors", {"format": "pt"})
    assert (tmp_path / "x.safetensors").stat().st_mode & 0o111 == 0
    assert (tmp_path / "x.safetensors").stat().st_mode & 0o066 == 0o066 & ~_umask()
    found = read_tensors(tmp_path / "x.safetensors")
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[key], tensors[key]) for key in tensors)
    assert [path.name for path in tmp_path.iterdir()] == ["x.safetensors"]


@pytest.mark.parametrize("kind", [torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.bool])
def test_every_type_of_a_torch_file(tmp_path, kind):
    tensor = torch.tensor([[0, 1], [1, 0]]).to(kind)
    torch.save({"a": tensor, "b": torch.nn.Parameter(torch.ones(2))}, tmp_path / "x.pt")
    found = read_tensors(tmp_path / "x.pt")
    assert torch.equal(found["a"], tensor)
    assert found["b"].tolist() == [1, 1]


def test_keys_and_shapes_are_told():
    wanted = {"a": (2, 3), "b": (1,)}
    check_keys({"a": torch.zeros(2, 3), "b": torch.zeros(1)}, wanted, "x")
    with pytest.raises(
        CheckpointError, match="x: not the weights of this model: without b, and with an unknown c"
    ):
        check_keys({"a": torch.zeros(2, 3), "c": torch.zeros(1)}, wanted, "x")
    many = {name: torch.zeros(1) for name in "pqrstu"}
    with pytest.raises(CheckpointError, match="with an unknown p, q, r and 3 more"):
        check_keys({"a": torch.zeros(2, 3), "b": torch.zeros(1), **many}, wanted, "x")
    with pytest.raises(CheckpointError, match=r"x: a is of shape \(3, 2\); this model has \(2, 3\)"):
        check_keys({"a": torch.zeros(3, 2), "b": torch.zeros(1)}, wanted, "x")


def test_the_state_of_a_run(tmp_path):
    torch.save({"step": 3, "network": {"w": torch.ones(2)}}, tmp_path / "x.pt")
    state = read_state(tmp_path / "x.pt", torch.device("cpu"))
    assert state["step"] == 3
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(CheckpointError, match="not the checkpoint of a training run"):
        read_state(tmp_path / "list.pt", torch.device("cpu"))
    torch.save({"code": print}, tmp_path / "code.pt")
    for name in ("code.pt", "x.cut"):
        (tmp_path / "x.cut").write_bytes((tmp_path / "x.pt").read_bytes()[:200])
        with pytest.raises(CheckpointError, match="not an intact checkpoint"):
            read_state(tmp_path / name, torch.device("cpu"))
    with pytest.raises(CheckpointError, match="cannot be read"):
        read_state(tmp_path / "none.pt", torch.device("cpu"))
