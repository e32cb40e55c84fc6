"""The relative classifier: what it tells apart, what scikit-learn does with it, what it refuses."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline

from genoseq.errors import InputError, UsageError
from genoseq.ncd.relative import CODING, DNA, PROTEIN, RelativeClassifier
from genoseq.ncd.words import WordKind
from genoseq.sequence import encode, reverse_complement_text
from genoseq.supervised.metrics import auroc

FEW = (WordKind("protein", 2), WordKind("protein", 3), WordKind("dna", 4), WordKind("dna", 8))


@pytest.fixture(scope="module")
def fitted(families):
    return RelativeClassifier().fit(*families(1))


def test_domains_are_told_apart_by_the_protein(families, fitted):
    texts, labels = families(2, 90)
    coding = np.mean(fitted.predict(texts) == labels)
    bases = RelativeClassifier(DNA).fit(*families(1)).score(texts, labels)
    assert coding > 0.9
    assert bases < coding - 0.05  # codons were drawn by chance
    assert fitted.classes_.tolist() == ["x", "y", "z"]


def test_probabilities_are_calibrated(families, fitted):
    texts, labels = families(3, 150)
    shares = fitted.predict_proba(texts)
    np.testing.assert_allclose(shares.sum(1), 1)
    assert (fitted.classes_[shares.argmax(1)] == fitted.predict(texts)).all()
    accuracy = np.mean(fitted.predict(texts) == labels)
    assert abs(shares.max(1).mean() - accuracy) < 0.08


def test_decision_function(families, fitted):
    texts, _ = families(4, 12)
    logits = fitted.decision_function(texts)
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(shares, fitted.predict_proba(texts))
    two = RelativeClassifier(FEW).fit(*families(1, 40, classes=2))
    margin = two.decision_function(texts)
    np.testing.assert_allclose(1 / (1 + np.exp(-margin)), two.predict_proba(texts)[:, 1])


def test_each_sequence_is_judged_alone_and_without_regard_to_case(families, fitted):
    texts, _ = families(5, 9)
    together = fitted.predict_proba(texts)
    alone = np.concatenate([fitted.predict_proba([text.lower().replace("t", "u")]) for text in texts])
    np.testing.assert_array_equal(together, alone)


def test_the_order_of_training_makes_no_difference(families, fitted):
    texts, labels = families(1)
    other = RelativeClassifier().fit(texts[::-1], labels[::-1])
    queries, _ = families(6, 20)
    np.testing.assert_allclose(other.predict_proba(queries), fitted.predict_proba(queries), atol=1e-3)


def test_strands(families, fitted):
    texts, labels = families(7, 60)
    turned = [reverse_complement_text(text) for text in texts]
    both = RelativeClassifier(both_strands=True).fit(*families(1))
    assert both.score(turned, labels) > 0.8
    assert fitted.score(turned, labels) < 0.6
    known = RelativeClassifier(DNA, both_strands=True).fit(*families(1))
    np.testing.assert_allclose(known.predict_proba(texts), known.predict_proba(turned), rtol=1e-9)


def test_bits_per_base(families, fitted):
    texts, labels = families(1)
    bits = fitted.bits_per_base(texts)
    assert bits.shape == (60, 3)
    assert (fitted.classes_[bits.argmin(1)] == labels).all()  # they were learned
    assert bits.min(1).mean() < 1.2 < 1.9 < np.sort(bits, 1)[:, 1:].mean() < 2.2
    with pytest.raises(UsageError, match="no words of DNA"):
        RelativeClassifier(FEW[:2]).fit(texts, labels).bits_per_base(texts)


def test_none_of_these(families, fitted):
    known, _ = families(8, 60)
    rng = np.random.default_rng(9)
    foreign = ["".join(rng.permutation(list(text))) for text in known]
    evidence = np.concatenate([fitted.evidence(known), fitted.evidence(foreign)])
    assert auroc(np.arange(120) < 60, evidence).value > 0.95
    strict = RelativeClassifier(reject=0.1).fit(*families(1))
    assert strict.threshold_ > fitted.threshold_
    assert strict.accepts(known).mean() > 0.7
    assert strict.accepts(foreign).mean() < 0.3


def test_homologs_are_left_out(families):
    texts, labels = families(1, 30)
    rng = np.random.default_rng(0)
    twins = []
    for text in texts:  # copies with some changes make long words look better than they are
        letters = np.array(list(text))
        changed = rng.random(len(letters)) < 0.03
        letters[changed] = rng.choice(list("ACGT"), changed.sum())
        twins.append("".join(letters))
    new, truth = families(10, 90)
    places = [["x", "y", "z"].index(label) for label in truth]
    losses = {}
    for how in ("homologs", "one"):
        model = RelativeClassifier(leave_out=how).fit(texts + twins, labels * 2)
        losses[how] = -np.log(model.predict_proba(new)[np.arange(90), places]).mean()
    assert losses["homologs"] < losses["one"] - 0.1


def test_a_class_of_homologs_is_not_left_out_whole():
    rng = np.random.default_rng(3)
    ancestors = rng.choice(list("ACGT"), (2, 300))
    texts, labels = [], []
    for number in range(20):
        letters = ancestors[number % 2].copy()
        letters[rng.integers(0, 300, 6)] = "A"
        texts.append("".join(letters))
        labels.append(number % 2)
    model = RelativeClassifier(FEW).fit(texts[:14], labels[:14])
    shares = model.predict_proba(texts[14:])
    assert (shares[np.arange(6), labels[14:]] > 0.9).all()


def test_scikit_learn(families):
    texts, labels = families(1)
    model = RelativeClassifier(FEW, penalty=1e-2)
    copy = clone(model)
    assert is_classifier(model)
    assert copy.get_params() == model.get_params()
    scores = cross_val_score(model, texts, labels, cv=3)
    assert scores.mean() > 0.6
    pipeline = Pipeline([("classify", RelativeClassifier(FEW))])
    search = GridSearchCV(
        pipeline, {"classify__smoothing": [0.1, 1.0], "classify__words": [FEW, FEW[2:]]}, cv=3
    )
    search.fit(texts, labels)
    assert search.best_params_["classify__words"] == FEW
    assert search.predict(texts[:4]).tolist() == labels[:4]
    assert "penalty=0.01" in repr(model)


def test_pickle(families, fitted):
    texts, _ = families(11, 6)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(fitted)).predict_proba(texts), fitted.predict_proba(texts)
    )


def test_base_codes_are_as_good_as_letters(families, fitted):
    texts, _ = families(12, 8)
    found = fitted.judge([encode(text) for text in texts])
    np.testing.assert_array_equal(found.probabilities, fitted.predict_proba(texts))
    np.testing.assert_array_equal(found.evidence, fitted.evidence(texts))
    np.testing.assert_array_equal(found.accepted, found.evidence >= fitted.threshold_)
    with pytest.raises(UsageError, match=r"sequences\[0\]: a base code is 84"):
        fitted.judge([np.frombuffer(b"ACGT", np.uint8)])


def test_not_fitted():
    for method in ("predict", "predict_proba", "decision_function", "judge", "bits_per_base"):
        with pytest.raises(NotFittedError):
            getattr(RelativeClassifier(), method)(["ACGT"])


def test_short_unknown_and_none(fitted):
    shares = fitted.predict_proba(["A", "N" * 50])
    np.testing.assert_allclose(shares.sum(1), 1)
    assert not fitted.accepts(["A", "N" * 50]).any()
    assert fitted.predict([]).tolist() == []
    assert fitted.predict_proba([]).shape == (0, 3)
    assert fitted.accepts([]).shape == (0,)
    assert fitted.bits_per_base([]).shape == (0, 3)


@pytest.mark.parametrize(
    ("texts", "labels", "error", "words"),
    [
        (["ACGT", "ACGA"], ["a", "a"], InputError, "only class a"),
        ([], [], InputError, "no sequences"),
        (["ACGT", ""], ["a", "b"], InputError, r"sequences\[1\] is empty"),
        (["ACGT", "MELF"], ["a", "b"], InputError, r"sequences\[1\]: 'E' at .*the alphabet is \"protein\""),
        (["ACGT", "AC*T"], ["a", "b"], InputError, r"sequences\[1\]: '\*' at position 2"),
        (["ACGT", 3], ["a", "b"], UsageError, r"sequences\[1\] is int"),
        (["ACGT", "ACGA"], ["a"], UsageError, "2 sequences and labels"),
        ("ACGT", ["a"], UsageError, "one sequence in the place of a list"),
    ],
)
def test_bad_input(texts, labels, error, words):
    with pytest.raises(error, match=words):
        RelativeClassifier(FEW).fit(texts, labels)


def test_a_class_without_known_letters():
    with pytest.raises(InputError, match="class b: its sequences have no known letters"):
        RelativeClassifier().fit(["ACGTACCA" * 5, "GGATTACA" * 5, "NNNNNNNN"], ["a", "a", "b"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"words": ()}, "no words to count"),
        ({"alphabet": "rna"}, "alphabet 'rna': choose dna or protein"),
        ({"alphabet": "protein", "words": FEW}, "words of dna are not in proteins"),
        ({"alphabet": "protein", "both_strands": True}, "a protein has one direction"),
        ({"leave_out": "all"}, "homologs or one"),
        ({"smoothing": 0}, "smoothing is 0"),
        ({"penalty": -1.0}, "penalty is -1"),
        ({"reject": 1.0}, "reject is 1"),
    ],
)
def test_bad_parameters(options, words, families):
    with pytest.raises(UsageError, match=words):
        RelativeClassifier(**options).fit(*families(1, 6))


def test_presets():
    assert {kind.alphabet for kind in CODING} == {"protein", "reduced", "dna"}
    assert {kind.alphabet for kind in DNA} == {"dna"}
    assert {kind.alphabet for kind in PROTEIN} == {"protein", "reduced"}
    assert RelativeClassifier().kinds == CODING
    assert RelativeClassifier(alphabet="protein").kinds == PROTEIN
