"""The preset that fits the reads."""

from __future__ import annotations

import numpy as np
import pytest

from genoseq.align.auto import suggest_preset
from genoseq.align.presets import default_preset
from genoseq.index.store import PRESETS, Index
from genoseq.io.batch import ReadBatch


@pytest.mark.parametrize(
    ("length", "divergence", "expected"),
    [(150, 0.0, "divergent"), (150, 0.05, "divergent"), (150, 0.22, "sensitive"), (4000, 0.1, "long")],
)
def test_presets(toy_index, simulated, length, divergence, expected):
    truth = simulated(toy_index.reference, number=300, length=length, divergence=divergence, seed=1)
    suggestion = suggest_preset(truth.reads, toy_index)
    assert suggestion.preset == expected
    assert suggestion.length == length
    if expected == "long":
        assert suggestion.identity is None
    else:
        assert abs(suggestion.identity - (1 - divergence)) < 0.02


def test_one_word_has_no_sensitive_stage(toy_index, simulated, tmp_path):
    index = Index.build(toy_index.reference, tmp_path / "one.gsx", parameters=PRESETS["sr"])
    truth = simulated(index.reference, number=300, length=150, divergence=0.22, seed=1)
    assert default_preset(index.parameters.words) == suggest_preset(truth.reads, index).preset == "sr"


def test_reads_of_another_genome_and_none(toy_index):
    rng = np.random.default_rng(1)
    foreign = ReadBatch.from_strings(["a", "b"], ["".join(rng.choice(list("ACGT"), 150)) for _ in range(2)])
    assert suggest_preset(foreign, toy_index) == ("divergent", 150, None)
    assert suggest_preset(foreign.select([]), toy_index).preset == "divergent"
