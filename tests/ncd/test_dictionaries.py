"""Dictionaries of classes against zstd itself, on the strands, and within scikit-learn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from backports import zstd
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from genoseq.errors import GenoseqWarning, InputError, UsageError
from genoseq.ncd.dictionaries import DictionaryClassifier
from genoseq.ncd.frames import translate
from genoseq.protein import decode_protein
from genoseq.sequence import encode, reverse_complement_text


@pytest.fixture(scope="module")
def fitted(families):
    return DictionaryClassifier().fit(*families(1))


def test_sizes_are_those_of_zstd(families, fitted):
    texts, labels = families(1)
    queries, _ = families(2, 20)
    for number, label in enumerate("xyz"):
        known = "\n".join(text for text, own in zip(texts, labels, strict=True) if own == label)
        dictionary = zstd.ZstdDict(known.encode(), is_raw=True)
        expected = [len(zstd.compress(text.encode(), 19, zstd_dict=dictionary)) for text in queries]
        # how a frame tells the length of its text depends on whether it is known beforehand
        assert np.abs(fitted.sizes(queries)[:, number] - expected).max() <= 2
    assert (fitted.predict(texts) == labels).all()  # they were learned


def rewritten(genes):
    """The same proteins in other codons."""
    synonyms = {}
    for codon in map("".join, itertools.product("ACGT", repeat=3)):
        synonyms.setdefault(decode_protein(translate(encode(codon))), []).append(codon)
    rng = np.random.default_rng(0)
    proteins = [decode_protein(translate(encode(gene))) for gene in genes]
    return ["".join(rng.choice(synonyms[letter]) for letter in protein) for protein in proteins]


def test_codons_make_no_difference_to_proteins(families, fitted):
    genes, labels = families(1)
    queries = rewritten(genes)
    translated = DictionaryClassifier(translated=True).fit(genes, labels)
    assert translated.score(queries, labels) > 0.9  # the frame of a short gene may be another one
    assert fitted.score(queries, labels) < 0.6


def test_proteins_as_they_are(proteins):
    texts, labels = proteins(1)
    model = DictionaryClassifier().fit(texts, labels)
    assert model.score([text[5:-5] for text in texts], labels) == 1
    assert model.sizes(texts).min(1).max() < 30


def test_strands(families, fitted):
    texts, labels = families(1)
    turned = [reverse_complement_text(text) for text in texts]
    for translated, least in ((False, 1), (True, 0.8)):
        both = DictionaryClassifier(both_strands=True, translated=translated).fit(texts, labels)
        assert both.score(turned, labels) >= least
    assert fitted.score(turned, labels) < 0.7


def test_scikit_learn(families, fitted):
    texts, labels = families(1)
    model = DictionaryClassifier(3, translated=True)
    assert is_classifier(model)
    assert clone(model).get_params() == model.get_params()
    search = GridSearchCV(Pipeline([("it", model)]), {"it__level": [3, 19]}, cv=3).fit(texts, labels)
    assert search.predict(texts[:3]).tolist() == labels[:3]
    sizes = fitted.decision_function(texts)
    assert (fitted.classes_[sizes.argmax(1)] == fitted.predict(texts)).all()
    two = DictionaryClassifier().fit(*families(1, 40, classes=2))
    margin = two.decision_function(texts)
    assert ((margin > 0) == (two.predict(texts) == "y")).all()
    with pytest.raises(NotFittedError):
        model.predict(texts)


def test_texts(families, fitted):
    texts, _ = families(2, 6)
    expected = fitted.sizes(texts)
    assert (fitted.sizes([text.lower() for text in texts]) == expected).all()
    assert (fitted.sizes([text.encode() for text in texts]) == expected).all()
    assert fitted.sizes([]).shape == (0, 3)
    assert fitted.predict([]).tolist() == []
    assert fitted.predict(["N"]).tolist() == ["x"]  # sizes alike: the first class


def test_what_goes_unseen_is_told():
    rng = np.random.default_rng(0)
    text = "".join(rng.choice(list("ACGT"), 700_000))
    with pytest.warns(GenoseqWarning, match="class a has 700,000 letters and zstd-1 sees 524,288 back"):
        DictionaryClassifier(1).fit([text, "ACGTACGT"], ["a", "b"])


@pytest.mark.parametrize(
    ("options", "texts", "labels", "error", "words"),
    [
        ({}, ["ACGTACGT", "ACGTACGA"], ["a", "a"], InputError, "only class a"),
        ({}, [], [], InputError, "no sequences"),
        ({}, ["ACGTACGT", ""], ["a", "b"], InputError, r"sequences\[1\] is empty"),
        ({}, ["ACGTACGT", "ACG"], ["a", "b"], InputError, "class b has 3 letters; 8 or more"),
        ({}, ["ACGTACGT", "ACGTACGA"], ["a"], UsageError, "2 sequences and labels"),
        ({}, "ACGTACGT", ["a"], UsageError, "one sequence in the place of a list"),
        ({"level": 23}, ["ACGTACGT", "ACGTACGA"], ["a", "b"], UsageError, "level of zstd is 23"),
        ({"both_strands": True}, ["ACGTACGT", "MELFMELF"], ["a", "b"], InputError, "'E' at position 1"),
        ({"translated": True}, ["ACGTACGT", "MELFMELF"], ["a", "b"], InputError, "'E' at position 1"),
    ],
)
def test_bad_input(options, texts, labels, error, words):
    with pytest.raises(error, match=words):
        DictionaryClassifier(**options).fit(texts, labels)
