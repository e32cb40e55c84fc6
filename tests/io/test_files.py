"""Outputs appear whole or not at all."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from genoseq.errors import InputError, UsageError
from genoseq.io.files import (
    check_distinct,
    check_inputs,
    check_output,
    open_output,
    replacing,
    temporary_name,
)

REPOSITORY = Path(__file__).resolve().parents[2]


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


@pytest.fixture
def three(tmp_path, monkeypatch):
    """A file `a`, a link and a hard link to it, and the working folder around them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "link").symlink_to("a")
    (tmp_path / "hard").hardlink_to("a")


@pytest.mark.parametrize("name", ["a", "./a", "link", "hard", "../{folder}/a"])
def test_an_output_that_is_an_input_is_refused(name, three, tmp_path):
    name = name.format(folder=tmp_path.name)
    with pytest.raises(UsageError, match=f"--json: {name} is an input of this run"):
        check_distinct({"-o": "b", "--json": name}, [None, "a"])
    check_distinct({"-o": "b", "--json": None}, [None, "a"])


@pytest.mark.parametrize(
    ("one", "two"), [("a", "link"), ("new", "./new"), ("-", "/dev/stdout"), ("-", "-"), ("a", "hard")]
)
def test_two_outputs_in_one_file_are_refused(one, two, three):
    with pytest.raises(UsageError, match="-o and --tsv both go to "):
        check_distinct({"-o": one, "--json": "other", "--tsv": two})


def test_what_nothing_overwrites_may_be_named_twice(three):
    check_distinct({"-o": "/dev/null", "--json": "/dev/null"}, ["/dev/null", "missing", "a", "a"])
    check_distinct({"-o": "missing"}, ["missing"])  # what opens it says so better


def test_standard_streams_that_are_a_file(three):
    """`genoseq ... - < a -o a`, and `genoseq ... a >> a`."""
    program = "import sys; from genoseq.io.files import check_distinct; check_distinct(*eval(sys.argv[1]))"
    for arguments, shown in (
        ('{"-o": "a"}, ["-"]', "-o: a is"),
        ('{"-o": "-"}, ["a"]', "-o: standard output is"),
    ):
        with open("a") as source, open("a", "a") as sink:  # noqa: PTH123
            done = subprocess.run(
                [sys.executable, "-c", program, arguments],
                stdin=source,
                stdout=sink,
                stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.fspath(REPOSITORY)},
                check=False,
            )
        assert f"{shown} an input of this run" in done.stderr.decode()


def test_a_full_disk_is_told_by_name():
    with pytest.raises(OSError, match="No space left") as caught, open_output("/dev/full") as file:
        file.write(b"x")
    assert caught.value.filename == "/dev/full"


def test_inputs_that_are_not_there(tmp_path):
    (tmp_path / "a").write_text("x")
    check_inputs([tmp_path / "a", None, "-", str(tmp_path)])
    with pytest.raises(InputError, match="none: no such file"):
        check_inputs([tmp_path / "a", tmp_path / "none"])
    with pytest.raises(UsageError, match="only one file can be standard input"):
        check_inputs(["-", tmp_path / "a", "-"])
