"""Classifiers side by side, on the same splits.

A method is a scikit-learn classifier of sequences. For each split a fresh copy of it learns from the training
part and is asked for the test part, once; nothing is chosen by the test, and a validation part, if the split
has one, is not used. Over the splits the predictions are pooled: one confusion matrix, from which all figures
follow. Where a sequence is in the test of several splits (several seeds) its predictions all count for the
figure, and once for the interval.

    runs = planned_runs(*joined(data), data.classes, seed=1, folds=5, validation=0)
    found = compare({"relative": RelativeClassifier(), **rivals()}, data.texts, data.labels, runs)
    print(found.markdown())
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import clone

from genoseq.errors import InputError, UsageError
from genoseq.supervised.metrics import Metrics, confusion_matrix, measure_confusion
from genoseq.supervised.runs import Run

__all__ = ["Comparison", "MethodFigures", "Trial", "compare", "pooled", "run_trial"]

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Trial:
    """What a method said of the test part of one split.

    Attributes
    ----------
    split : str
    tested : ndarray, shape (n,), dtype int64
        Numbers of the sequences.
    predicted : ndarray, shape (n,), dtype int64
        Their classes, as places among all classes.
    fit_seconds, query_seconds : float
        CPU seconds of this process and all its threads, to learn and to predict all.
    """

    split: str
    tested: Numbers
    predicted: Numbers
    fit_seconds: float
    query_seconds: float


@dataclass(frozen=True)
class MethodFigures:
    """What a method is worth on some splits.

    Attributes
    ----------
    method : str
    metrics : Metrics
        Of all predictions. Without an AUROC: only the classes that are predicted count.
    accuracies : tuple of float
        Of each split.
    fit_seconds : float
        CPU seconds to learn, mean of the splits.
    query_seconds : float
        CPU seconds a query.
    """

    method: str
    metrics: Metrics
    accuracies: tuple[float, ...]
    fit_seconds: float
    query_seconds: float

    def to_dict(self) -> dict[str, object]:
        """As plain values."""
        return {
            "method": self.method, **self.metrics.to_dict(), "accuracies": list(self.accuracies),
            "fit_cpu_seconds": self.fit_seconds, "query_cpu_seconds": self.query_seconds,
        }  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """Methods on the same splits.

    Attributes
    ----------
    classes : tuple of str
    splits : tuple of str
        Their names.
    sizes : tuple of (int, int)
        Sequences to learn from and to judge by, of each split.
    methods : tuple of MethodFigures
    """

    classes: tuple[str, ...]
    splits: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]
    methods: tuple[MethodFigures, ...]

    columns = ("method", "accuracy", "balanced accuracy", "macro F1", "fit, CPU s", "query, CPU ms")
    """Names of the columns of `table`; those of the splits follow."""

    def of(self, method: str) -> MethodFigures:
        """The figures of a method.

        Raises
        ------
        UsageError
            If none is called so.
        """
        for each in self.methods:
            if each.method == method:
                return each
        known = ", ".join(each.method for each in self.methods)
        raise UsageError(f"no method is called {method!r}; there are {known}")

    def table(self) -> tuple[list[str], list[list[str]]]:
        """Columns and rows of a table: figures with 95 % intervals, and the accuracy on each split."""
        rows = []
        for each in self.methods:
            found = each.metrics
            figures = [str(value) for value in (found.accuracy, found.balanced_accuracy, found.macro_f1)]
            seconds = [f"{each.fit_seconds:.2f}", f"{1000 * each.query_seconds:.2f}"]
            rows.append([each.method, *figures, *seconds, *(f"{share:.3f}" for share in each.accuracies)])
        return [*self.columns, *self.splits], rows

    def markdown(self) -> str:
        """The table for a page."""
        columns, rows = self.table()
        return "\n".join(f"| {' | '.join(row)} |" for row in (columns, ["---"] * len(columns), *rows)) + "\n"

    def to_dict(self) -> dict[str, object]:
        """As plain values, for JSON."""
        splits = [
            {"split": name, "train": train, "test": test}
            for name, (train, test) in zip(self.splits, self.sizes, strict=True)
        ]
        methods = [each.to_dict() for each in self.methods]
        return {"classes": list(self.classes), "splits": splits, "methods": methods}


def compare(
    methods: Mapping[str, Any],
    sequences: Sequence[str],
    labels: Sequence[str] | npt.NDArray[Any],
    runs: Iterable[Run],
    *,
    progress: Callable[[int], None] | None = None,
    seed: int = 1,
) -> Comparison:
    """Try every method on every split.

    Parameters
    ----------
    methods
        scikit-learn classifiers by name; they are copied, not changed.
    sequences, labels
        One label for each sequence, text or numbers.
    runs
        The splits (`genoseq.supervised.runs`, or others with names).
    progress
        Called with how many sequences were tested since it was called last, by one method.
    seed
        Of the bootstrap.

    Raises
    ------
    UsageError
        If there is nothing to compare, or the numbers do not fit.
    InputError
        If there is one class only. What the methods raise gets the name of method and split.
    """
    classes, numbers = np.unique(np.asarray(labels), return_inverse=True)
    names = tuple(str(name) for name in classes)
    planned = list(runs)
    if len(numbers) != len(sequences):
        raise UsageError(f"{len(sequences)} sequences and {len(numbers)} labels; one each is needed")
    if not methods or not planned:
        raise UsageError(f"{len(methods)} methods on {len(planned)} splits: nothing to compare")
    if len(names) < 2:
        raise InputError(f"{len(names)} class{'es' if not names else ''}; two or more are told apart")
    figures = []
    for name, method in methods.items():
        trials = []
        for run in planned:
            trials.append(_tried(name, method, sequences, classes, numbers, run))
            if progress is not None:
                progress(len(run.split.test))
        figures.append(pooled(name, trials, numbers, names, seed=seed))
    sizes = tuple((len(run.split.train), len(run.split.test)) for run in planned)
    return Comparison(names, tuple(run.name for run in planned), sizes, tuple(figures))


def run_trial(
    method: Any, sequences: Sequence[str], classes: npt.NDArray[Any], numbers: Numbers, run: Run
) -> Trial:
    """Fit a copy of a classifier on the training part of a split, and ask it for the test part.

    Parameters
    ----------
    method
        A scikit-learn classifier.
    sequences
    classes
        Labels, sorted.
    numbers
        int64 (n,), place of the label of each sequence among `classes`.
    run

    Raises
    ------
    UsageError
        If it predicts what is no class, say "none of these".
    """
    train, test = run.split.train, run.split.test
    start = time.process_time()
    model = clone(method).fit([sequences[number] for number in train], classes[numbers[train]])
    fitted = time.process_time()
    said = np.asarray(model.predict([sequences[number] for number in test]))
    done = time.process_time()
    places = np.minimum(np.searchsorted(classes, said), len(classes) - 1)
    others = said[classes[places] != said]
    if len(others):
        raise UsageError(
            f"predicted {str(others[0])!r}, which is no class; compare methods that do not reject"
        )
    return Trial(run.name, test, places.astype(np.int64), fitted - start, done - fitted)


def pooled(
    method: str, trials: Sequence[Trial], numbers: Numbers, classes: Sequence[str], *, seed: int = 1
) -> MethodFigures:
    """Figures of a method over all splits.

    Parameters
    ----------
    method
        Its name.
    trials
        At least one.
    numbers
        int64 (n,), true class of every sequence.
    classes
        Their names.
    seed
        Of the bootstrap.
    """
    tested = np.concatenate([trial.tested for trial in trials])
    predicted = np.concatenate([trial.predicted for trial in trials])
    confusion = confusion_matrix(numbers[tested], predicted, len(classes))
    metrics = measure_confusion(confusion, classes, samples=len(np.unique(tested)), seed=seed)
    accuracies = tuple(float((numbers[each.tested] == each.predicted).mean()) for each in trials)
    fit = sum(trial.fit_seconds for trial in trials) / len(trials)
    query = sum(trial.query_seconds for trial in trials) / len(tested)
    return MethodFigures(method, metrics, accuracies, fit, query)


def _tried(
    name: str, method: Any, sequences: Sequence[str], classes: npt.NDArray[Any], numbers: Numbers, run: Run
) -> Trial:
    try:
        return run_trial(method, sequences, classes, numbers, run)
    except (InputError, UsageError) as error:
        if type(error) not in (InputError, UsageError):
            raise
        raise type(error)(f"{name}, {run.name}: {error}") from error
