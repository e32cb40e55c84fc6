"""The relative classifier of proteins: what it tells apart, and what it refuses."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.ncd.relative import PROTEIN, RelativeClassifier
from genoseq.protein import encode_protein
from genoseq.supervised.metrics import auroc


@pytest.fixture(scope="module")
def fitted(proteins):
    return RelativeClassifier(alphabet="protein").fit(*proteins(1))


def test_domains_are_told_apart(proteins, fitted):
    texts, labels = proteins(2, 90)
    assert fitted.score(texts, labels) > 0.9
    shares = fitted.predict_proba(texts)
    np.testing.assert_allclose(shares.sum(1), 1)
    known = fitted.evidence(texts)
    rng = np.random.default_rng(0)
    foreign = fitted.evidence(["".join(rng.permutation(list(text))) for text in texts])
    assert auroc(np.arange(180) < 90, np.concatenate([known, foreign])).value > 0.95


def test_a_gene_says_what_its_protein_says(families, proteins):
    genes, labels = families(1)
    queries, _ = families(2, 20)
    of_genes = RelativeClassifier(PROTEIN, leave_out="one").fit(genes, labels)
    of_proteins = RelativeClassifier(alphabet="protein", leave_out="one").fit(*proteins(1))
    np.testing.assert_allclose(
        of_genes.predict_proba(queries), of_proteins.predict_proba(proteins(2, 20)[0]), atol=1e-6
    )


def test_letters_and_codes(proteins, fitted):
    texts, _ = proteins(3, 8)
    expected = fitted.predict_proba(texts)
    for others in (
        [text.lower() for text in texts],
        [text.encode() for text in texts],
        [encode_protein(text) for text in texts],
        np.array(texts),
    ):
        np.testing.assert_array_equal(fitted.predict_proba(others), expected)
    changed = fitted.predict_proba([f"{text[:10]}X{text[11:]}" for text in texts])
    for letter in "BZJUO":
        same = fitted.predict_proba([f"{text[:10]}{letter}{text[11:]}" for text in texts])
        np.testing.assert_array_equal(same, changed)
    assert not np.array_equal(changed, expected)


def test_homologs_are_left_out(proteins):
    texts, labels = proteins(1, 30)
    rng = np.random.default_rng(0)
    twins = ["".join(rng.choice(list("KRSTLV")) if rng.random() < 0.1 else x for x in text) for text in texts]
    new, truth = proteins(10, 90)
    places = [["x", "y", "z"].index(label) for label in truth]
    losses = {}
    for how in ("homologs", "one"):
        model = RelativeClassifier(alphabet="protein", leave_out=how).fit(texts + twins, labels * 2)
        losses[how] = -np.log(model.predict_proba(new)[np.arange(90), places]).mean()
    assert losses["homologs"] < losses["one"] - 0.1


def test_nucleotides_are_no_proteins(families, proteins, fitted):
    genes, labels = families(1)
    some = [*genes[:30], *proteins(1)[0][30:]]
    for texts in (genes, [gene.replace("T", "U").lower() for gene in genes], some):
        with pytest.raises(InputError, match=r"proteins, sequences\[0\] first.*alphabet is \"dna\""):
            RelativeClassifier(alphabet="protein").fit(texts, labels)
    with pytest.warns(GenoseqWarning, match=re.escape("1 of 1 proteins, sequences[1] first")):
        fitted.predict(["GATTACA", genes[0]])
    codes = np.tile(np.arange(5, dtype=np.uint8), 5)  # base codes
    with pytest.warns(GenoseqWarning, match="1 of 1 proteins"):
        fitted.predict([codes])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted.predict(["GATTACA", "ACGT", genes[0], *proteins(4, 2)[0]])


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("", InputError, r"sequences\[1\] is empty"),
        ("MK-LV", InputError, r"sequences\[1\]: '-' at position 2"),
        ("MK1", InputError, r"sequences\[1\]: '1' at position 2"),
        ("MKé", InputError, r"sequences\[1\]: '\?' at position 2"),
        (None, UsageError, r"sequences\[1\] is NoneType"),
        (np.array([22], np.uint8), UsageError, r"sequences\[1\]: a code of an amino acid is 22"),
        (np.array([1, 2]), UsageError, r"sequences\[1\]: a protein must be one row"),
    ],
)
def test_bad_input(fitted, text, error, words):
    with pytest.raises(error, match=words):
        RelativeClassifier(alphabet="protein").fit(["MKLV", text], ["a", "b"])
    with pytest.raises(error, match=words):
        fitted.predict(["MKLV", text])


def test_there_are_no_bases(proteins, fitted):
    with pytest.raises(UsageError, match="no words of DNA"):
        fitted.bits_per_base(proteins(1, 3)[0])
