"""The classifiers of texts pass scikit-learn's checks of estimators.

The checks come with rows of numbers; each is spelled as a text.
"""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.utils import estimator_checks

from genoseq.ncd.neighbours import NCDClassifier
from genoseq.ncd.rivals import JaccardClassifier, WordBayes
from genoseq.ncd.words import WordKind

THREE = WordKind("dna", 3)


def spelled(X):
    """A text for each row of numbers."""
    levels = np.clip(np.asarray(X, float) * 2, -9, 9).round().astype(int)
    return ["".join("ACGT"[level % 4] * (3 + level // 4 % 3) for level in row) + "A" for row in levels]


class SpelledNeighbours(NCDClassifier):
    def fit(self, X, y):
        return super().fit(spelled(X), y)

    def predict(self, X):
        return super().predict(spelled(X))

    def predict_proba(self, X):
        return super().predict_proba(spelled(X))


class SpelledBayes(WordBayes):
    def __init__(self, words=THREE, *, alpha=0.1, alphabet="dna"):
        super().__init__(words, alpha=alpha, alphabet=alphabet)

    def fit(self, X, y):
        return super().fit(spelled(X), y)

    def predict_proba(self, X):
        return super().predict_proba(spelled(X))


class SpelledJaccard(JaccardClassifier):
    def __init__(self, words=THREE, *, alphabet="dna"):
        super().__init__(words, alphabet=alphabet)

    def fit(self, X, y):
        return super().fit(spelled(X), y)

    def nearest(self, X):
        return super().nearest(spelled(X))


CHECKS = [
    "check_no_attributes_set_in_init", "check_do_not_raise_errors_in_init_or_set_params",
    "check_get_params_invariance", "check_set_params",
    "check_estimator_repr", "check_estimators_overwrite_params", "check_dict_unchanged",
    "check_dont_overwrite_parameters", "check_estimators_fit_returns_self", "check_estimators_pickle",
    "check_fit_idempotent", "check_fit_check_is_fitted", "check_methods_sample_order_invariance",
    "check_methods_subset_invariance", "check_classifiers_classes", "check_supervised_y_2d",
    "check_classifiers_regression_target", "check_valid_tag_types", "check_mixin_order",
    "check_readonly_memmap_input", "check_estimators_unfitted", "check_estimator_cloneable",
    "check_estimator_tags_renamed", "check_pipeline_consistency", "check_f_contiguous_array_estimator",
    "check_fit2d_1feature", "check_non_transformer_estimators_n_iter", "check_fit_score_takes_y",
    "check_supervised_y_no_nan",
]  # fmt: skip


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.parametrize("kind", [SpelledNeighbours, SpelledBayes, SpelledJaccard])
def test_checks_of_scikit_learn(kind, name):
    check = getattr(estimator_checks, name, None)
    if check is None:
        pytest.skip("not in this version of scikit-learn")
    check(kind.__name__, kind())


def test_defaults_of_neighbours():
    # Not of the others: a default that is a WordKind is of no type that the check knows.
    estimator_checks.check_parameters_default_constructible("SpelledNeighbours", SpelledNeighbours())
