"""Figures against scikit-learn, intervals against what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as reference

from genoseq.errors import UsageError
from genoseq.supervised.metrics import auroc, measure, measure_confusion, wilson


def made(classes, count, seed, decimals=8):
    """Labels and probabilities that are somewhat right; few decimals make ties."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    scores = rng.random((count, classes))
    scores[np.arange(count), labels] += 0.3
    return labels, (scores / scores.sum(1, keepdims=True)).round(decimals)


@pytest.mark.parametrize(("classes", "decimals"), [(2, 8), (2, 1), (5, 8)])
def test_the_figures_are_those_of_scikit_learn(classes, decimals):
    labels, shares = made(classes, 300, 1, decimals)
    found = measure(labels, shares, [str(i) for i in range(classes)])
    predicted = shares.argmax(1)
    assert found.accuracy.value == pytest.approx(reference.accuracy_score(labels, predicted))
    balanced = reference.balanced_accuracy_score(labels, predicted)
    assert found.balanced_accuracy.value == pytest.approx(balanced)
    assert found.macro_f1.value == pytest.approx(reference.f1_score(labels, predicted, average="macro"))
    assert found.mcc.value == pytest.approx(reference.matthews_corrcoef(labels, predicted))
    assert np.array_equal(found.confusion, reference.confusion_matrix(labels, predicted))
    if classes == 2:
        assert found.auroc.value == pytest.approx(reference.roc_auc_score(labels, shares[:, 1]))
    else:
        assert found.auroc is None
    for figure in found.figures.values():
        assert figure.low < figure.value < figure.high


def test_the_variance_of_an_area_by_hand():
    """DeLong's components from all pairs."""
    labels, shares = made(2, 40, 2, 1)
    scores = shares[:, 1]
    won = (scores[labels == 1][:, None] > scores[labels == 0]) + 0.5 * (
        scores[labels == 1][:, None] == scores[labels == 0]
    )
    variance = won.mean(1).var(ddof=1) / len(won) + won.mean(0).var(ddof=1) / won.shape[1]
    found = auroc(labels == 1, scores)
    assert found.value == pytest.approx(won.mean())
    half = 1.959964 * variance**0.5 / (won.mean() * (1 - won.mean()))
    logits = [np.log(edge / (1 - edge)) for edge in (found.low, found.value, found.high)]
    assert np.diff(logits) == pytest.approx([half, half])


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    """200 samples of 150 from a classifier of which the figures are known."""
    truth = measure(*made(2, 200_000, 4), ["a", "b"])
    names = list(truth.figures)
    held = dict.fromkeys(names, 0)
    for seed in range(200):
        found = measure(*made(2, 150, 100 + seed), ["a", "b"])
        for name in names:
            held[name] += found.figures[name].low <= truth.figures[name].value <= found.figures[name].high
    assert all(0.90 <= count / 200 <= 0.99 for count in held.values()), held


def test_wilson_is_that_of_the_textbook():
    """Newcombe 1998, table I: 81 of 263 and 15 of 148, and the ends."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=1e-4)
    assert wilson(29, 29) == pytest.approx((0.8830, 1.0), abs=1e-4)


def test_a_class_that_is_never_predicted_counts():
    shares = np.tile([0.9, 0.1], (10, 1))
    found = measure(np.array([0] * 8 + [1] * 2), shares, ["a", "b"])
    assert found.balanced_accuracy.value == 0.5
    assert found.mcc.value == 0
    assert found.auroc.value == 0.5
    assert found.macro_f1.value == pytest.approx(8 / 9 / 2)


def test_one_kind_of_samples_has_no_area():
    found = measure(np.zeros(5, np.int64), np.tile([0.6, 0.4], (5, 1)), ["a", "b"])
    assert np.isnan(found.auroc.value)
    assert np.isnan(found.auroc.low)
    assert found.accuracy.value == 1


def test_what_does_not_fit():
    with pytest.raises(UsageError, match="0 labels"):
        measure(np.zeros(0, np.int64), np.zeros((0, 2)), ["a", "b"])
    with pytest.raises(UsageError, match="3 labels of 2 classes"):
        measure(np.zeros(3, np.int64), np.zeros((3, 4)), ["a", "b"])


def test_figures_of_a_matrix_are_those_of_its_predictions():
    labels, shares = made(4, 200, 6)
    whole = measure(labels, shares, "abcd")
    found = measure_confusion(whole.confusion, "abcd")
    assert found.to_dict() == whole.to_dict()
    assert measure_confusion(np.array([[3, 1], [0, 4]]), "ab").auroc is None


def test_repeated_samples_make_no_interval_narrower():
    confusion = np.array([[30, 10], [5, 55]])
    once, thrice = measure_confusion(confusion, "ab"), measure_confusion(3 * confusion, "ab", samples=100)
    assert thrice.accuracy == once.accuracy
    assert thrice.macro_f1 == once.macro_f1
    assert measure_confusion(3 * confusion, "ab").accuracy.low > once.accuracy.low
    with pytest.raises(UsageError, match="101 different samples among 100"):
        measure_confusion(confusion, "ab", samples=101)
    with pytest.raises(UsageError, match="of 0 samples"):
        measure_confusion(np.zeros((2, 2), np.int64), "ab")
