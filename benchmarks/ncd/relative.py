"""Relative compression against gzip and simple rivals, on gene families.

    python benchmarks/ncd/relative.py ../shared/data/families --what dog human clustered
    python benchmarks/ncd/relative.py ../shared/data/families --what unknown speed

    dog         656 sequences of the dog to learn, 164 to judge by, drawn anew for each seed
    human       3,504 and 876 of human
    clustered   human, with whatever resembles each other on one side (`homology_clusters`)
    unknown     each family of the dog in turn is not learned: is it noticed?
    speed       1,000 human sequences under a fitted model of seven classes, read from its folder

Everything is chosen by splits of seeds from 10 on; what is shown is of seeds 0, 1, 2. Dog and human genes of
this data are coding sequences, most of them whole. --gzip 100 asks gzip for 100 of the test sequences of each
split, drawn by chance, and "sequences" tells how many were judged in all; the human split in full takes it
45 s of one core.
"""

from __future__ import annotations

import argparse
import gzip
import json
import platform
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from genoseq.errors import GenoseqWarning
from genoseq.ncd.dictionaries import DictionaryClassifier
from genoseq.ncd.frames import reading_frame
from genoseq.ncd.neighbours import NCDClassifier
from genoseq.ncd.relative import DNA, RelativeClassifier
from genoseq.ncd.relative_folder import load_relative, save_relative
from genoseq.ncd.rivals import WordBayes, rivals
from genoseq.ncd.words import WordKind
from genoseq.protein import decode_protein
from genoseq.sequence import encode
from genoseq.supervised.homology import homology_clusters
from genoseq.supervised.metrics import auroc
from genoseq.supervised.splits import ordered_split, random_split

Numbers = NDArray[np.int64]
SEEDS = (0, 1, 2)


class Data:
    """Sequences of a species."""

    def __init__(self, folder: Path, species: str) -> None:
        with gzip.open(folder / f"{species}.tsv.gz", "rt") as lines:
            rows = [line.rstrip("\n").split("\t") for line in lines][1:]
        self.texts = [row[0] for row in rows]
        self.labels = np.array([int(row[1]) for row in rows])
        self.codes = [encode(text) for text in self.texts]

    def some(self, numbers: Numbers) -> list[str]:
        return [self.texts[number] for number in numbers]


class LeastBits(ClassifierMixin, BaseEstimator):
    """The class under whose context model of bases alone a sequence costs least."""

    def fit(self, X: list[str], y: Numbers) -> LeastBits:
        self.model_ = RelativeClassifier(DNA).fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X: list[str]) -> Numbers:
        return self.classes_[self.model_.bits_per_base(X).argmin(1)]


def proteins(texts: list[str]) -> list[str]:
    """What genes code for, as if nothing was known of the bases."""
    return [decode_protein(reading_frame(encode(text), both_strands=False)) for text in texts]


def compare(data: Data, splits: list[tuple[Numbers, Numbers]], *, asked: int, only: bool) -> None:
    """Print the accuracy of each method on each split."""
    train, test = splits[0]
    print(f"{len(train):,} to learn, {len(test):,} to judge by\n")
    seeds = " | ".join(f"seed {seed}" for seed in SEEDS)
    print(f"| accuracy | {seeds} | mean | sequences | log loss | s a split |")
    print("|---" * (len(SEEDS) + 5) + "|")
    methods = {
        "relative": RelativeClassifier(),
        'relative, `leave_out="one"`': RelativeClassifier(leave_out="one"),
        "relative, both strands": RelativeClassifier(both_strands=True),
        "relative, words of DNA": RelativeClassifier(DNA),
        "least bits/base, context models of DNA": LeastBits(),
        "naive Bayes, protein 4-mers": WordBayes(WordKind("protein", 4)),
        "relative, proteins": make_pipeline(
            FunctionTransformer(proteins), RelativeClassifier(alphabet="protein")
        ),
        "zstd, dictionaries of DNA": DictionaryClassifier(),
        "zstd, dictionaries of proteins": DictionaryClassifier(translated=True),
        "gzip NCD, 1-NN": NCDClassifier(),
        **rivals(),
    }
    for name, method in methods.items():
        is_gzip = name.startswith("gzip")
        if (is_gzip and not asked) or (only and not is_gzip):
            continue
        found, losses, judged_in_all = [], [], 0
        start = time.process_time()
        for seed, (train, test) in zip(SEEDS, splits, strict=True):
            judged = test
            if is_gzip and asked < len(test):
                judged = np.random.default_rng(seed).choice(test, asked, replace=False)
            judged_in_all += len(judged)
            model = method.fit(data.some(train), data.labels[train])
            found.append(float((model.predict(data.some(judged)) == data.labels[judged]).mean()))
        seconds = (time.process_time() - start) / len(SEEDS)
        if name == "relative":
            for train, test in splits:
                model = RelativeClassifier().fit(data.some(train), data.labels[train])
                shares = model.predict_proba(data.some(test))
                losses.append(-np.log(shares[np.arange(len(test)), data.labels[test]]).mean())
        cells = [f"{share:.3f}" for share in (*found, np.mean(found))]
        loss = f"{np.mean(losses):.3f}" if losses else ""
        print(f"| {name} | {' | '.join(cells)} | {judged_in_all} | {loss} | {seconds:.1f} |", flush=True)
    print()


def drawn(data: Data, learned: int) -> list[tuple[Numbers, Numbers]]:
    splits = [ordered_split(len(data.labels), learned, seed=seed) for seed in SEEDS]
    return [(split.train, split.test) for split in splits]


def unknown(data: Data) -> None:
    """A family that was not learned: how it is told from those that were."""
    print("| family left out | AUROC, evidence | AUROC, highest probability | known, kept | new, noticed |")
    print("|---|---|---|---|---|")
    rows = []
    for family in range(7):
        order = np.random.default_rng(family).permutation(len(data.labels))
        train, test = order[164:], order[:164]
        train, test = (part[data.labels[part] != family] for part in (train, test))
        new = np.flatnonzero(data.labels == family)
        model = RelativeClassifier(reject=0.05).fit(data.some(train), data.labels[train])
        judged = data.some(np.concatenate([test, new]))
        is_old = np.arange(len(judged)) < len(test)
        kept = model.accepts(judged)
        highest = model.predict_proba(judged).max(1)
        areas = [auroc(is_old, scores).value for scores in (model.evidence(judged), highest)]
        rows.append([*areas, kept[is_old].mean(), 1 - kept[~is_old].mean()])
        print(f"| {family} | {' | '.join(f'{cell:.3f}' for cell in rows[-1])} |", flush=True)
    print(f"| mean | {' | '.join(f'{cell:.3f}' for cell in np.mean(rows, 0))} |\n")


def speed(data: Data, folder: Path) -> None:
    """Time and memory, in a process of its own that reads the model and classifies."""
    with tempfile.TemporaryDirectory() as place:
        start = time.process_time()
        model = RelativeClassifier().fit(data.texts, data.labels)
        print(f"fitted on {len(data.texts):,} sequences in {time.process_time() - start:.1f} CPU s")
        save_relative(model, Path(place) / "model")
        size = sum(path.stat().st_size for path in (Path(place) / "model").iterdir())
        command = [sys.executable, __file__, str(folder), "--child", str(Path(place) / "model")]
        subprocess.run(command, check=True, stdout=subprocess.PIPE)  # compiles
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    print(f"a folder of {size / 1e6:.1f} MB, read in {found['read']:.2f} s")
    print(
        f"1,000 sequences, {found['bases']:,} bp, 7 classes: {found['wall']:.2f} s on one core "
        f"({found['cpu']:.2f} CPU s), peak memory {found['peak']:.2f} GiB in all\n"
    )


def child(folder: Path, model: str) -> None:
    """Read a model, classify 1,000 sequences, tell what it took."""
    with gzip.open(folder / "human.tsv.gz", "rt") as lines:
        texts = [line.split("\t")[0] for line in lines][1:]
    texts = [texts[number] for number in np.random.default_rng(0).choice(len(texts), 1000, replace=False)]
    start = time.perf_counter()
    classifier = load_relative(model)
    read = time.perf_counter() - start
    classifier.predict(texts[:1])
    wall, cpu = time.perf_counter(), time.process_time()
    classifier.predict_proba(texts)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    bases = sum(map(len, texts))
    print(json.dumps({"read": read, "wall": wall, "cpu": cpu, "peak": peak / 2**30, "bases": bases}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FAMILIES", help="with dog.tsv.gz and human.tsv.gz")
    choices = ("dog", "human", "clustered", "unknown", "speed")
    parser.add_argument("--what", nargs="+", choices=choices, default=choices)
    parser.add_argument(
        "--gzip", type=int, default=876, metavar="N", help="test sequences of a split, at most"
    )
    parser.add_argument("--only-gzip", action="store_true", help="no other method")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    warnings.simplefilter("ignore", GenoseqWarning)  # sequences that pass the window of gzip
    if args.child:
        child(args.folder, args.child)
        return
    print(f"{platform.processor() or platform.machine()}; command: python {' '.join(sys.argv)}\n")
    dog, human = (
        Data(args.folder, species) if set(args.what) & needs else None
        for species, needs in (("dog", {"dog", "unknown"}), ("human", {"human", "clustered", "speed"}))
    )
    if dog and "dog" in args.what:
        print("Dog, drawn by chance")
        compare(dog, drawn(dog, 656), asked=args.gzip, only=args.only_gzip)
    if human and "human" in args.what:
        print("Human, drawn by chance")
        compare(human, drawn(human, 3504), asked=args.gzip, only=args.only_gzip)
    if human and "clustered" in args.what:
        clusters = homology_clusters(human.codes)
        largest = np.sort(np.bincount(clusters))[-1]
        print(f"Human, {clusters.max() + 1} clusters of up to {largest}")
        splits = [random_split(human.labels, clusters, validation=0, test=0.2, seed=seed) for seed in SEEDS]
        compare(human, [(split.train, split.test) for split in splits], asked=args.gzip, only=args.only_gzip)
    if dog and "unknown" in args.what:
        unknown(dog)
    if human and "speed" in args.what:
        speed(human, args.folder)


if __name__ == "__main__":
    main()
