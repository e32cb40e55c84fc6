"""What a model is worth on the test peptides of PepMLM, beside models that count letters.

    python benchmarks/peptides/perplexity.py --pairs pepmlm_test.csv.gz --train pepmlm_train.csv.gz \\
        --model MODEL

Rivals learn the training peptides whose targets are near no test target, as `genoseq train peptides` splits
them. The published pseudo-perplexities, of the column PPL, are of a model that was trained on the others too.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from cases import announce, arguments, cases_of, model_of

from genoseq.io.files import open_input
from genoseq.peptides.pairs import BindingPair, read_pairs
from genoseq.peptides.split import split_pairs
from genoseq.peptides.worth import pair_log_perplexities, worth_of


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--train", type=Path, required=True, help="pepmlm_train.csv.gz")
    args = parser.parse_args()
    announce(args)
    test = [BindingPair(case.target.letters, case.peptide, case.target.name) for case in cases_of(args)]
    split = split_pairs(read_pairs(args.train).pairs, test=test, validation_share=0, seed=args.seed)
    print(f"{len(test)} test pairs, {len(split.train):,} training pairs for the rivals; ", end="")
    print(f"{split.dropped:,} left out, near a test target\n")
    for when, rows in (("as published", split.given), ("left", split.kept)):
        for row in rows:
            print(f"{row.what} of the test with a twin in training, {when}: {row.equal} equal, ", end="")
            print(f"{row.near} near, of {row.test}")
    measured = pair_log_perplexities(model_of(args), test)
    worth = worth_of({str(args.model): measured}, split.train, test, seed=args.seed)
    print("\n| perplexity | mean | geometric mean | median |\n|---|---|---|---|")
    for name, found in worth["figures"].items():
        cells = ["{:.2f} ({:.2f}-{:.2f})".format(*found[each]) for each in ("mean", "geometric_mean")]
        print(f"| {name} | {' | '.join(cells)} | {found['median']:.2f} |")
    published = published_perplexities(args.pairs, {pair.place for pair in test})
    if len(published):
        middle = f"{np.exp(np.log(published).mean()):.2f} | {np.median(published):.2f}"
        print(f"| PepMLM-650M as published, another split, X counted | {published.mean():.2f} | {middle} |")
    print()
    for rival, found in worth["against"].items():
        value, low, high = found["log_difference"]
        print(f"against {rival}: {value:+.3f} ({low:+.3f} to {high:+.3f}) nats a letter, ", end="")
        print(f"better on {found['better_on']:.0%} of the peptides")


def published_perplexities(path: Path, places: set[str]) -> np.ndarray:
    """The column PPL of the rows at these places; empty if there is none."""
    with open_input(path) as stream:
        lines = [(f"{path}:{number}", text.decode()) for number, text in stream.lines()]
    rows = csv.DictReader(text for _, text in lines)
    found = zip((place for place, _ in lines[1:]), rows, strict=False)
    return np.array([float(row["PPL"]) for place, row in found if place in places and row.get("PPL")])


if __name__ == "__main__":
    main()
