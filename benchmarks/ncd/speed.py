"""How fast NCD is: the paper's way, the same distances without its waste, and the prefilter.

    python benchmarks/ncd/speed.py human.tsv.gz --pairs 60000        two minutes
    python benchmarks/ncd/speed.py human.tsv.gz                      everything: 876 x 3504 pairs, 15 minutes

The paper compresses x, y and both together for every pair (`gzip.compress` three times). What it gives is
compared with the matrix of genoseq, number by number. The two take turns, in rounds of one query each, and a
ratio is that of CPU seconds; what is done once for all queries ("prepared") is in the figures, in the share
of the queries that were measured. The classifiers then go through all queries, or as many as `--queries`
tells, with the distances from the round before, so that "agreement" is with the exact answer.

--threads 1 2 measures only how wall time falls with threads, on 200 queries; the machine should be idle.

Compressors other than gzip have no way to share a prefix: what they save is that C(x) and C(y) are kept.
"""

from __future__ import annotations

import argparse
import importlib
import platform
import sys
import time
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from genoseq.errors import GenoseqWarning
from genoseq.io.labelled import read_labelled
from genoseq.ncd.compressors import PAPER
from genoseq.ncd.distances import Targets, combine, distance_matrix
from genoseq.ncd.neighbours import NCDClassifier
from genoseq.sequence import decode

TEST_SHARE = 5  # a fifth, as in the paper


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("labelled", type=Path, help="table of sequences with labels")
    parser.add_argument("--compressor", choices=PAPER, default="gzip")
    parser.add_argument("--pairs", type=int, help="that the paper's way is tried on (default: all)")
    parser.add_argument("--queries", type=int, help="of the classifiers (default: all)")
    parser.add_argument("--prefilter", nargs="+", type=int, default=[8, 16, 32])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", nargs="+", type=int, help="compare numbers of threads, nothing else")
    args = parser.parse_args()
    warnings.simplefilter("ignore", GenoseqWarning)
    data = read_labelled(args.labelled)
    texts = np.array([decode(codes).encode() for codes in data.codes], object)
    labels = np.array(data.labels)
    order = np.random.default_rng(args.seed).permutation(len(texts))
    test, train = order[: len(order) // TEST_SHARE], order[len(order) // TEST_SHARE :]
    versions = f"zlib {zlib.ZLIB_RUNTIME_VERSION}, numba {importlib.import_module('numba').__version__}"
    print(f"{platform.machine()}, one core; Python {platform.python_version()}, {versions}")
    print(f"command: python {' '.join(sys.argv)}")
    print(
        f"{len(test)} queries, {len(train)} training sequences, mean {np.mean([*map(len, texts)]):,.0f} bp\n"
    )
    compile_kernels(texts[:4], labels[:4])
    if args.threads:
        scaling(list(texts[test][:200]), list(texts[train]), args)
        return
    pairs(texts[test], texts[train], args)
    classifiers(texts, labels, test[: args.queries], train, args)


def compile_kernels(texts, labels) -> None:
    model = NCDClassifier(prefilter=2).fit(list(texts), np.arange(len(texts)) % 2)
    model.predict(list(texts))


def paper_row(compress: Callable[[bytes], int], x: bytes, ys) -> np.ndarray:
    """Distances of one query by three compressions a pair."""
    row = np.empty(len(ys))
    for number, y in enumerate(ys):
        first, second, both = compress(x), compress(y), compress(x + b" " + y)
        row[number] = (both - min(first, second)) / max(first, second)
    return row


def pairs(queries, training, args: argparse.Namespace) -> None:
    """The paper's way and ours on the same pairs, in turns."""
    tool = PAPER[args.compressor]
    count = len(queries) if args.pairs is None else max(1, min(len(queries), args.pairs // len(training)))
    start = time.process_time()
    targets = Targets.prepare(list(training), tool)
    prepared = time.process_time() - start
    slow = fast = kept = 0.0
    equal = 0
    for x in queries[:count]:
        marks = [time.process_time()]
        expected = paper_row(tool.size, x, training)
        marks.append(time.process_time())
        found = targets.distances(x, "ncd")
        marks.append(time.process_time())
        joint = np.fromiter((tool.size(x + b" " + y) for y in training), np.int32, len(training))
        combine("ncd", joint, tool.size(x), targets.sizes[0])
        marks.append(time.process_time())
        steps = np.diff(marks)
        slow, fast, kept = slow + steps[0], fast + steps[1], kept + steps[2]
        equal += int(np.count_nonzero(found == expected))
    share = prepared * count / len(queries)
    total = count * len(training)
    print(f"| {args.compressor}, {total:,} pairs | CPU us a pair | times the paper's way |\n|---|---|---|")
    rows = (
        ("three compressions, as in the paper", slow),
        ("C(x) and C(y) kept", kept + share),
        ("genoseq, exact", fast + share),
    )
    for name, seconds in rows:
        print(f"| {name} | {seconds / total * 1e6:.1f} | {slow / seconds:.1f} |")
    print(
        f"\n{equal:,} of {total:,} distances are equal to the last bit; prepared in {prepared:.2f} s\n",
        flush=True,
    )


def scaling(queries, training, args: argparse.Namespace) -> None:
    """Wall time of a matrix by number of threads."""
    pairs = len(queries) * len(training)
    print(f"| {args.compressor}, {pairs:,} pairs | wall s | times | CPU s |\n|---|---|---|---|")
    first = None
    for threads in args.threads:
        wall, cpu = time.perf_counter(), time.process_time()
        distance_matrix(queries, training, compressor=args.compressor, threads=threads)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        first = first or wall
        print(
            f"| {threads} thread{'s' * (threads > 1)} | {wall:.1f} | {first / wall:.2f} | {cpu:.1f} |",
            flush=True,
        )


def classifiers(texts, labels, test, train, args: argparse.Namespace) -> None:
    """1-NN over all training sequences, and over those that the prefilter leaves."""
    print("| 1-NN | fit, CPU s | CPU ms a query | times exact | with fit | accuracy | same distance |")
    print("|---|---|---|---|---|---|---|")
    reference = exact = None
    for prefilter in (None, *args.prefilter):
        start = time.process_time()
        model = NCDClassifier(args.compressor, prefilter=prefilter)
        model.fit(texts[train], labels[train])
        fitted = time.process_time() - start
        start = time.process_time()
        distances, numbers = model.kneighbors(texts[test])
        seconds = time.process_time() - start
        if reference is None:
            reference, exact = distances, (fitted, seconds)
        accuracy = (labels[train][numbers[:, 0]] == labels[test]).mean()
        name = "exact" if prefilter is None else f"prefilter={prefilter}"
        each, whole = exact[1] / seconds, sum(exact) / (fitted + seconds)
        same = (distances == reference).mean()
        times = f"{fitted:.2f} | {seconds / len(test) * 1e3:.2f} | {each:.0f} | {whole:.0f}"
        print(f"| {name} | {times} | {accuracy:.4f} | {same:.3f} |", flush=True)


if __name__ == "__main__":
    main()
