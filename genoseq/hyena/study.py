"""A study: fine-tune on labelled sequences, as often as asked for, and say what it is worth.

A run is one split and one seed. Several seeds repeat everything, the draw of the parts too, unless the user
gave the parts; folds let each sequence be tested once. In every run two rivals see the same parts:

    linear probe        a logistic regression on the vectors of the model before fine-tuning
    6-mer regression    a logistic regression on 6-mers, of one strand or of both, whichever the validation
                        part likes better

All three are judged on the test part, or, if there is none, on the validation part, which chose them: such
figures flatter, and are marked as what they are.

The folder of a study holds the classifier of the run with the least validation loss, its ``predictions.tsv``,
and ``report.json`` of all runs. A study that was stopped goes on with the run where it was, nearly with the
epoch.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genoseq.errors import CheckpointError
from genoseq.hyena.examples import Examples
from genoseq.hyena.finetune import CHECKPOINT, Tuning, fine_tune, logits_of
from genoseq.hyena.heads import Head, save_classifier, vectors_of
from genoseq.hyena.hyenadna import HyenaDNA
from genoseq.hyena.model import HyenaNetwork
from genoseq.hyena.tokenizer import tokens_of
from genoseq.io.labelled import Labelled
from genoseq.io.table import write_json, write_tsv
from genoseq.supervised.kmers import fit_kmers
from genoseq.supervised.metrics import measure
from genoseq.supervised.regression import Regression, fit_regression, softmax
from genoseq.supervised.runs import Run
from genoseq.supervised.splits import Split

__all__ = ["KMERS", "PROBE", "REPORT", "TUNED", "Study", "summary"]

REPORT = "report.json"
PROBE, KMERS, TUNED = "linear probe", "6-mer regression", "fine-tuned"
"""The methods, by the names that they have in a report."""

PREDICTIONS = "predictions.tsv"

_SHOWN = 80  # letters of a value in a message

Log = Callable[[dict[str, Any]], None]


class Study:
    """Runs of fine-tuning on one set of sequences.

    Parameters
    ----------
    network : HyenaNetwork
        The language model, on its device.
    data : Labelled
    head : Head
    plan : Tuning
        Its seed is replaced by that of each run.
    rivals : bool
        Fit the regression on 6-mers.
    log : callable, optional
        Receives a mapping for each epoch and each run.
    """

    def __init__(
        self,
        network: HyenaNetwork,
        data: Labelled,
        head: Head,
        plan: Tuning,
        *,
        rivals: bool = True,
        log: Log | None = None,
    ) -> None:
        self.network, self.data, self.head, self.plan, self.rivals = network, data, head, plan, rivals
        self.log = log or (lambda line: None)
        self.examples = Examples([tokens_of(codes) for codes in data.codes], data.numbers(head.classes))
        self._vectors: NDArray[np.float32] | None = None

    def run(self, runs: Sequence[Run], folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
        """Do the runs that are not done yet; returns the report.

        Parameters
        ----------
        settings : dict
            What the study is made from, for the report: plain values. A folder with others is refused.

        Raises
        ------
        CheckpointError
            If the folder holds another study.
        """
        settings = {
            **settings, "head": {**dataclasses.asdict(self.head), "classes": list(self.head.classes)},
            "tuning": dataclasses.asdict(self.plan), "rivals": self.rivals,
            "runs": [run.name for run in runs], "sequences": self._digest(),
        }  # fmt: skip
        folder.mkdir(parents=True, exist_ok=True)
        report = _begun(folder / REPORT, settings)
        write_json(folder / REPORT, report)
        for run in runs[len(report["runs"]) :]:
            least = min((done["validation_loss"] for done in report["runs"]), default=math.inf)
            found = self._run(run, folder, least)
            (folder / CHECKPOINT).unlink(missing_ok=True)
            report["runs"].append(found)
            report["kept"] = min(report["runs"], key=lambda run: run["validation_loss"])["run"]
            report["summary"] = summary(report["runs"])
            write_json(folder / REPORT, report)
        return report

    def _run(self, run: Run, folder: Path, least: float) -> dict[str, Any]:
        """One run; saves the classifier if its validation loss is below `least`."""
        parts = {name: getattr(run.split, name) for name in ("train", "validation", "test")}
        sizes = {name: len(numbers) for name, numbers in parts.items()}
        judged = "test" if sizes["test"] else "validation"
        probe = self._probe(run.split)
        tuned = fine_tune(
            self.network, self.head, dataclasses.replace(self.plan, seed=run.seed),
            self.examples.take(run.split.train), self.examples.take(run.split.validation), probe,
            log=lambda line: self.log({"run": run.name, **line}), folder=folder,
        )  # fmt: skip
        numbers = parts[judged]
        truth, vectors = self.examples.labels[numbers], self._all_vectors()[numbers]
        logits = logits_of(tuned.classifier, self.examples.take(numbers), self.plan.precision)
        predictions = {TUNED: softmax(logits), PROBE: probe.probabilities(vectors)}
        if self.rivals:
            codes, labels = self.data.codes, self.examples.labels
            kmers = fit_kmers(codes, labels, run.split, len(self.head.classes), balanced=self.plan.balanced)
            predictions[KMERS] = kmers.probabilities([codes[number] for number in numbers])
        figures = {
            name: measure(truth, each, self.head.classes, seed=run.seed) for name, each in predictions.items()
        }
        if tuned.loss < least:
            save_classifier(tuned.classifier, folder)
            self._write_predictions(folder, run, judged, predictions[TUNED])
        self.log({"run": run.name, **{name: str(each.accuracy) for name, each in figures.items()}})
        return {
            "run": run.name, "seed": run.seed, **sizes, "judged_on": judged, "validation_loss": tuned.loss,
            "figures": {name: each.to_dict() for name, each in figures.items()}, "history": tuned.history,
        }  # fmt: skip

    def _probe(self, split: Split) -> Regression:
        vectors, labels = self._all_vectors(), self.examples.labels
        train, validation = ((vectors[part], labels[part]) for part in (split.train, split.validation))
        return fit_regression(train, validation, len(self.head.classes), balanced=self.plan.balanced)

    def _all_vectors(self) -> NDArray[np.float32]:
        """Vectors of all sequences before fine-tuning: float32 (n, channels)."""
        if self._vectors is None:
            context = HyenaDNA(self.network, precision=self.plan.precision).inference
            found = list(vectors_of(self.network, self.examples.tokens, self.head, context))
            self._vectors = np.stack(found)
        return self._vectors

    def _write_predictions(
        self, folder: Path, run: Run, judged: str, probabilities: NDArray[np.float64]
    ) -> None:
        """A table of what the classifier that is kept said of the sequences that judge it."""
        classes, numbers = self.head.classes, getattr(run.split, judged)
        rows = (
            [self.data.names[number], judged, self.data.labels[number], classes[row.argmax()], *row]
            for number, row in zip(numbers, probabilities, strict=True)
        )
        write_tsv(
            folder / PREDICTIONS, ["name", "part", "truth", "label", *(f"p_{name}" for name in classes)], rows
        )

    def _digest(self) -> str:
        """A hash of sequences and labels."""
        found = hashlib.sha256()
        for codes, label in zip(self.data.codes, self.data.labels, strict=True):
            found.update(len(codes).to_bytes(8, "little") + codes.tobytes() + label.encode() + b"\0")
        return found.hexdigest()


def summary(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean and standard deviation over the runs, of each figure of each method.

    Returns
    -------
    dict
        Method -> figure -> {"mean", "sd"}; the deviation of one run is NaN.
    """
    found: dict[str, Any] = {}
    for method in runs[0]["figures"]:
        names = [name for name, value in runs[0]["figures"][method].items() if _is_figure(value)]
        found[method] = {}
        for name in names:
            values = [run["figures"][method][name][0] for run in runs]
            deviation = statistics.stdev(values) if len(values) > 1 else math.nan
            found[method][name] = {"mean": statistics.fmean(values), "sd": deviation}
    return found


def _begun(path: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """The report of a study that was begun in a folder, or a new one."""
    if not path.exists():
        return {"settings": settings, "kept": None, "runs": [], "summary": {}}
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        stored, runs, summed = _flat(report["settings"]), report["runs"], report["summary"]
        if not all(math.isfinite(run["validation_loss"]) for run in list(runs)):
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{path}: not the report of a study; name another folder") from error
    now = _flat(json.loads(json.dumps(settings)))
    for name in {**now, **stored}:
        if stored.get(name) != now.get(name):
            raise CheckpointError(
                f"{path}: the study in this folder has {name} {_short(stored.get(name))}, this one "
                f"{_short(now.get(name))}; name another folder, or delete it"
            )
    return {"settings": settings, "kept": report.get("kept"), "runs": runs, "summary": summed}


def _is_figure(value: object) -> bool:
    """Whether a value of a report is a figure with its interval; the confusion matrix is not."""
    return isinstance(value, list) and len(value) == 3 and not isinstance(value[0], list)


def _flat(settings: dict[str, Any]) -> dict[str, Any]:
    """Settings with those of each part by names of their own: ``tuning.epochs``."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        parts = {f"{name}.{part}": each for part, each in value.items()} if isinstance(value, dict) else None
        found |= parts if parts is not None else {name: value}
    return found


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}.."
