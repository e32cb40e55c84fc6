"""Folders that appear whole or not at all."""

from __future__ import annotations

import pytest

from genoseq.errors import InputError
from genoseq.io.folders import check_new_folder, new_folder


@pytest.mark.parametrize("is_there", [True, False])
def test_a_folder_appears_at_the_end(tmp_path, is_there):
    if is_there:
        (tmp_path / "out").mkdir()
    with new_folder(f"{tmp_path}/out/") as folder:
        (folder / "a").write_text("1")
        assert not (tmp_path / "out" / "a").exists()
    assert (tmp_path / "out" / "a").read_text() == "1"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_error_leaves_nothing(tmp_path):
    def interrupted():
        with new_folder(tmp_path / "out") as folder:
            (folder / "a").write_text("1")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_stays(tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_text("1")
    for path, words in (
        ("full", "is a folder that is not empty"), ("full/a", "is a file"), ("no/out", "there is no folder"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=words):
            check_new_folder(tmp_path / path)
        with pytest.raises(InputError, match=words), new_folder(tmp_path / path):
            pass
    assert (tmp_path / "full" / "a").read_text() == "1"
