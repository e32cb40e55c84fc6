"""Relative compression against gzip and simple rivals, on gene families.

    python benchmarks/ncd/relative.py ../shared/data/families --what dog human clustered
    python benchmarks/ncd/relative.py ../shared/data/families --what unknown speed

    dog         656 sequences of the dog to learn, 164 to judge by, drawn anew for each seed
    human       3,504 and 876 of human
    clustered   human, with whatever resembles each other on one side (`homology_clusters`)
    unknown     each family of the dog in turn is not learned: is it noticed?
    speed       1,000 human sequences under a fitted model of seven classes, read from its folder

Everything is chosen by splits of seeds from 10 on; what is shown is of seeds 0, 1, 2. Dog and human genes of
this data are coding sequences, most of them whole. A pair of gzip takes some 0.3 ms: --gzip 100 asks it for
100 of the test sequences of each split, drawn by chance, and "sequences" tells how many were judged in all.
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
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.naive_bayes import MultinomialNB

from genoseq.ncd.dictionaries import DictionaryClassifier
from genoseq.ncd.folder import load_relative, save_relative
from genoseq.ncd.frames import reading_frame
from genoseq.ncd.relative import DNA, RelativeClassifier
from genoseq.ncd.words import WordKind
from genoseq.sequence import encode
from genoseq.supervised.homology import homology_clusters
from genoseq.supervised.metrics import auroc
from genoseq.supervised.splits import random_split

Numbers = NDArray[np.int64]
SEEDS = (0, 1, 2)
GZIP_FRAME = 12  # bytes that gzip writes more than zlib; the deflated data are the same


class Data:
    """Sequences of a species, with the words of its rivals counted once."""

    def __init__(self, folder: Path, species: str) -> None:
        with gzip.open(folder / f"{species}.tsv.gz", "rt") as lines:
            rows = [line.rstrip("\n").split("\t") for line in lines][1:]
        self.texts = [row[0] for row in rows]
        self.labels = np.array([int(row[1]) for row in rows])
        self.codes = [encode(text) for text in self.texts]
        self.residues = [reading_frame(codes, both_strands=False) for codes in self.codes]

    def table(self, kind: WordKind) -> csr_matrix:
        """Counts of words: (n, words that occur)."""
        words = [kind.words(*each) for each in zip(self.codes, self.residues, strict=True)]
        words = [each[each >= 0] for each in words]
        ends = np.concatenate([[0], np.cumsum([len(each) for each in words])])
        _, columns = np.unique(np.concatenate(words), return_inverse=True)
        table = csr_matrix((np.ones(len(columns), np.float32), columns, ends))
        table.sum_duplicates()
        return table

    def some(self, numbers: Numbers) -> list[str]:
        return [self.texts[number] for number in numbers]


Rival = Callable[[Numbers, Numbers], NDArray[np.int64]]


def gzip_neighbour(data: Data) -> Rival:
    """1-NN by NCD, sequences joined by a space; of equal distances the first."""

    def predict(train: Numbers, test: Numbers) -> NDArray[np.int64]:
        def size(text: str) -> int:
            return len(zlib.compress(text.encode(), 9)) + GZIP_FRAME

        known = [(text, size(text)) for text in data.some(train)]
        nearest = []
        for text in data.some(test):
            own = size(text)
            pairs = [(size(f"{text} {other}"), other_size) for other, other_size in known]
            nearest.append(np.argmin([(both - min(own, c)) / max(own, c) for both, c in pairs]))
        return data.labels[train][nearest]

    return predict


def jaccard_neighbour(data: Data, kind: WordKind) -> Rival:
    has = (data.table(kind) > 0).astype(np.float32)
    sizes = np.asarray(has.sum(1)).ravel()

    def predict(train: Numbers, test: Numbers) -> NDArray[np.int64]:
        shared = (has[test] @ has[train].T).toarray()
        union = sizes[test][:, None] + sizes[train][None] - shared
        return data.labels[train][(shared / np.maximum(union, 1)).argmax(1)]

    return predict


def naive_bayes(data: Data, kind: WordKind) -> Rival:
    counts = data.table(kind)
    return lambda train, test: (
        MultinomialNB(alpha=0.1).fit(counts[train], data.labels[train]).predict(counts[test])
    )


def majority(data: Data) -> Rival:
    return lambda train, test: np.full(len(test), np.bincount(data.labels[train]).argmax())


def relative(data: Data, model: RelativeClassifier) -> Rival:
    return lambda train, test: model.fit(data.some(train), data.labels[train]).predict(data.some(test))


def relative_of_proteins(data: Data) -> Rival:
    """The proteins alone, as if nothing was known of the bases."""
    model = RelativeClassifier(alphabet="protein")

    def predict(train: Numbers, test: Numbers) -> NDArray[np.int64]:
        model.fit([data.residues[number] for number in train], data.labels[train])
        return model.predict([data.residues[number] for number in test])

    return predict


def dictionaries(data: Data, model: DictionaryClassifier) -> Rival:
    return lambda train, test: model.fit(data.some(train), data.labels[train]).predict(data.some(test))


def context_model(data: Data) -> Rival:
    """The class under whose context model of bases alone a sequence costs least."""

    def predict(train: Numbers, test: Numbers) -> NDArray[np.int64]:
        model = RelativeClassifier(DNA).fit(data.some(train), data.labels[train])
        return model.classes_[model.bits_per_base(data.some(test)).argmin(1)]

    return predict


def compare(data: Data, splits: list[tuple[Numbers, Numbers]], *, asked: int, only: bool) -> None:
    """Print the accuracy of each method on each split."""
    train, test = splits[0]
    print(f"{len(train):,} to learn, {len(test):,} to judge by\n")
    seeds = " | ".join(f"seed {seed}" for seed in SEEDS)
    print(f"| accuracy | {seeds} | mean | sequences | log loss | s a split |")
    print("|---" * (len(SEEDS) + 5) + "|")
    methods: dict[str, Rival] = {
        "relative": relative(data, RelativeClassifier()),
        'relative, `leave_out="one"`': relative(data, RelativeClassifier(leave_out="one")),
        "relative, both strands": relative(data, RelativeClassifier(both_strands=True)),
        "relative, words of DNA": relative(data, RelativeClassifier(DNA)),
        "relative, proteins": relative_of_proteins(data),
        "least bits/base, context models of DNA": context_model(data),
        "zstd, dictionaries of DNA": dictionaries(data, DictionaryClassifier()),
        "zstd, dictionaries of proteins": dictionaries(data, DictionaryClassifier(translated=True)),
        "Jaccard 1-NN, protein 4-mers": jaccard_neighbour(data, WordKind("protein", 4)),
        "Jaccard 1-NN, DNA 11-mers": jaccard_neighbour(data, WordKind("dna", 11)),
        "naive Bayes, protein 4-mers": naive_bayes(data, WordKind("protein", 4)),
        "naive Bayes, DNA 9-mers": naive_bayes(data, WordKind("dna", 9)),
        "gzip NCD, 1-NN": gzip_neighbour(data),
        "majority": majority(data),
    }
    for name, predict in methods.items():
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
            found.append(float((predict(train, judged) == data.labels[judged]).mean()))
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
    orders = [np.random.default_rng(seed).permutation(len(data.labels)) for seed in SEEDS]
    return [(order[:learned], order[learned:]) for order in orders]


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
