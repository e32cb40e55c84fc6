"""What the classifiers of texts share: what they tell scikit-learn, and how they take labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d

from genoseq.errors import InputError, UsageError

if TYPE_CHECKING:
    from sklearn.utils import Tags  # 1.6 and later

__all__ = ["TextClassifier", "numbered", "numbered_as_scikit_learn"]

Numbered = tuple[NDArray[Any], NDArray[np.int64]]


class TextClassifier(ClassifierMixin, BaseEstimator):
    """A scikit-learn classifier of a list of texts."""

    def __sklearn_tags__(self) -> Tags:
        """For scikit-learn 1.6 and later."""
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags


def numbered(y: ArrayLike, count: int) -> Numbered:
    """Classes, sorted, and the number of that of each sequence: int64 (n,).

    Raises
    ------
    UsageError
        If there are not as many labels as sequences.
    InputError
        If there is one class only.
    """
    labels = np.asarray(y)
    if labels.shape != (count,):
        raise UsageError(f"{count} sequences and labels of shape {labels.shape}: one each is needed")
    classes, numbers = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        found = f"only class {classes[0]}" if count else "no sequences"
        raise InputError(f"{found}: at least two classes are needed to tell apart")
    return classes, numbers.astype(np.int64)


def numbered_as_scikit_learn(y: ArrayLike, texts: list[Any]) -> Numbered:
    """The same with the checks of scikit-learn, which has errors of its own for labels.

    Raises
    ------
    ValueError
        If `y` is not as many labels of classes.
    InputError
        If there is one class only.
    """
    check_consistent_length(texts, y)
    labels = column_or_1d(y, warn=True)
    assert_all_finite(labels, input_name="y")
    check_classification_targets(labels)
    classes, numbers = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        found = f"one class ({classes[0]})" if len(texts) else "no sequences"
        raise InputError(f"{found} to learn from; two classes or more are expected")
    return classes, numbers
