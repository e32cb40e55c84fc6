"""Peptides behind a target that is read once: exact for the reference, near for others."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from genoseq.errors import UsageError  # noqa: E402
from genoseq.peptides.model import MaskedModel  # noqa: E402
from genoseq.peptides.scores import log_perplexities, quick_log_perplexities  # noqa: E402
from genoseq.peptides.tokens import AMINO, MASK, TOKENS, tokens_of  # noqa: E402
from genoseq.protein import AMINO_ACIDS  # noqa: E402

TARGET = tokens_of("MKVLAAGWHEKDTRSYPLLCNQ")


@pytest.mark.parametrize(("precision", "nats"), [("fp32", 1e-5), ("bf16", 0.1)])
@pytest.mark.parametrize(("reference", "masks"), [("MKVL", 0), ("MKVL", 1), ("MKVL", 4), ("W", 1)])
def test_the_reference_has_the_answers_of_the_network(make_network, precision, nats, reference, masks):
    model = MaskedModel(make_network(), precision=precision)
    tokens = tokens_of(reference)
    tokens[:masks] = MASK
    every = np.arange(len(tokens))
    found = model.log_probabilities_behind(TARGET, tokens, [tokens], [every])
    wanted = model.log_probabilities([np.concatenate([TARGET, tokens])], [len(TARGET) + every])
    np.testing.assert_allclose(found, wanted, atol=nats)
    assert np.ptp(wanted) > 1


def test_company_changes_nothing(make_network, monkeypatch):
    monkeypatch.setattr("genoseq.peptides.model.ON_CPU", 24)
    model = MaskedModel(make_network())
    rng = np.random.default_rng(1)
    peptides = [rng.choice(AMINO, 7) for _ in range(20)]
    places = [rng.choice(7, 2, replace=False) for _ in peptides]
    reference = np.full(7, MASK, np.uint8)
    together = model.log_probabilities_behind(TARGET, reference, peptides, places)
    for number, (peptide, asked) in enumerate(zip(peptides, places, strict=True)):
        alone = model.log_probabilities_behind(TARGET, reference, [peptide], [asked])
        np.testing.assert_allclose(together[2 * number : 2 * number + 2], alone, atol=1e-5)


def test_threads_change_no_bit(make_network, monkeypatch):
    monkeypatch.setattr("genoseq.peptides.model.ON_CPU", 24)
    rng = np.random.default_rng(1)
    peptides = [rng.choice(AMINO, 7) for _ in range(40)]
    found = []
    for threads in (1, 3):
        model = MaskedModel(make_network())
        model.threads = threads
        found.append(model.log_probabilities_behind(TARGET, peptides[0], peptides, [np.arange(7)] * 40))
    np.testing.assert_array_equal(*found)
    assert model.log_probabilities_behind(TARGET, peptides[0], [], []).shape == (0, len(TOKENS))


def test_callers_in_threads_get_their_own_target(make_network):
    model = MaskedModel(make_network())
    model.progress = lambda tokens: time.sleep(0.001)
    masks, peptide, every = np.full(3, MASK, np.uint8), [tokens_of("MKV")], [np.arange(3)]
    targets = [TARGET[at:] for at in range(4)] * 10

    def look(target):
        return model.log_probabilities_behind(target, masks, peptide, every)

    alone = [look(target) for target in targets[:4]] * 10
    with ThreadPoolExecutor(4) as pool:
        np.testing.assert_allclose(np.stack(list(pool.map(look, targets))), np.stack(alone), atol=1e-5)


def test_a_peptide_of_another_length_is_refused(make_network):
    model = MaskedModel(make_network())
    with pytest.raises(UsageError, match=r"peptides of \[2, 3\] letters behind a reference of 3"):
        model.log_probabilities_behind(TARGET, AMINO[:3], [AMINO[:3], AMINO[:2]], [np.arange(2)] * 2)


def test_a_target_is_read_again_when_it_or_the_reference_is_another(make_network):
    model = MaskedModel(make_network())
    masks, peptide, every = np.full(3, MASK, np.uint8), [tokens_of("MKV")], [np.arange(3)]
    first = model.log_probabilities_behind(TARGET, masks, peptide, every)
    paid = model.tokens
    again = model.log_probabilities_behind(TARGET, masks, peptide, every)
    assert model.tokens - paid == 3 + 1  # the target is not paid for
    np.testing.assert_array_equal(first, again)
    for target, reference in ((TARGET[1:], masks), (TARGET, tokens_of("AAA"))):
        other = model.log_probabilities_behind(target, reference, peptide, every)
        assert np.abs(other - first).max() > 1e-4


def test_the_estimate_of_the_model_that_ships_is_near():
    model = MaskedModel.load("pepmlm-small", device="cpu")
    rng = np.random.default_rng(1)
    peptides = ["".join(rng.choice(list(AMINO_ACIDS), length)) for length in (8, 12) for _ in range(8)]
    exact = log_perplexities(model, TARGET, peptides)
    quick = quick_log_perplexities(model, TARGET, peptides)
    assert np.corrcoef(exact, quick)[0, 1] > 0.99
    assert np.abs(exact - quick).max() < 0.1
