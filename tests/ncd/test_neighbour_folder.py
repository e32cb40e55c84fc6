"""Folders of nearest-neighbour classifiers, and which kind of classifier a folder holds."""

from __future__ import annotations

import json

import numpy as np
import pytest
from backports import zstd

from genoseq.errors import CheckpointError, UsageError
from genoseq.ncd.compressors import Brotli, Lzma, Zstd
from genoseq.ncd.model_folder import CONFIG, method_of
from genoseq.ncd.neighbour_folder import SEQUENCES, load_neighbours, save_neighbours
from genoseq.ncd.neighbours import NCDClassifier
from genoseq.ncd.relative import RelativeClassifier
from genoseq.ncd.relative_folder import save_relative
from genoseq.ncd.saved import load_classifier
from genoseq.ncd.words import WordKind

pytestmark = pytest.mark.filterwarnings("ignore:pairs of up to")


@pytest.fixture
def saved(families, tmp_path):
    save_neighbours(NCDClassifier("zstd").fit(*families(1, 5)), tmp_path / "model")
    return tmp_path / "model"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"n_neighbors": 3, "metric": "cdm", "both_strands": True},
        {"prefilter": 4, "prefilter_k": 8},
        {"reject": 0.2},
        {"compressor": Zstd(7, 20)},
        {"compressor": Lzma(1, 1 << 16)},
    ],
)
@pytest.mark.parametrize("numbers", [False, True])
def test_round_trip(families, tmp_path, options, numbers):
    texts, labels = families(1, 8)
    if numbers:
        labels = ["xyz".index(label) - 1 for label in labels]
    model = NCDClassifier(**{"compressor": "zstd", **options}).fit(texts, labels)
    save_neighbours(
        model, tmp_path / "model", alphabet="protein", names=[f"s {i}" for i in range(len(texts))]
    )
    found, alphabet, names = load_neighbours(tmp_path / "model")
    queries, _ = families(2, 3)
    for ours, theirs in zip(found.judge(queries), model.judge(queries), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert found.predict(queries).dtype == model.predict(queries).dtype
    assert (alphabet, names[:2], len(names)) == ("protein", ["s 0", "s 1"], len(texts))
    if "reject" in options:
        np.testing.assert_array_equal(found.accepts(queries), model.accepts(queries))
    save_neighbours(found, tmp_path / "again", alphabet=alphabet, names=names)
    for name in (CONFIG, SEQUENCES):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "model" / name).read_bytes()


def test_names_by_default(saved, families):
    assert load_neighbours(saved).names == [str(number) for number in range(1, len(families(1, 5)[0]) + 1)]


def test_which_kind_a_folder_holds(saved, families, tmp_path):
    save_relative(RelativeClassifier([WordKind("dna", 6)]).fit(*families(1)), tmp_path / "relative")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / CONFIG).write_text('{"format": "x"}')
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / CONFIG).write_text("[]")
    assert method_of(saved) == "ncd"
    assert method_of(tmp_path / "relative") == "relative"
    for name in ("other", "list", "nothing"):
        assert method_of(tmp_path / name) is None
        with pytest.raises(CheckpointError, match="no classifier of genoseq train classifier"):
            load_classifier(tmp_path / name)
    assert load_classifier(saved)[:2] == ("ncd", "dna")
    found = load_classifier(tmp_path / "relative")
    assert (found.method, found.alphabet, found.names) == ("relative", "dna", [])


def test_what_cannot_be_saved(families, tmp_path):
    texts, labels = families(1, 3)
    with pytest.raises(UsageError, match=r"labels such as False cannot be saved"):
        save_neighbours(NCDClassifier("zstd").fit(texts, [x == "x" for x in labels]), tmp_path / "m")
    for compressor in (Zstd(3, dictionary=b"ACGTTGCA" * 9), Brotli(1, 16)):
        with pytest.raises(UsageError, match="does not tell all"):
            save_neighbours(NCDClassifier(compressor).fit(texts, labels), tmp_path / "m")
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="is a file"):
        save_neighbours(NCDClassifier("zstd").fit(texts, labels), tmp_path / "file")
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"version": 2}, "version 2; this genoseq reads version 1"),
        ({"format": "x"}, "of another model"),
        ({"compressor": "rar"}, "damaged .*compressor 'rar'"),
        ({"classes": ["x", "y"]}, "damaged"),
        ({"classes": ["x", "y", "z", "zz"]}, "a class without sequences"),
        ({"n_neighbors": 10**6}, "damaged .*n_neighbors"),
        ({"metric": "euclid"}, "damaged .*metric"),
        ({"reject": 0.1, "thresholds": [0.5]}, "1 thresholds of 3 classes"),
        ({"sha256": "0"}, "damaged, or of another model"),
    ],
)
def test_another_version_or_damage(saved, values, words):
    config = json.loads((saved / CONFIG).read_text())
    (saved / CONFIG).write_text(json.dumps({**config, **values}))
    with pytest.raises(CheckpointError, match=words):
        load_neighbours(saved)


def test_missing_and_cut_files(saved):
    content = (saved / SEQUENCES).read_bytes()
    for wrong in (content[:-3], b"", zstd.compress(b"ACGT\n")):
        (saved / SEQUENCES).write_bytes(wrong)
        with pytest.raises(CheckpointError):
            load_neighbours(saved)
    (saved / SEQUENCES).unlink()
    with pytest.raises(CheckpointError, match=r"sequences\.tsv\.zst: cannot be read"):
        load_neighbours(saved)
