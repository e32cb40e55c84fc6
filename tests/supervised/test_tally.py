"""Labels counted, against a recount with numpy; tables that are no such."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from genoseq.errors import GenoseqWarning, InputError
from genoseq.io.files import open_input
from genoseq.io.table import read_tsv, write_tsv
from genoseq.supervised.tally import BINS, NONE, tally_labels

CLASSES = ("fish", "fowl", "p_x")
COLUMNS = ("name", "label", "evidence", *(f"p_{name}" for name in CLASSES))


def read(path):
    with open_input(path) as stream:
        return tally_labels(read_tsv(stream))


def test_against_a_recount(tmp_path):
    shares = np.random.default_rng(1).dirichlet([0.4] * 3, 2000).round(6)
    labels = [NONE if share.max() < 0.6 else CLASSES[share.argmax()] for share in shares]
    rows = [(f"r{i}", labels[i], 0.5, *shares[i].tolist()) for i in range(2000)]
    write_tsv(tmp_path / "t.tsv", COLUMNS, rows)
    found = read(tmp_path / "t.tsv")
    assert found.labels == Counter(labels)
    assert found.classes == CLASSES
    assert found.names == (*CLASSES, NONE)
    assert found.rejected == labels.count(NONE) > 0
    sure = np.array([label != NONE for label in labels])
    assert np.array_equal(found.confident, np.histogram(shares.max(1)[sure], BINS, (0, 1))[0])
    assert np.array_equal(found.refused, np.histogram(shares.max(1)[~sure], BINS, (0, 1))[0])
    assert abs(found.median() - np.median(shares.max(1)[sure])) <= 0.5 / BINS + 0.01
    assert found.to_dict()["labels"] == {name: labels.count(name) for name in CLASSES}


def test_a_class_that_is_called_none(tmp_path):
    write_tsv(tmp_path / "t.tsv", ("name", "label", "p_none", "p_b"), [("r", "none", 1, 0)])
    found = read(tmp_path / "t.tsv")
    assert (found.rejected, found.names, found.labels["none"]) == (0, ("none", "b"), 1)
    assert found.confident.sum() == 1


def test_no_rows(tmp_path):
    write_tsv(tmp_path / "t.tsv", COLUMNS, [])
    with pytest.warns(GenoseqWarning, match="no rows"):
        found = read(tmp_path / "t.tsv")
    assert found.sequences == 0
    assert math.isnan(found.median())


@pytest.mark.parametrize(
    ("label", "share", "message"),
    [
        ("cow", 0.5, "the label 'cow' has no column p_cow"),
        ("fish", 1.5, "a probability of 1.5"),
        ("fish", "nan", "a probability of nan"),
        ("fish", "x", "is no probability"),
    ],
)
def test_what_is_no_such_table(tmp_path, label, share, message):
    write_tsv(tmp_path / "t.tsv", COLUMNS, [("a", "fowl", 1, 0, 1, 0), ("r", label, 0.5, share, 0, 0)])
    with pytest.raises(InputError, match=rf"t\.tsv:4: {message}"):
        read(tmp_path / "t.tsv")
