"""Scores against a model whose distribution is known, and against plain loops on a network."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from genoseq.errors import UsageError
from genoseq.peptides.scores import log_perplexities, quick_log_perplexities, shuffled, specificity
from genoseq.peptides.tokens import AMINO, MASK, PAD, TOKENS, padded, tokens_of

_spec = importlib.util.spec_from_file_location("toy", Path(__file__).with_name("toy.py"))
toy = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(toy)

TARGET = tokens_of("MKVLAAGW")


def test_pseudo_perplexity_by_hand():
    model = toy.ToyModel(3)
    at = {tuple(peptide): share for peptide, share in zip(model.peptides.tolist(), model.shares, strict=True)}
    peptide = (1, 3, 0)
    costs = []
    for place in range(3):
        others = [at[(*peptide[:place], letter, *peptide[place + 1 :])] for letter in range(4)]
        costs.append(-np.log(at[peptide] / sum(others)))
    assert log_perplexities(model, TARGET, ["CEA"])[0] == pytest.approx(np.mean(costs), rel=1e-4)


def test_a_network_is_asked_with_one_mask_at_a_time(make_network):
    torch = pytest.importorskip("torch")
    from genoseq.peptides.model import MaskedModel

    network = make_network()
    model = MaskedModel(network)
    peptides = ["MKV", "WWWYLXA", "G"]
    found = log_perplexities(model, TARGET, peptides)
    assert model.tokens == 3 * (8 + 3 + 2) + 6 * (8 + 7 + 2) + (8 + 1 + 2)
    for peptide, value in zip(peptides, found, strict=True):
        costs = []
        for place, letter in enumerate(peptide):
            if letter == "X":
                continue
            tokens = torch.from_numpy(padded([np.concatenate([TARGET, tokens_of(peptide)])]))
            tokens[0, 1 + len(TARGET) + place] = MASK
            with torch.no_grad():
                logits = network(input_ids=tokens, attention_mask=(tokens != PAD).long()).logits
            costs.append(-float(logits[0, 1 + len(TARGET) + place].log_softmax(-1)[TOKENS.index(letter)]))
        assert value == pytest.approx(np.mean(costs), rel=1e-4)
    assert log_perplexities(model, TARGET, []).shape == (0,)


def test_the_estimate_is_exact_where_the_target_does_not_hear_of_the_peptide():
    model = toy.ToyModel(4)
    peptides = ["ACDE", "EEEE", "CADA"]  # the model knows four letters
    exact = log_perplexities(model, TARGET, peptides)
    np.testing.assert_allclose(quick_log_perplexities(model, TARGET, peptides), exact, rtol=1e-6)


def test_the_estimate_reads_the_target_once_for_each_length(make_network):
    pytest.importorskip("torch")
    from genoseq.peptides.model import MaskedModel

    model = MaskedModel(make_network())
    found = quick_log_perplexities(model, TARGET, ["MKVLA", "WWX", "GGGGG"])
    assert model.tokens == (8 + 5 + 2) + 2 * 5 * 6 + (8 + 3 + 2) + 2 * 4
    alone = [quick_log_perplexities(model, TARGET, [text])[0] for text in ("MKVLA", "WWX", "GGGGG")]
    np.testing.assert_allclose(found, alone, rtol=1e-5)
    assert quick_log_perplexities(model, TARGET, []).shape == (0,)


def test_specificity(make_network):
    from genoseq.peptides.model import MaskedModel

    model = MaskedModel(make_network())
    rng = np.random.default_rng(1)
    decoys = [shuffled(TARGET, rng) for _ in range(4)]
    assert all(sorted(decoy) == sorted(TARGET) for decoy in decoys)
    found = specificity(model, TARGET, decoys, ["MKVL", "AAW"])
    assert found.decoys.shape == (2, 4)
    np.testing.assert_allclose(found.own, log_perplexities(model, TARGET, ["MKVL", "AAW"]), rtol=1e-5)
    np.testing.assert_allclose(found.values, found.decoys.mean(1) - found.own)
    ranks = [1 + sum(decoy <= own for decoy in row) for own, row in zip(found.own, found.decoys, strict=True)]
    np.testing.assert_allclose(found.p_values, np.array(ranks) / 5)


def test_what_is_refused():
    model = toy.ToyModel(3)
    with pytest.raises(UsageError, match="has none of the 20 amino acids"):
        log_perplexities(model, TARGET, ["AAA", "XX"])
    with pytest.raises(UsageError, match="has none of the 20 amino acids"):
        quick_log_perplexities(model, TARGET, [""])
    with pytest.raises(UsageError, match="no decoys"):
        specificity(model, TARGET, [], ["AAA"])
    with pytest.raises(UsageError, match="a decoy is the target itself"):
        specificity(model, TARGET, [TARGET.copy()], ["AAA"])
    assert set(AMINO) >= set(TARGET)
