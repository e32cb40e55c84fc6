"""Trials of the study of gene families: the sequences, the splits, the methods, and what was predicted.

Everything is named by the parameters (`pipelines/params/classify_families.yaml`). A trial is a method on one
split with one seed; it is kept under a key of the sequences, the split, the method and the version of
genoseq, so that a study that was stopped, or gets another method, does what is missing.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from kept import Kept
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier
from study import Steps, Study

import genoseq
from genoseq.errors import GenoseqWarning, UsageError
from genoseq.io.labelled import read_labelled
from genoseq.ncd.neighbours import NCDClassifier
from genoseq.ncd.relative import RelativeClassifier
from genoseq.ncd.rivals import JaccardClassifier, WordBayes
from genoseq.ncd.words import WordKind
from genoseq.supervised.comparison import MethodFigures, Trial, pooled, run_trial
from genoseq.supervised.homology import homology_clusters
from genoseq.supervised.runs import Run
from genoseq.supervised.splits import (
    Split,
    groups_of,
    isolated_split,
    linked,
    ordered_split,
    random_split,
    shuffled_split,
)

SPLITS = ("shuffled", "ordered", "clustered", "isolated")
METHODS = ("ncd", "relative", "majority", "bayes", "jaccard")
WARMING = 40  # sequences on which everything is compiled before the clock runs

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Genes:
    """All sequences of the study.

    Attributes
    ----------
    texts : list of str
    codes : list of ndarray
    classes : ndarray, shape (classes,)
        Names, sorted.
    labels : ndarray, shape (n,), dtype int64
        Place of the class of each sequence.
    species : ndarray, shape (n,)
        Names.
    """

    texts: list[str]
    codes: list[NDArray[np.uint8]]
    classes: NDArray[np.str_]
    labels: Numbers
    species: NDArray[np.str_]

    @property
    def names(self) -> list[str]:
        """Of the classes."""
        return self.classes.tolist()

    @classmethod
    def read(cls, folder: Path, params: dict[str, Any]) -> Genes:
        """Read the files that the parameters name."""
        parts = {name: read_labelled(folder / path) for name, path in params["files"].items()}
        names = [params["names"].get(label, label) for part in parts.values() for label in part.labels]
        classes, labels = np.unique(np.array(names), return_inverse=True)
        codes = [each for part in parts.values() for each in part.codes]
        texts = [text for part in parts.values() for text in part.texts]
        species = np.repeat(np.array(list(parts)), [len(part) for part in parts.values()])
        return cls(texts, codes, classes, labels.astype(np.int64), species)

    def of(self, species: list[str]) -> Numbers:
        """Numbers of the sequences of some species, in the order of the files."""
        for name in set(species) - set(self.species.tolist()):
            known = ", ".join(np.unique(self.species))
            raise UsageError(f"a split is of species {name!r}; there are {known}")
        return np.flatnonzero(np.isin(self.species, species))


def planned(genes: Genes, split: dict[str, Any], seeds: list[int]) -> list[Run]:
    """The runs of a split: one for each seed, if it is drawn."""
    if split["kind"] == "isolated":
        groups = groups_of(genes.codes)
        sides = genes.of(split["train"]), genes.of(split["test"])
        found = isolated_split(genes.labels, groups, *sides, classes=genes.names)
        return [Run(split["name"], 0, found)]
    if split["kind"] not in SPLITS:
        raise UsageError(f"split {split['name']}: kind {split['kind']!r}; {', '.join(SPLITS)} are possible")
    own = genes.of(split["species"])
    if split["kind"] == "clustered":
        codes = [genes.codes[number] for number in own]
        groups = linked(groups_of(codes), homology_clusters(codes))
    runs = []
    for seed in seeds:
        if split["kind"] == "shuffled":
            strata = np.array([split["species"].index(name) for name in genes.species[own]])
            found = shuffled_split(strata, test=split["test"], seed=seed)
        elif split["kind"] == "ordered":
            found = ordered_split(len(own), split["learn"], seed=seed)
        else:
            found = random_split(
                genes.labels[own], groups, validation=0, test=split["test"], seed=seed, classes=genes.names
            )
        parts = (own[part] for part in (found.train, found.validation, found.test))
        runs.append(Run(split["name"], seed, Split(*parts)))
    return runs


def method_of(params: dict[str, Any], threads: int) -> Any:
    """The estimator that a method names."""
    kind, options = params["kind"], {k: v for k, v in params.items() if k not in ("name", "kind")}
    if "words" in options:
        options["words"] = WordKind(*options["words"])
    if kind == "ncd":
        return NCDClassifier(**options, n_jobs=threads)
    if kind == "majority":
        return DummyClassifier(strategy="most_frequent")
    makers = {"relative": RelativeClassifier, "bayes": WordBayes, "jaccard": JaccardClassifier}
    if kind not in makers:
        raise UsageError(f"method {params['name']}: kind {kind!r}; {', '.join(METHODS)} are possible")
    return makers[kind](**options)


@dataclass
class Results:
    """What the methods said on one split.

    Attributes
    ----------
    name : str
    runs : list of Run
    trials : dict of str to list of Trial
        Of each method, one for each run.
    figures : dict of str to MethodFigures
        The same, pooled.
    """

    name: str
    runs: list[Run]
    trials: dict[str, list[Trial]] = field(default_factory=dict)
    figures: dict[str, MethodFigures] = field(default_factory=dict)


class Trials:
    """What was predicted so far, in a file of one line each."""

    def __init__(self, path: Path, genes: Genes, threads: int) -> None:
        self.genes, self.threads = genes, threads
        self.notes: set[str] = set()
        self._kept = Kept(path)
        self._warm: set[str] = set()

    def of(self, method: dict[str, Any], run: Run, steps: Steps) -> Trial:
        """The trial of a method on a split, done now if it was not."""
        key = self._key(method, run)
        kept = key in self._kept
        if not kept:
            self._kept.add(key, self._done(method, run))
        found = self._kept[key]
        right = (self.genes.labels[run.split.test] == np.array(found["predicted"])).mean()
        spent = f"{found['fit_seconds'] + found['query_seconds']:.1f} CPU s"
        steps.done(f"{run.name}, seed {run.seed}, {method['name']}: {right:.3f}, {spent}", kept=kept)
        self.notes |= {f"{method['name']}: {note}" for note in found["notes"]}
        seconds = found["fit_seconds"], found["query_seconds"]
        return Trial(run.name, run.split.test, np.array(found["predicted"], np.int64), *seconds)

    def _done(self, method: dict[str, Any], run: Run) -> dict[str, Any]:
        genes = self.genes
        if method["name"] not in self._warm:
            self._warm_up(method)
            self._warm.add(method["name"])
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", GenoseqWarning)
            trial = run_trial(method_of(method, self.threads), genes.texts, genes.classes, genes.labels, run)
        return {
            "method": method["name"], "split": run.name, "seed": run.seed,
            "notes": sorted({str(note.message) for note in told}),
            "fit_seconds": trial.fit_seconds, "query_seconds": trial.query_seconds,
            "predicted": trial.predicted.tolist(),
        }  # fmt: skip

    def _warm_up(self, method: dict[str, Any]) -> None:
        """Let a method compile, on a few sequences of every class."""
        first = np.unique(self.genes.labels, return_index=True)[1]
        some = np.union1d(first, np.arange(min(WARMING, len(self.genes.texts))))
        texts = [self.genes.texts[number] for number in some]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", GenoseqWarning)
            model = method_of(method, self.threads).fit(texts, self.genes.classes[self.genes.labels[some]])
            model.predict(texts)

    def _key(self, method: dict[str, Any], run: Run) -> str:
        settings = {name: value for name, value in method.items() if name != "name"}
        found = hashlib.sha256(json.dumps([genoseq.__version__, settings], sort_keys=True).encode())
        for part in (run.split.train, run.split.test):
            for number in part:
                label = self.genes.classes[self.genes.labels[number]]
                found.update(f"{self.genes.texts[number]}\t{label}\n".encode())
            found.update(b"\n")
        return found.hexdigest()


def compare(genes: Genes, study: Study, trials: Trials) -> list[Results]:
    """Every method on every split."""
    params = study.params
    everything = [
        Results(split["name"], planned(genes, split, params["seeds"])) for split in params["splits"]
    ]
    steps = Steps(study, len(params["methods"]) * sum(len(each.runs) for each in everything))
    for each in everything:
        for method in params["methods"]:
            name = method["name"]
            each.trials[name] = [trials.of(method, run, steps) for run in each.runs]
            each.figures[name] = pooled(name, each.trials[name], genes.labels, genes.names)
    return everything
