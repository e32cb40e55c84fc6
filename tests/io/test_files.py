"""Outputs appear whole or not at all."""

from __future__ import annotations

import os
import stat

import pytest

from genoseq.errors import InputError
from genoseq.io.files import check_output, open_output, replacing, temporary_name


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_an_output_appears_at_the_end(tmp_path):
    path = tmp_path / "out.txt"
    with open_output(path) as file:
        file.write(b"half")
        assert not path.exists()
        assert temporary_name(path).exists()
        file.write(b" whole")
    assert path.read_bytes() == b"half whole"
    assert names(tmp_path) == ["out.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_after_an_error_the_old_file_is_there_and_nothing_else(error, tmp_path):
    path = tmp_path / "out.txt"
    path.write_bytes(b"old")

    def fail(file):
        file.write(b"new")
        raise error

    with pytest.raises(error), open_output(path) as file:
        fail(file)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["out.txt"]


def test_a_replaced_file_keeps_its_mode(tmp_path):
    path = tmp_path / "out.txt"
    path.write_bytes(b"old")
    path.chmod(0o640)
    with open_output(path) as file:
        file.write(b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    with open_output(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def test_a_device_is_written_directly():
    with open_output("/dev/null") as file:
        file.write(b"x")
    assert not os.path.isfile("/dev/null")  # noqa: PTH113


def test_dash_is_standard_output(capfdbinary):
    with open_output("-") as file:
        file.write(b"data")
    assert capfdbinary.readouterr().out == b"data"


def test_paths_that_cannot_be_written(tmp_path, monkeypatch):
    with pytest.raises(InputError, match="there is no folder"):
        check_output(tmp_path / "missing" / "out.sam")
    with pytest.raises(InputError, match="is a directory"):
        check_output(tmp_path)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match="no permission in the folder"):
        check_output(tmp_path / "out.sam")


def test_replacing_needs_the_file_to_be_made(tmp_path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "out"):
        pass
    assert names(tmp_path) == []
