"""JSON and TSV results."""

from __future__ import annotations

import json

import numpy as np
import pytest

from genoseq.errors import InputError, UsageError
from genoseq.io.files import open_input
from genoseq.io.table import SCHEMA_VERSION, read_tsv, write_json, write_tsv


def test_json_holds_numpy_and_has_a_schema_version(tmp_path):
    values = {
        "n": np.int64(3),
        "x": np.float32(0.5),
        "a": np.arange(3),
        "nan": float("nan"),
        "m": {"k": [None, True]},
    }
    write_json(tmp_path / "r.json", values)
    assert json.loads((tmp_path / "r.json").read_text()) == {
        "schema_version": SCHEMA_VERSION,
        "n": 3,
        "x": 0.5,
        "a": [0, 1, 2],
        "nan": None,
        "m": {"k": [None, True]},
    }


def test_what_json_cannot_hold_is_refused_and_leaves_no_file(tmp_path):
    with pytest.raises(UsageError, match="object cannot be written"):
        write_json(tmp_path / "r.json", {"x": object()})
    assert not (tmp_path / "r.json").exists()


def test_tsv(tmp_path):
    write_tsv(tmp_path / "t.tsv", ["name", "share"], [("a", 0.123456789), ("b", 2)])
    text = (tmp_path / "t.tsv").read_text()
    assert text == f"# schema_version={SCHEMA_VERSION}\nname\tshare\na\t0.123457\nb\t2\n"


def test_a_table_that_says_how_it_came_about(tmp_path):
    write_tsv(tmp_path / "t.tsv", ["name"], [("a",)], {"seed": 1, "site": ""})
    text = (tmp_path / "t.tsv").read_text()
    assert text == f"# schema_version={SCHEMA_VERSION}\n# seed=1\n# site=\nname\na\n"
    for value in ("a\nb", "a\n"):
        with pytest.raises(UsageError, match="holds a line end"):
            write_tsv(tmp_path / "u.tsv", ["name"], [], {"key": value})
    assert not (tmp_path / "u.tsv").exists()


@pytest.mark.parametrize("row", [("a",), ("a\tb", 1), ("a\nb", 1)])
def test_rows_that_do_not_fit_are_refused(row, tmp_path):
    with pytest.raises(UsageError):
        write_tsv(tmp_path / "t.tsv", ["name", "share"], [row])
    assert not (tmp_path / "t.tsv").exists()


def read(path):
    with open_input(path) as stream:
        table = read_tsv(stream)
        return table.about, table.columns, list(table.rows)


def test_a_table_there_and_back(tmp_path):
    about = {"seed": 1, "site": "", "command": "a=b # c"}
    write_tsv(tmp_path / "t.tsv", ["name", "x"], [("#a", 0.5), ("", "é")], about)
    told = {key: str(value) for key, value in about.items()}
    assert read(tmp_path / "t.tsv") == (told, ["name", "x"], [(6, ["#a", "0.5"]), (7, ["", "é"])])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"name\tx\n", "1: is a table that starts with 'name"),
        (b"# schema_version=2\nname\n", "1: .*schema_version=1' is expected"),
        (b"# schema_version=1\n# seed=1\n", " the table ends before the names"),
        (b"# schema_version=1\na\tb\n1\t2\n3\n", "4: a row of 1 cells in a table of 2 columns"),
        (b"# schema_version=1\na\tb\n1\t\xff\n", "3: is not text in UTF-8"),
    ],
)
def test_what_is_no_table(tmp_path, text, message):
    (tmp_path / "t.tsv").write_bytes(text)
    with pytest.raises(InputError, match=rf"t\.tsv:{message}"):
        read(tmp_path / "t.tsv")
