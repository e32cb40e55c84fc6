"""The rivals against naive ones, and in scikit-learn's tools."""

from __future__ import annotations

import pickle
from collections import Counter

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from genoseq.errors import InputError, UsageError
from genoseq.ncd.frames import reading_frame
from genoseq.ncd.rivals import JaccardClassifier, WordBayes, rivals
from genoseq.ncd.words import WordKind
from genoseq.protein import AMINO_ACIDS, decode_protein
from genoseq.sequence import encode

THREE = WordKind("dna", 3)


def protein_of(text):
    return decode_protein(reading_frame(encode(text), both_strands=False))


def words_of(text, k):
    return [text[i : i + k] for i in range(len(text) - k + 1)]


def test_naive_bayes_is_that_of_scikit_learn_on_its_own_counts(families):
    texts, labels = families(1, 40)
    queries, _ = families(2, 30)
    vectors = CountVectorizer(analyzer=lambda text: words_of(text, 5))
    reference = MultinomialNB(alpha=0.1).fit(vectors.fit_transform(texts), labels)
    model = WordBayes(WordKind("dna", 5)).fit(texts, labels)
    np.testing.assert_allclose(
        model.predict_proba(queries), reference.predict_proba(vectors.transform(queries)), atol=1e-6
    )
    assert model.predict(queries).tolist() == reference.predict(vectors.transform(queries)).tolist()


@pytest.mark.parametrize(("alphabet", "words"), [("dna", "dna"), ("dna", "protein"), ("protein", "protein")])
def test_jaccard_as_a_naive_one(families, alphabet, words):
    k = 6 if words == "dna" else 2
    texts, labels = families(3, 40)
    queries, _ = families(4, 300)
    if alphabet == "protein":
        texts, queries = ([protein_of(text) for text in part] for part in (texts, queries))
    spelled = protein_of if (alphabet, words) == ("dna", "protein") else str
    known = [set(words_of(spelled(text), k)) for text in texts]
    model = JaccardClassifier(WordKind(words, k), alphabet=alphabet).fit(texts, labels)
    best, numbers = model.nearest(queries)
    predicted = model.predict(queries)
    for row, query in enumerate(queries):
        own = set(words_of(spelled(query), k))
        index = [len(own & each) / len(own | each) for each in known]
        assert best[row] == pytest.approx(max(index))
        assert numbers[row] == index.index(max(index))
        assert predicted[row] == labels[numbers[row]]


def test_ties_and_sequences_without_a_word_go_to_the_first():
    model = JaccardClassifier(WordKind("dna", 4)).fit(["GGTTACA", "ACGTACG", "ACGTACG"], ["z", "y", "x"])
    assert model.predict(["ACGTACG", "AC", "NNNNNNN"]).tolist() == ["y", "z", "z"]
    assert model.nearest(["AC"])[0].tolist() == [0]


def test_unknown_letters_make_no_words():
    model = WordBayes(WordKind("dna", 2)).fit(["ACNGT", "TTNTT"], ["a", "b"])
    assert len(model.vocabulary_) == 3  # AC, GT, TT
    protein = JaccardClassifier(WordKind("protein", 2), alphabet="protein").fit(["MKXVL", "WWWW"], [0, 1])
    assert len(protein.vocabulary_) == 3


def test_the_rivals_by_name(families):
    texts, labels = families(5, 60)
    queries, truth = families(6, 60)
    accuracies = {}
    for name, model in rivals().items():
        accuracies[name] = np.mean(model.fit(texts, labels).predict(queries) == truth)
    assert next(iter(accuracies)) == "majority"
    assert accuracies["majority"] == pytest.approx(1 / 3)
    assert max(accuracies, key=accuracies.get) == "Jaccard 1-NN, protein 4-mers"
    proteins = [protein_of(text) for text in texts]
    for name, model in rivals("protein").items():
        assert "DNA" not in name
        assert model.fit(proteins, labels).predict(proteins[:3]).shape == (3,)


def test_in_tools_of_scikit_learn(families):
    texts, labels = families(7, 60)
    for model in (WordBayes(WordKind("protein", 3)), JaccardClassifier(WordKind("protein", 3))):
        assert cross_val_score(model, texts, labels, cv=3, error_score="raise").mean() > 0.5
        array = np.array(texts, object)
        steps = make_pipeline(FunctionTransformer(lambda X: [text.lower() for text in X]), clone(model))
        assert steps.fit(array, labels).predict(array).shape == (60,)
        grid = {"words": [WordKind("dna", 3), WordKind("protein", 3)]}
        search = GridSearchCV(model, grid, cv=3, error_score="raise").fit(texts, labels)
        assert search.best_params_ == {"words": WordKind("protein", 3)}
        again = pickle.loads(pickle.dumps(search.best_estimator_))
        assert np.array_equal(again.predict(texts), search.predict(texts))
        with pytest.raises(NotFittedError):
            clone(model).predict(texts)
        assert search.predict([]).shape == (0,)


def test_tags():
    for model in (WordBayes(), JaccardClassifier()):
        tags = model.__sklearn_tags__()
        assert tags.estimator_type == "classifier"
        assert tags.input_tags.string
        assert not tags.input_tags.two_d_array


@pytest.mark.parametrize("kind", [WordBayes, JaccardClassifier])
@pytest.mark.parametrize(
    ("parameters", "data", "error", "words"),
    [
        ({}, (["ACGT", "GT"], ["a", "a"]), InputError, r"one class \(a\)"),
        ({}, ([], []), InputError, "no sequences"),
        ({}, (["AC", ""], ["a", "b"]), InputError, "empty"),
        ({}, (["AC", "GE"], ["a", "b"]), InputError, r"X\[1\].*'E' at position 1"),
        ({}, ("ACGT", ["a", "b"]), UsageError, "X is one"),
        ({}, (["AC", "GT"], ["a"]), ValueError, "inconsistent"),
        ({"alphabet": "rna"}, (["AC", "GT"], ["a", "b"]), UsageError, "dna or protein"),
        ({"alphabet": "protein"}, (["AC", "GT"], ["a", "b"]), UsageError, "no words of DNA"),
        (
            {"words": WordKind("protein", 2), "alphabet": "protein"},
            (["MK", "M?"], ["a", "b"]),
            InputError,
            "letter of a protein",
        ),
    ],
)
def test_bad_input(kind, parameters, data, error, words):
    with pytest.raises(error, match=words):
        kind(**parameters).fit(*data)


def test_bad_input_of_naive_bayes():
    with pytest.raises(InputError, match="9 known letters in a row"):
        WordBayes().fit(["ACGT", "GGGG"], ["a", "b"])
    with pytest.raises(UsageError, match="alpha is 0"):
        WordBayes(alpha=0).fit(["ACGT", "GGGG"], ["a", "b"])


def test_the_letters_of_frames_are_those_of_proteins():
    """A gene and its protein give the same words."""
    text = "ATGGCCTGCGATGAATTCGGGCATATTAAACTGATGAACCCGCAGCGCAGCACCGTGTGGTAT"
    assert Counter(protein_of(text)) == Counter("M" + AMINO_ACIDS)
