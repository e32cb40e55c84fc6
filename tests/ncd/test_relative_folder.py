"""Folders of fitted classifiers: the same answers after reading, nothing damaged is read."""

from __future__ import annotations

import json

import numpy as np
import pytest

from genoseq.errors import CheckpointError, UsageError
from genoseq.ncd.model_folder import CONFIG
from genoseq.ncd.relative import CODING, PROTEIN, RelativeClassifier
from genoseq.ncd.relative_folder import COUNTS, load_relative, save_relative
from genoseq.ncd.words import WordKind

FEW = (WordKind("protein", 3), WordKind("dna", 6))


@pytest.fixture
def saved(families, tmp_path):
    save_relative(RelativeClassifier(FEW).fit(*families(1)), tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize("numbers", [False, True])
def test_round_trip(families, tmp_path, numbers):
    texts, labels = families(1)
    if numbers:
        labels = ["xyz".index(label) - 1 for label in labels]
    model = RelativeClassifier(CODING, both_strands=True, smoothing=0.2, reject=0.05).fit(texts, labels)
    save_relative(model, tmp_path / "a" / "model")
    found = load_relative(tmp_path / "a" / "model")
    queries, _ = families(2, 10)
    for method in ("predict", "predict_proba", "evidence", "accepts", "bits_per_base"):
        np.testing.assert_array_equal(getattr(found, method)(queries), getattr(model, method)(queries))
    assert found.get_params() == {**model.get_params(), "words": list(CODING)}
    assert found.predict(queries).dtype == model.predict(queries).dtype
    save_relative(found, tmp_path / "b")
    for name in (CONFIG, COUNTS):
        assert (tmp_path / "b" / name).read_bytes() == (tmp_path / "a" / "model" / name).read_bytes()


def test_proteins(proteins, tmp_path):
    model = RelativeClassifier(alphabet="protein").fit(*proteins(1))
    save_relative(model, tmp_path)
    found = load_relative(tmp_path)
    assert found.get_params() == {**model.get_params(), "words": list(PROTEIN)}
    queries, _ = proteins(2, 10)
    np.testing.assert_array_equal(found.predict_proba(queries), model.predict_proba(queries))


def test_large_counts(tmp_path):
    model = RelativeClassifier([WordKind("dna", 1)]).fit(["A" * 70_000, "C" * 300], [0, 1])
    save_relative(model, tmp_path / "model")
    found = load_relative(tmp_path / "model").tables_[0]
    assert found.totals.tolist() == [70_000, 300]
    assert found.counts[found.directory[:2]].tolist() == [[70_000, 0], [0, 300]]


def test_a_model_takes_the_place_of_another(families, saved):
    save_relative(RelativeClassifier(FEW[:1]).fit(*families(2)), saved)
    assert len(load_relative(saved).tables_) == 1
    assert sorted(path.name for path in saved.iterdir()) == [CONFIG, COUNTS]


def test_missing(tmp_path, saved):
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_relative(tmp_path / "nowhere")
    (saved / COUNTS).unlink()
    with pytest.raises(CheckpointError, match=r"counts\.npz: cannot be read"):
        load_relative(saved)


def change(folder, **values):
    path = folder / CONFIG
    config = json.loads(path.read_text()) | values
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"version": 3}, "version 3; this genoseq reads version 1"),
        ({"alphabet": "rna"}, "damaged"),
        ({"alphabet": "protein"}, "damaged"),
        ({"alphabet": None}, "damaged"),
        ({"format": "other"}, "of another model"),
        ({"classes": ["x", "y"]}, "damaged"),
        ({"words": [["dna", 99], ["dna", 6]]}, "damaged"),
        ({"words": [["protein", 3], ["dna", 2]]}, "damaged"),
        ({"weight": [1.0]}, "damaged"),
        ({"weight": [1.0, 2.0, 3.0, float("nan")]}, "damaged"),
        ({"threshold": None}, "damaged"),
        ({"leave_out": "all"}, "damaged"),
        ({"smoothing": "much"}, "damaged"),
        ({"sha256": "0"}, "damaged, or of another model"),
    ],
)
def test_another_version_or_damage(saved, values, words):
    change(saved, **values)
    with pytest.raises(CheckpointError, match=words):
        load_relative(saved)


def test_flipped_bits_and_cut_files(saved):
    rng = np.random.default_rng(0)
    for name in (CONFIG, COUNTS):
        whole = (saved / name).read_bytes()
        (saved / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(CheckpointError):
            load_relative(saved)
        if name == COUNTS:
            for place in rng.integers(0, len(whole), 10):
                changed = bytearray(whole)
                changed[place] ^= 4
                (saved / name).write_bytes(bytes(changed))
                with pytest.raises(CheckpointError, match="damaged"):
                    load_relative(saved)
        (saved / name).write_bytes(whole)
    load_relative(saved)


def test_what_cannot_be_saved(families, tmp_path):
    texts, labels = families(1, 12)
    model = RelativeClassifier(FEW).fit(texts, [float("xyz".index(label)) for label in labels])
    with pytest.raises(UsageError, match="text or whole numbers"):
        save_relative(model, tmp_path / "model")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        save_relative(RelativeClassifier(FEW).fit(texts, labels), tmp_path / "file")
