"""What `reject` of NCDClassifier refuses: members of the classes, of one never seen, shuffled letters.

    python benchmarks/ncd/reject.py human.tsv.gz --reject 0.05 0.1

A fifth of the sequences is the test. Each class in turn is left out of the training; "members" are the tests
of the other classes, of which a share of `--reject` at most should be refused, "strangers" those of the class
that was left out, "shuffled" the same with their letters in random order. Half a minute of one core.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np

from genoseq.errors import GenoseqWarning
from genoseq.io.labelled import read_labelled
from genoseq.ncd.neighbours import NCDClassifier
from genoseq.sequence import decode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("labelled", type=Path, help="table of sequences with labels")
    parser.add_argument("--reject", nargs="+", type=float, default=[0.05, 0.1])
    parser.add_argument("--prefilter", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    warnings.simplefilter("ignore", GenoseqWarning)
    data = read_labelled(args.labelled)
    texts, labels = np.array([decode(codes) for codes in data.codes], object), np.array(data.labels)
    rng = np.random.default_rng(args.seed)
    order = rng.permutation(len(texts))
    test, train = order[: len(order) // 5], order[len(order) // 5 :]
    print(f"command: python {' '.join(sys.argv)}\n")
    print("| reject | class left out | members refused | right of the accepted | strangers | shuffled |")
    print("|---|---|---|---|---|---|")
    for share in args.reject:
        rows = []
        for name in data.classes:
            known = train[labels[train] != name]
            model = NCDClassifier(prefilter=args.prefilter, reject=share).fit(texts[known], labels[known])
            members, strangers = test[labels[test] != name], test[labels[test] == name]
            accepted = model.accepts(texts[members])
            right = model.predict(texts[members[accepted]]) == labels[members[accepted]]
            shuffled = ["".join(rng.permutation(list(text))) for text in texts[strangers]]
            refused = [~model.accepts(texts[strangers]), ~model.accepts(shuffled)]
            rows.append([(~accepted).mean(), right.mean(), *(each.mean() for each in refused)])
            tell(share, name, rows[-1])
        tell(share, "mean", np.mean(rows, 0))


def tell(share: float, name: str, row) -> None:
    print(f"| {share:g} | {name} | {' | '.join(f'{value:.3f}' for value in row)} |", flush=True)


if __name__ == "__main__":
    main()
